/**
 * What the status of a C-STORE response means for the object. PS3.4 B.2.3, PS3.7 Annex C.
 *
 * Only what a destination says it has, it has: success, a warning, or that it had it before.
 */

export type StoreVerdict =
  | { readonly kind: 'stored'; readonly warning?: string }
  /** The destination can't take it now. */
  | { readonly kind: 'later'; readonly code: string }
  /** The destination refuses this object. */
  | { readonly kind: 'refused'; readonly code: string };

const DUPLICATE_SOP_INSTANCE = 0x0111;
const PROCESSING_FAILURE = 0x0110;

export function verdictOf(status: number): StoreVerdict {
  const code = `STATUS_${status.toString(16).toUpperCase().padStart(4, '0')}`;
  if (status === 0x0000 || status === DUPLICATE_SOP_INSTANCE) return { kind: 'stored' };
  // PS3.7 Annex C: B000 to BFFF, 0001, 0107 and 0116 are warnings.
  if (status >= 0xb000 && status <= 0xbfff) return { kind: 'stored', warning: code };
  if (status === 0x0001 || status === 0x0107 || status === 0x0116)
    return { kind: 'stored', warning: code };
  if (status >= 0xa700 && status <= 0xa7ff) return { kind: 'later', code };
  if (status === PROCESSING_FAILURE) return { kind: 'later', code };
  return { kind: 'refused', code };
}
