/**
 * The NHS number among the identifiers that an object gives its patient. Only one that the object
 * itself calls an NHS number counts: ten digits with a right check digit may be a local number too.
 */
import { isNhsIssuer, readNhsNumber } from './nhs-number.ts';

/** PS3.3 C.7.1.1: Patient ID with its issuer and type. */
export interface Identifier {
  readonly value: string;
  readonly issuer: string | null;
  /** Universal Entity ID (0040,0032) of its qualifiers. */
  readonly universalId: string | null;
  readonly type: string | null;
}

/** @returns ten digits; null when there is none, or when two differ */
export function findNhsNumber(identifiers: readonly Identifier[]): string | null {
  const numbers = new Set(
    identifiers
      .filter(isQualified)
      .map(({ value }) => readNhsNumber(value))
      .filter((number) => number !== null),
  );
  const [number = null] = numbers;
  return numbers.size === 1 ? number : null;
}

function isQualified({ issuer, universalId, type }: Identifier): boolean {
  return isNhsIssuer(issuer) || isNhsIssuer(universalId) || type?.toUpperCase() === 'NH';
}
