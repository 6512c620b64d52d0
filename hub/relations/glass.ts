/**
 * Emergency accesses: a person breaks the glass of a patient, for four hours, and it is reviewed by the trust that
 * the person works for and by each whose records were opened. As it stands in the log: `cdip.hub.glass.<id>`.
 */
import * as z from 'zod';
import { CLOCKS_DIFFER_MS, rfc3339 } from '../../shared/clock.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Principal } from '../access/rules.ts';
import { type IdentityKey, keyText } from '../identity/identities.ts';
import type { HubDecision } from '../projection/projection.ts';

export const GLASS_MS = 4 * 3_600_000;

/** Why the record has to be seen, though nobody told of an order, a booking or an admission. */
export const GLASS_REASONS = {
  emergency: 'The patient is in danger, and this may change what is done now',
  'patient-present': 'The patient is here, and not booked or admitted in our systems yet',
  'referral-not-recorded': 'A referral or transfer that our systems do not know of',
  'second-opinion': 'A colleague of another trust asks for an opinion',
  safeguarding: 'Safeguarding',
  other: 'Something else',
} as const;
export type GlassReason = keyof typeof GLASS_REASONS;

export const REVIEW_OUTCOMES = {
  appropriate: 'It was right to look',
  'not-appropriate': 'It was not right to look: it is followed up',
} as const;
export type ReviewOutcome = keyof typeof REVIEW_OUTCOMES;

const Names = <T extends object>(of: T) =>
  z.enum(Object.keys(of) as [keyof T & string, ...(keyof T & string)[]]);

export const GlassSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  by: z.object({ name: z.string(), role: z.string(), trust: ODSCode }),
  /** Keys of identities as `keyText` writes them: each stands for the person that it belongs to. */
  patients: z.array(z.string()).min(1),
  /** Trusts whose records it opens. */
  holders: z.array(ODSCode),
  reason: Names(GLASS_REASONS),
  words: z.string(),
  /** The patient had the S-flag, at whichever trust, when it was opened. Absent: written before this was looked at. */
  isSensitive: z.boolean().optional(),
  openedAt: z.iso.datetime(),
  until: z.iso.datetime(),
  reviews: z.array(
    z.object({
      trust: ODSCode,
      by: z.string(),
      at: z.iso.datetime(),
      outcome: Names(REVIEW_OUTCOMES),
      words: z.string(),
    }),
  ),
});
export type Glass = z.output<typeof GlassSchema>;

export interface GlassRecord {
  readonly glass: Glass;
  readonly streamSeq: number;
}

/** Those who have to review it. */
export const reviewersOf = ({ by, holders }: Pick<Glass, 'by' | 'holders'>): string[] => [
  ...new Set([by.trust, ...holders]),
];

export const owedBy = (glass: Glass): string[] =>
  reviewersOf(glass).filter((trust) => !glass.reviews.some((review) => review.trust === trust));

/** @throws ZodError for a body of another version */
export function applyGlass(db: Sqlite, { id, body, streamSeq }: HubDecision): [] {
  const glass = GlassSchema.parse(body);
  const { by, openedAt, until } = glass;
  statement(
    db,
    `INSERT OR REPLACE INTO glass VALUES (@id, @name, @trust, @openedAt, @until, @streamSeq, @body)`,
  ).run({
    ...{ id, name: by.name, trust: by.trust, openedAt, until, streamSeq },
    body: JSON.stringify(glass),
  });
  statement(db, 'DELETE FROM glass_reviews WHERE id = ?').run(id);
  for (const trust of owedBy(glass))
    statement(db, 'INSERT INTO glass_reviews VALUES (?, ?, ?)').run(trust, id, openedAt);
  return [];
}

interface Row {
  readonly body: string;
  readonly streamSeq: number;
}
const recordOf = ({ body, streamSeq }: Row): GlassRecord => ({
  glass: JSON.parse(body) as Glass,
  streamSeq,
});
const COLUMNS = 'g.body, g.stream_seq AS streamSeq';

export function findGlass(db: Sqlite, id: string): GlassRecord | undefined {
  const row = statement<Row>(db, `SELECT ${COLUMNS} FROM glass g WHERE g.id = ?`).get(id);
  return row && recordOf(row);
}

/** The asker's own access to the person that is in force; null: none. @param now milliseconds */
export function glassInForce(
  db: Sqlite,
  { name, trust }: Pick<Principal, 'name' | 'trust'>,
  { members, now }: { members: readonly IdentityKey[]; now: number },
): string | null {
  if (trust === null) return null;
  const keys = new Set(members.map(keyText));
  const found = statement<Row>(
    db,
    // One of the future was opened before the clock was set back: four hours of it are no four hours.
    `SELECT ${COLUMNS} FROM glass g
     WHERE g.by_name = ? AND g.by_trust = ? AND g.until > ? AND g.opened_at <= ?
     ORDER BY g.opened_at DESC`,
  )
    .all(name, trust, rfc3339(now), rfc3339(now + CLOCKS_DIFFER_MS))
    .map(recordOf)
    .find(({ glass }) => glass.patients.some((key) => keys.has(key)));
  return found?.glass.id ?? null;
}

export interface GlassFilter {
  /** Whose review it is: of the trust of the one who looked, or of one whose record it was. */
  readonly trust: string | null;
  /** Of the name. */
  readonly by?: string | undefined;
  /** `open`: a review is owed by the trust, or by anybody. */
  readonly state: 'open' | 'all';
}

/** Those that are owed a review first, the oldest of them first; then the newest. */
export function listGlass(
  db: Sqlite,
  { trust, by, state }: GlassFilter,
  page: { limit: number; offset: number },
): { readonly records: GlassRecord[]; readonly total: number } {
  const owed = `EXISTS (SELECT 1 FROM glass_reviews w WHERE w.id = g.id
    AND (@trust IS NULL OR w.trust = @trust))`;
  const concerns = `(@trust IS NULL OR g.by_trust = @trust OR EXISTS (
    SELECT 1 FROM json_each(g.body, '$.holders') h WHERE h.value = @trust))`;
  const from = `FROM glass g WHERE ${concerns} AND (@by IS NULL OR g.by_name = @by)
    ${state === 'open' ? `AND ${owed}` : ''}`;
  const given = { trust, by: by ?? null };
  const rows = statement<Row>(
    db,
    `SELECT ${COLUMNS} ${from}
     ORDER BY NOT ${owed}, iif(${owed}, g.opened_at, ''), g.opened_at DESC
     LIMIT @limit OFFSET @offset`,
  ).all({ ...given, ...page });
  const total = statement<{ n: number }>(db, `SELECT count(*) AS n ${from}`).get(given)?.n ?? 0;
  return { records: rows.map(recordOf), total };
}

export interface ReviewOwed {
  readonly trust: string;
  readonly id: string;
  readonly openedAt: string;
  readonly isSensitive: boolean;
}

/** What each trust has still to review. */
export function reviewsOwed(db: Sqlite): readonly ReviewOwed[] {
  return statement<Omit<ReviewOwed, 'isSensitive'> & { isSensitive: number | null }>(
    db,
    `SELECT r.trust, r.id, r.opened_at AS openedAt, g.body ->> '$.isSensitive' AS isSensitive
     FROM glass_reviews r JOIN glass g ON g.id = r.id ORDER BY r.trust, r.opened_at`,
  )
    .all()
    .map((row) => ({ ...row, isSensitive: row.isSensitive === 1 }));
}
