/**
 * Makes every row of a stage anew, in parts by a hash of its key, so that the aggregates of one part fit into
 * memory however long the history is. Where there are many, what a part reads is laid into a file for it first, its own
 * rows and those that they name: all is read once, not once for each part.
 */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { quoted, type Store } from '../store.ts';
import {
  columnsOf,
  hashColumn,
  hashed,
  hashIn,
  hashSql,
  namedHashes,
  namedIn,
  namedReadsOf,
  type Read,
  readsOf,
} from './key-hashes.ts';
import { type Sources, type Stage, tableOf } from './stage.ts';
import { STAGES } from './stages.ts';

/** Rows of its largest source that a part has: half a million orders take half a gigabyte while they are folded. */
const ROWS_A_PART = 1_000_000;
/** … where what is held of them goes to the disk by itself. */
const NARROW_ROWS_A_PART = 500_000_000;
/** Of so many parts each reads everything and leaves what is not its own: that is cheaper than to lay it into files. */
const MOST_READ_AGAIN = 8;
/** … or looks through everything for what its rows name. */
const MOST_SEARCHED_AGAIN = 2;

/** What makes the table: other SQL, other rows. */
export const textOf = (stage: Stage): string =>
  [tableOf(stage), ...stage.key, stage.rows(wholeSources)].join('\n');

const allRows: Sources['only'] = (table) => `(SELECT ${columnsOf(table)} FROM ${table} t)`;
const wholeSources: Sources = {
  only: allRows,
  named: namedIn(allRows),
  kept: null,
  fresh: (kind) => `(SELECT t.*, t.rowid AS arrived FROM told_${kind} t)`,
};

/** @param rowsAPart of the largest source; absent: as many as a gigabyte has room for */
export async function makeAll(store: Store, stage: Stage, rowsAPart?: number): Promise<void> {
  const table = tableOf(stage);
  const reads = readsOf(stage);
  const whole = stage.rows(wholeSources);
  const ordered = orderedBy(stage);
  const parts = await partsOf(store, reads, rowsAPart);
  await store.run(`DROP TABLE IF EXISTS next_${table}`);
  if (parts === 1) await store.run(`CREATE TABLE next_${table} AS ${ordered(whole)}`);
  else await makeInParts(store, stage, { reads, parts });
  await store.run(`DROP TABLE IF EXISTS ${table}; ALTER TABLE next_${table} RENAME TO ${table}`);
}

/** In order within its part, which has rows of a few months together then: all at once would be sorted on the disk. */
const orderedBy =
  (stage: Stage) =>
  (rows: string): string =>
    stage.order === undefined
      ? hashed(stage, rows)
      : `FROM (${hashed(stage, rows)}) ORDER BY ${stage.order}`;

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
  const ordered = orderedBy(stage);
  try {
    const files = await layFiles(store, stage, { folder, reads, parts });
    for (let at = 0; at < parts; at += 1) {
      const rows = ordered(stage.rows(sourcesOfPart(stage, { files, at, of: parts })));
      const table = `next_${tableOf(stage)}`;
      await store.run(
        at === 0 ? `CREATE TABLE ${table} AS ${rows}` : `INSERT INTO ${table} ${rows}`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Folders with a file for each part, by what they hold. */
type Files = ReadonlyMap<string, string>;

async function layFiles(
  store: Store,
  stage: Stage,
  { folder, reads, parts }: { folder: string; reads: readonly Read[]; parts: number },
): Promise<Files> {
  remade(folder);
  const files = new Map<string, string>();
  const lay = async (name: string, rows: string): Promise<void> => {
    files.set(name, join(folder, name));
    await store.run(`
      COPY (${rows}) TO ${quoted(join(folder, name))} (FORMAT parquet, PARTITION_BY (part), COMPRESSION lz4)`);
  };
  const own = parts > MOST_READ_AGAIN ? reads.filter((one) => !liesByKey(stage, one)) : [];
  for (const read of own) {
    const { table, columns } = read;
    const isKey = columns.map((one) => `t.${one} IS NOT NULL`).join(' AND ');
    await lay(
      nameOf(read),
      `SELECT ${columnsOf(table)}, ${partOf(hashIn(read), parts)} AS part FROM ${table} t WHERE ${isKey}`,
    );
  }
  for (const named of parts > MOST_SEARCHED_AGAIN ? namedReadsOf(stage) : []) {
    const { table, columns, by } = named;
    const hashes = namedHashes(
      by,
      ({ from, columns: key = stage.key }) =>
        `(SELECT t.*, ${partOf(hashIn({ table: from, columns: key }), parts)} AS part FROM ${from} t)`,
      ['part'],
    );
    await lay(
      namedFile(named),
      `SELECT ${columnsOf(table)}, d.part FROM ${table} t JOIN (${hashes}) d ON t.${hashColumn(columns)} = d.h`,
    );
  }
  return files;
}

/** Its parts follow each other in the table, since it was made by the same key: each is then read from one place. */
function liesByKey(stage: Stage, { table, columns }: Read): boolean {
  const makers = STAGES.slice(0, STAGES.indexOf(stage)).filter((one) => tableOf(one) === table);
  return makers.at(-1)?.key.join() === columns.join();
}

/** Numbers are cut into ranges, not by their remainder: rows of a part then lie together. SQL. */
const partOf = (hash: string, of: number): string => `((${hash} >> 32) * ${of}) >> 32`;

function isOfPart(hash: string, at: number, of: number): string {
  const from = (part: number): bigint =>
    ((BigInt(part) * 2n ** 32n + BigInt(of) - 1n) / BigInt(of)) * 2n ** 32n;
  return `${hash} BETWEEN ${from(at)}::UBIGINT AND ${from(at + 1) - 1n}::UBIGINT`;
}

function remade(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true, mode: 0o700 });
}

const nameOf = ({ table, columns }: Read): string => `${table}-${columns.join('-')}`;
const namedFile = (read: Read): string => `named-${nameOf(read)}`;

function sourcesOfPart(
  { key }: Stage,
  { files, at, of }: { files: Files; at: number; of: number },
): Sources {
  const filed = (name: string, table: string): string | undefined => {
    const folder = files.get(name);
    if (folder === undefined) return undefined;
    const part = join(folder, `part=${at}`);
    // A part that nothing fell into has no file.
    if (!existsSync(part)) return `(SELECT ${columnsOf(table)} FROM ${table} t WHERE false)`;
    return `(FROM read_parquet(${quoted(join(part, '*.parquet'))}, hive_partitioning = false))`;
  };
  const only: Sources['only'] = (table, columns = key) =>
    filed(nameOf({ table, columns }), table) ??
    `(SELECT ${columnsOf(table)} FROM ${table} t WHERE ${isOfPart(hashIn({ table, columns }), at, of)})`;
  const throughAll = namedIn(only);
  return {
    only,
    named: (table, columns, by) =>
      filed(namedFile({ table, columns }), table) ?? throughAll(table, columns, by),
    kept: null,
    fresh: (kind) =>
      `(SELECT t.*, t.rowid AS arrived FROM told_${kind} t WHERE ${isOfPart(hashSql(key), at, of)})`,
  };
}
