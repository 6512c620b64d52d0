/**
 * Lists of meetings (MDT): patients whom several trusts discuss on a day. Who is on one concerns the people of the
 * trusts that meet. As it stands in the log: `cdip.hub.mdt.<id>`, whole state each. RW-07.
 */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { HubDecision } from '../projection/projection.ts';

const PatientKey = z.object({ trust: ODSCode, patientId: z.string(), issuer: z.string() });

export const MdtListSchema = z.object({
  v: z.literal(1),
  listId: z.string(),
  /** Who holds the meeting. */
  trust: ODSCode,
  name: z.string(),
  /** YYYY-MM-DD. */
  meetsOn: z.iso.date(),
  /** All trusts that meet, the holder among them. */
  trusts: z.array(ODSCode).min(1),
  /** One number for each person: all others of the person follow from it. */
  patients: z.array(
    z.object({ key: PatientKey, question: z.string(), by: z.string(), at: z.iso.datetime() }),
  ),
  by: z.string(),
});
export type MdtList = z.output<typeof MdtListSchema>;

export interface MdtListRecord {
  readonly list: MdtList;
  readonly streamSeq: number;
}

/** @throws ZodError for a body of another version */
export function applyMdtList(db: Sqlite, { body, streamSeq }: HubDecision): [] {
  const list = MdtListSchema.parse(body);
  const { listId, trust, meetsOn } = list;
  statement(db, 'INSERT OR REPLACE INTO mdt_lists VALUES (?, ?, ?, ?, ?)').run(
    ...[listId, trust, meetsOn, streamSeq, JSON.stringify(list)],
  );
  statement(db, 'DELETE FROM mdt_patients WHERE list_id = ?').run(listId);
  const insert = statement(db, 'INSERT OR IGNORE INTO mdt_patients VALUES (?, ?, ?, ?, ?)');
  for (const concerned of new Set([trust, ...list.trusts]))
    for (const { key } of list.patients)
      insert.run(listId, concerned, key.trust, key.patientId, key.issuer);
  return [];
}

interface Row {
  readonly body: string;
  readonly streamSeq: number;
}
const recordOf = ({ body, streamSeq }: Row): MdtListRecord => ({
  list: JSON.parse(body) as MdtList,
  streamSeq,
});

export function findMdtList(db: Sqlite, listId: string): MdtListRecord | undefined {
  const sql = 'SELECT body, stream_seq AS streamSeq FROM mdt_lists WHERE list_id = ?';
  const row = statement<Row>(db, sql).get(listId);
  return row && recordOf(row);
}

/** Of the trusts that meet, the next first; those of a month ago are not listed any more. */
export function listMdtLists(
  db: Sqlite,
  { trust, since }: { trust: string | null; since: string },
  page: { limit: number; offset: number },
): { readonly lists: MdtList[]; readonly total: number } {
  const from = `FROM mdt_lists l WHERE l.meets_on >= @since AND (@trust IS NULL OR l.trust = @trust
    OR EXISTS (SELECT 1 FROM json_each(l.body, '$.trusts') m WHERE m.value = @trust))`;
  const given = { trust, since };
  const rows = statement<Row>(
    db,
    `SELECT l.body, l.stream_seq AS streamSeq ${from} ORDER BY l.meets_on, l.list_id
     LIMIT @limit OFFSET @offset`,
  ).all({ ...given, ...page });
  const total = statement<{ n: number }>(db, `SELECT count(*) AS n ${from}`).get(given)?.n ?? 0;
  return { lists: rows.map((row) => recordOf(row).list), total };
}
