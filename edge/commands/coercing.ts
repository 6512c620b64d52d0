/** Giving objects the local identity, and taking it back: edge/coerce as fetches use it. */
import { type CoercionInput, coerceObject, restoreObject } from '../coerce/coerce.ts';
import type { IdentityMapping } from '../coerce/identity.ts';

/** Both give the bytes of a data set in the transfer syntax of the input, and throw GatewayErrors. */
export interface Coercing {
  coerce(input: CoercionInput, mapping: IdentityMapping): AsyncIterable<Buffer>;
  /** @param input.trust whose edge made the copy */
  restore(
    input: Pick<CoercionInput, 'open' | 'transferSyntaxUID'> & { readonly trust: string },
  ): AsyncIterable<Buffer>;
}

export const dicomCoercing: Coercing = { coerce: coerceObject, restore: restoreObject };
