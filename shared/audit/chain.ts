/** The chain of the audit trail: each row's digest covers the row and the digest before it. */
import { createHash } from 'node:crypto';

/** Digest before the first row. */
export const CHAIN_START = '0'.repeat(64);

/** A row as it stands on the disk. */
export interface AuditRow {
  /** From 1, without a gap. */
  readonly seq: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly user: string;
  /** The entry, JSON. */
  readonly entry: string;
  readonly digest: string;
}

/** @param previous digest of the row before, hexadecimal @returns SHA-256, hexadecimal */
export function digestOf(previous: string, row: Omit<AuditRow, 'digest'>): string {
  const { seq, at, user, entry } = row;
  return createHash('sha256')
    .update(JSON.stringify([previous, seq, at, user, entry]))
    .digest('hex');
}
