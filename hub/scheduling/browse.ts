/** Diaries and slots as lists, for those who look through them. SQL. */
import { createHash } from 'node:crypto';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Page } from './lists.ts';
import type { Diary } from './rows.ts';
import type { Slot, SlotStatus } from './types.ts';

export interface Times {
  readonly from: string | null;
  readonly to: string | null;
}

/** By day. */
export function listDiaries(
  db: Sqlite,
  { from, to, resource = null }: Times & { resource?: string | null },
  page: Page,
): { diaries: Diary[]; total: number } {
  const where = `FROM diaries WHERE (@from IS NULL OR date >= @from) AND (@to IS NULL OR date < @to)
    AND (@resource IS NULL OR resource = @resource)`;
  const given = {
    from: from?.slice(0, 10) ?? null,
    to: to?.slice(0, 10) ?? null,
    resource,
    ...page,
  };
  const diaries = statement<Diary>(
    db,
    `SELECT resource, date, trust, authority, stream_seq AS streamSeq ${where}
       ORDER BY date, resource LIMIT @limit OFFSET @offset`,
  ).all(given);
  return { diaries, total: count(db, where, given) };
}

/** By time. */
export function listSlots(
  db: Sqlite,
  {
    diary = null,
    status = null,
    ...times
  }: Times & {
    diary?: { resource: string; date: string } | null;
    status?: readonly SlotStatus[] | null;
  },
  page: Page,
): { slots: Slot[]; total: number } {
  const where = `FROM slots WHERE (@from IS NULL OR start >= @from) AND (@to IS NULL OR start < @to)
    AND (@resource IS NULL OR (resource = @resource AND date = @date))
    AND (@status IS NULL OR status IN (SELECT value FROM json_each(@status)))`;
  const given = {
    ...{ ...times, resource: diary?.resource ?? null, date: diary?.date ?? null },
    ...{ status: status === null ? null : JSON.stringify(status), ...page },
  };
  const slots = statement<Slot>(
    db,
    `SELECT id, resource, date, start, minutes, status, owner, until ${where}
       ORDER BY start, id LIMIT @limit OFFSET @offset`,
  ).all(given);
  return { slots, total: count(db, where, given) };
}

const count = (db: Sqlite, where: string, given: object): number =>
  statement<number>(db, `SELECT count(*) ${where}`).pluck().get(given) ?? 0;

/** Another one whenever something of the slot changed. */
export const slotVersion = ({ start, minutes, status, owner, until }: Slot): string =>
  createHash('sha256')
    .update(JSON.stringify([start, minutes, status, owner, until]))
    .digest('hex')
    .slice(0, 12);

/** Sequence of the booking's last decision. */
export const bookingVersion = (db: Sqlite, bookingId: string): number =>
  statement<number>(db, 'SELECT stream_seq FROM bookings WHERE booking_id = ?')
    .pluck()
    .get(bookingId) ?? 0;
