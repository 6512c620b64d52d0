/** The coming days of a resource's diary, with how much of each is free. SQL. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';

export interface DiaryDay {
  readonly date: string;
  readonly slots: number;
  readonly free: number;
}

const DAYS = 14;

export const daysOfDiaries = (
  db: Sqlite,
  { resource, from }: { resource: string; from: string },
): DiaryDay[] =>
  statement<DiaryDay>(
    db,
    `SELECT date, count(*) AS slots, sum(status = 'free') AS free FROM slots
       WHERE resource = ? AND date >= ? GROUP BY date ORDER BY date LIMIT ?`,
  ).all(resource, from, DAYS);
