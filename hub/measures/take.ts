/** Brings what was told since the last time from the projection into the store. Taken twice counts once. */
import {
  type DuckDBAppender,
  DuckDBDateValue,
  DuckDBListValue,
  DuckDBTimestampValue,
  LIST,
  VARCHAR,
} from '@duckdb/node-api';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { countedByMeasures, waitingForMeasures } from '../projection/measure-inbox.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { rowsOfEvent } from './rows-of-event.ts';
import type { Store } from './store.ts';
import { type ColumnType, type KindName, TOLD, type ToldRow } from './told.ts';
import { transfersTold } from './transfers-told.ts';
import { type ViewSource, viewRows } from './views-told.ts';

const BATCH = 5_000;

/** @returns how many rows were added */
export async function takeWhatWasTold(store: Store, db: Sqlite, keys: Pseudonyms): Promise<number> {
  let added = 0;
  for (;;) {
    const waiting = waitingForMeasures(db, BATCH);
    const last = waiting.at(-1);
    if (last === undefined) break;
    const rows = new Map<KindName, ToldRow[]>();
    for (const { event } of waiting)
      for (const { kind, row } of rowsOfEvent(event, keys))
        if (rows.get(kind)?.push(row) === undefined) rows.set(kind, [row]);
    for (const [kind, of] of rows) added += await appendTold(store, kind, of);
    countedByMeasures(db, last.id);
  }
  return added + (await appendTold(store, 'transfer', await transfersTold(store, db)));
}

/** What was opened since the last time. @returns how many rows were added */
export async function takeViews(store: Store, trail: ViewSource): Promise<number> {
  const [mark] = await store.rows('SELECT seq FROM viewed_until');
  // A trail that is shorter was restored from a backup: what is new in it follows its end.
  let seq = Math.min(Number(mark?.['seq'] ?? 0), trail.head().seq);
  let added = 0;
  for (;;) {
    const entries = trail.after(seq, BATCH);
    const last = entries.at(-1);
    if (last === undefined) return added;
    seq = last.seq;
    added += await appendTold(store, 'view', viewRows(entries));
    await store.run(`DELETE FROM viewed_until; INSERT INTO viewed_until VALUES (${seq})`);
  }
}

/** Durable when it resolves. */
export async function appendTold(
  store: Store,
  kind: KindName,
  rows: readonly ToldRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const columns = Object.entries<ColumnType>(TOLD[kind].columns);
  const appender = await store.appender(`told_${kind}`);
  for (const row of rows) {
    for (const [name, type] of columns) appendValue(appender, type, row[name]);
    appender.endRow();
  }
  appender.closeSync();
  return rows.length;
}

function appendValue(appender: DuckDBAppender, type: ColumnType, value: ToldRow[string]): void {
  if (value === null || value === undefined) {
    appender.appendNull();
    return;
  }
  switch (type) {
    case 'TIMESTAMP':
      appender.appendTimestamp(
        new DuckDBTimestampValue(BigInt(Date.parse(String(value))) * 1_000n),
      );
      return;
    case 'DATE':
      appender.appendDate(new DuckDBDateValue(Math.floor(Date.parse(String(value)) / 86_400_000)));
      return;
    case 'BIGINT':
      appender.appendBigInt(BigInt(Math.round(Number(value))));
      return;
    case 'DOUBLE':
      appender.appendDouble(Number(value));
      return;
    case 'BOOLEAN':
      appender.appendBoolean(value === true);
      return;
    case 'VARCHAR[]':
      appender.appendList(new DuckDBListValue(value as string[]), LIST(VARCHAR));
      return;
    case 'VARCHAR':
      appender.appendVarchar(String(value));
  }
}
