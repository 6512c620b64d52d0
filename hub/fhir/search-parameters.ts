/** Search parameters of FHIR R4 that this server knows. R4 §3.1.1. */

export type QueryValue = string | readonly string[] | undefined;

/** Values of a parameter that may come several times. */
export const valuesOf = (value: QueryValue): readonly string[] =>
  value === undefined ? [] : typeof value === 'string' ? [value] : value;

/** `system|value`, or a value without a system: null. R4 §3.1.1.4.10. */
export function tokenOf(text: string): { readonly system: string | null; readonly value: string } {
  const at = text.indexOf('|');
  return at < 0
    ? { system: null, value: text }
    : { system: text.slice(0, at), value: text.slice(at + 1) };
}

/** RFC 3339, each the first or the last moment: `from` ≤ t < `to`. */
export interface TimeRange {
  readonly from: string | null;
  readonly to: string | null;
}

/** `2026-12-01`, `ge2026-12-01T09:00:00Z`, `lt…`; null for what can't be read. R4 §3.1.1.4.7. */
export function timeRangeOf(value: QueryValue): TimeRange | null {
  let range: TimeRange = { from: null, to: null };
  for (const text of valuesOf(value)) {
    const match = /^(eq|ge|gt|le|lt)?(\d{4}-\d{2}-\d{2})(T[\d:.]+(?:Z|[+-]\d{2}:\d{2}))?$/.exec(
      text,
    );
    const begin = Date.parse(`${match?.[2]}${match?.[3] ?? 'T00:00:00Z'}`);
    if (match === null || Number.isNaN(begin)) return null;
    // A day is its 24 hours, a moment itself.
    const end = begin + (match[3] === undefined ? 86_400_000 : 1);
    range = narrowed(range, match[1] ?? 'eq', { begin, end });
  }
  return range;
}

function narrowed(
  range: TimeRange,
  prefix: string,
  { begin, end }: { begin: number; end: number },
): TimeRange {
  const at = (ms: number): string => new Date(ms).toISOString();
  switch (prefix) {
    case 'ge':
      return { ...range, from: at(begin) };
    case 'gt':
      return { ...range, from: at(end) };
    case 'lt':
      return { ...range, to: at(begin) };
    case 'le':
      return { ...range, to: at(end) };
    default:
      return { from: at(begin), to: at(end) };
  }
}
