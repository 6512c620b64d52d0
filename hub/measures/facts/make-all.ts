/**
 * Makes every row of a stage anew, in parts by a hash of its key, so that the aggregates of one part fit into
 * memory however long the history is. What the stage reads is laid into a file for each part first: read once,
 * not once for each part.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { quoted, type Store } from '../store.ts';
import { columnsOf, type Sources, type Stage, tableOf } from './stage.ts';

/** Rows of its largest source that a part has: half a million orders take half a gigabyte while they are folded. */
const ROWS_A_PART = 1_000_000;
/** … where only a few short columns of them are held. */
const NARROW_ROWS_A_PART = 25_000_000;

/** What makes the table: other SQL, other rows. */
export const textOf = (stage: Stage): string =>
  [tableOf(stage), ...stage.key, stage.rows(wholeSources(stage))].join('\n');

const wholeSources = ({ key }: Stage, note: (read: Read) => void = () => {}): Sources => ({
  only(table, columns = key) {
    note({ table, columns });
    return `(SELECT ${columnsOf(table)} FROM ${table} t)`;
  },
  kept: null,
  fresh: (kind) => `(SELECT t.*, t.rowid AS arrived FROM told_${kind} t)`,
});

/** A source of a stage: which table, and where the key stands in it. */
interface Read {
  readonly table: string;
  readonly columns: readonly string[];
}

/** @param rowsAPart of the largest source; absent: as many as a gigabyte has room for */
export async function makeAll(store: Store, stage: Stage, rowsAPart?: number): Promise<void> {
  const table = tableOf(stage);
  const reads: Read[] = [];
  const whole = stage.rows(wholeSources(stage, (read) => reads.push(read)));
  const parts = await partsOf(store, reads, rowsAPart);
  await store.run(`DROP TABLE IF EXISTS next_${table}`);
  if (parts === 1) await store.run(`CREATE TABLE next_${table} AS ${whole}`);
  else await makeInParts(store, stage, { reads, parts });
  await store.run(
    stage.order === undefined
      ? `DROP TABLE IF EXISTS ${table}; ALTER TABLE next_${table} RENAME TO ${table}`
      : `CREATE OR REPLACE TABLE ${table} AS FROM next_${table} ORDER BY ${stage.order};
         DROP TABLE next_${table}`,
  );
}

async function partsOf(
  store: Store,
  reads: readonly Read[],
  rowsAPart = reads.length > 0 ? ROWS_A_PART : NARROW_ROWS_A_PART,
): Promise<number> {
  const tables = reads.length > 0 ? reads.map(({ table }) => table) : ['told_order', 'told_report'];
  const counts = tables.map((name) => `(SELECT count(*) FROM ${name})`);
  const [row] = await store.rows(`SELECT greatest(${counts.join(', ')}) AS rows`);
  return Math.max(1, Math.ceil(Number(row?.['rows']) / rowsAPart));
}

async function makeInParts(
  store: Store,
  stage: Stage,
  { reads, parts }: { reads: readonly Read[]; parts: number },
): Promise<void> {
  const folder = join(store.directory, 'temp', stage.name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    for (const read of reads)
      await store.run(`
        COPY (SELECT ${columnsOf(read.table)}, hash(${read.columns.join(', ')}) % ${parts} AS part FROM ${read.table} t)
        TO ${quoted(join(folder, nameOf(read)))} (FORMAT parquet, PARTITION_BY (part), COMPRESSION lz4)`);
    for (let at = 0; at < parts; at += 1) {
      const rows = stage.rows(sourcesOfPart(stage, { folder, at, of: parts }));
      const table = `next_${tableOf(stage)}`;
      await store.run(
        at === 0 ? `CREATE TABLE ${table} AS ${rows}` : `INSERT INTO ${table} ${rows}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const nameOf = ({ table, columns }: Read): string => `${table}-${columns.join('-')}`;

function sourcesOfPart(
  { key }: Stage,
  { folder, at, of }: { folder: string; at: number; of: number },
): Sources {
  return {
    only(table, columns = key) {
      const part = join(folder, nameOf({ table, columns }), `part=${at}`);
      // A part that nothing fell into has no file.
      if (!existsSync(part)) return `(SELECT ${columnsOf(table)} FROM ${table} t WHERE false)`;
      const files = join(part, '*.parquet');
      return `(FROM read_parquet(${quoted(files)}, hive_partitioning = false))`;
    },
    kept: null,
    fresh: (kind) =>
      `(SELECT t.*, t.rowid AS arrived FROM told_${kind} t WHERE hash(${key.join(', ')}) % ${of} = ${at})`,
  };
}
