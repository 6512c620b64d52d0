/**
 * Pairs that a person has to look at: class C of the rules, found whenever a trust tells a patient.
 *
 *   patient event ─► candidates ─► compare ─► identity_reviews        decided ─► no longer shown
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { compareIdentities, type IdentityReason } from './compare.ts';
import {
  candidatesOf,
  findIdentity,
  type Identity,
  type IdentityKey,
  keyOfText,
  keyText,
} from './identities.ts';

export interface Review {
  readonly a: Identity;
  readonly b: Identity;
  readonly reasons: readonly IdentityReason[];
  readonly foundAt: string;
}

/** Within the transaction that applied the patient. */
export function reviewIdentity(db: Sqlite, key: IdentityKey, now: string): void {
  const self = keyText(key);
  db.prepare('DELETE FROM identity_reviews WHERE a = ? OR b = ?').run(self, self);
  const one = findIdentity(db, key);
  if (one === undefined || one.mergedInto !== null) return;
  const insert = db.prepare('INSERT OR REPLACE INTO identity_reviews VALUES (?, ?, ?, ?)');
  for (const other of candidatesOf(db, one)) {
    if (other.mergedInto !== null) continue;
    const { class: kind, reasons } = compareIdentities(one, other);
    const [a, b] = [self, keyText(other)].toSorted();
    if (kind === 'C') insert.run(a, b, JSON.stringify(reasons), now);
  }
}

const OPEN = `FROM identity_reviews r WHERE NOT EXISTS (
  SELECT 1 FROM identity_decisions d WHERE d.a = r.a AND d.b = r.b AND d.decision <> 'undone')`;

/** Keys begin with the trust. */
const OF_TRUST = `(@trust IS NULL OR r.a LIKE @trust || '/%' OR r.b LIKE @trust || '/%')`;

/** Oldest first. @param trust only pairs with a patient of it, and where another trust's patient has no S-flag */
export function openReviews(
  db: Sqlite,
  { limit, offset }: { limit: number; offset: number },
  trust: string | null = null,
): { reviews: Review[]; total: number } {
  const total =
    db
      .prepare<[object], number>(`SELECT count(*) ${OPEN} AND ${OF_TRUST}`)
      .pluck()
      .get({ trust }) ?? 0;
  const rows = db
    .prepare<[object], { a: string; b: string; reasons: string; foundAt: string }>(
      `SELECT r.a AS a, r.b AS b, r.reasons AS reasons, r.found_at AS foundAt ${OPEN} AND ${OF_TRUST}
       ORDER BY r.found_at, r.a, r.b LIMIT @limit OFFSET @offset`,
    )
    .all({ trust, limit, offset });
  const reviews = rows.flatMap(({ a, b, reasons, foundAt }): Review[] => {
    const [first, second] = [a, b].map((text) => {
      const key = keyOfText(text);
      return key === null ? undefined : findIdentity(db, key);
    });
    if (first === undefined || second === undefined) return [];
    const isElsewhere = (one: Identity): boolean => trust !== null && one.trust !== trust;
    if ([first, second].some((one) => one.restricted && isElsewhere(one))) return [];
    return [{ a: first, b: second, reasons: JSON.parse(reasons) as IdentityReason[], foundAt }];
  });
  return { reviews, total };
}
