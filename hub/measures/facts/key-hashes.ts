/**
 * Which rows a key has, without reading texts: each table of a stage has one number for each key that it is read by,
 * and beside what was told of a kind stands one for each row (`place_…`). A day's keys are then found in tens of
 * millions of rows by one narrow column. Two keys with one number are made anew together: more work, the same rows.
 */
import { KINDS, type KindName } from '../told.ts';
import type { Naming, Sources, Stage } from './stage.ts';
import { tableOf } from './stage.ts';
import { STAGES } from './stages.ts';

/** A source of a stage: which table, and where the key stands in it. */
export interface Read {
  readonly table: string;
  readonly columns: readonly string[];
}

/** … and which of the stage's own rows name them. */
export interface NamedRead extends Read {
  readonly by: readonly Naming[];
}

/** What a stage reads of its own keys, and of those that other rows name. */
function sourcesOf(stage: Stage): { readonly only: Read[]; readonly named: NamedRead[] } {
  const [only, named] = [new Map<string, Read>(), new Map<string, NamedRead>()];
  stage.rows({
    only: (table, columns = stage.key) => {
      only.set([table, ...columns].join(), { table, columns });
      return table;
    },
    named: (table, columns, by) => {
      named.set([table, ...columns].join(), { table, columns, by });
      return table;
    },
    kept: tableOf(stage),
    fresh: (kind) => `told_${kind}`,
  });
  return { only: [...only.values()], named: [...named.values()] };
}

export const readsOf = (stage: Stage): Read[] => sourcesOf(stage).only;
export const namedReadsOf = (stage: Stage): NamedRead[] => sourcesOf(stage).named;

const ALL: readonly Read[] = STAGES.flatMap((stage) => {
  const { only, named } = sourcesOf(stage);
  return [{ table: tableOf(stage), columns: stage.key }, ...only, ...named];
});

/** By table: the keys that it is read by. */
const KEYS: ReadonlyMap<string, readonly (readonly string[])[]> = new Map(
  ALL.map(({ table }) => {
    const keys = ALL.filter((one) => one.table === table).map(({ columns }) => columns);
    return [table, [...new Map(keys.map((key) => [key.join(), key])).values()]];
  }),
);

export const hashColumn = (key: readonly string[]): string => `h_${key.join('_')}`;
export const hashSql = (key: readonly string[], of = ''): string =>
  `hash(${key.map((one) => `${of}${one}`).join(', ')})`;

const hashColumns = (table: string): string[] => (KEYS.get(table) ?? []).map(hashColumn);

/** A table of the stages as they wrote it, `t`; of what was told also its place in the order of telling. */
export function columnsOf(table: string): string {
  if (table.startsWith('told_')) return 't.*, t.rowid AS arrived';
  return `t.* EXCLUDE (${hashColumns(table).join(', ')})`;
}

/** Rows of a stage as its table has them. */
export function hashed(stage: Stage, rows: string): string {
  const table = tableOf(stage);
  const hashes = (KEYS.get(table) ?? []).map((key) => `${hashSql(key)} AS ${hashColumn(key)}`);
  return `SELECT *, ${hashes.join(', ')} FROM (${rows})`;
}

/** The numbers of what is named, `h`, each once; with more columns of the rows that name, each once beside them. SQL. */
export function namedHashes(
  by: readonly Naming[],
  rowsOf: (naming: Naming) => string,
  beside: readonly string[] = [],
): string {
  const named = by.map((naming) => {
    const names = naming.names.map((sql, at) => `${sql} AS n${at}`);
    return `SELECT ${[...names, ...beside].join(', ')} FROM ${rowsOf(naming)}`;
  });
  const numbers = (by[0]?.names ?? []).map((_, at) => `n${at}`);
  return `
    SELECT DISTINCT ${[`${hashSql(numbers)} AS h`, ...beside].join(', ')} FROM (${named.join(' UNION ALL ')})
    WHERE ${numbers.map((one) => `${one} IS NOT NULL`).join(' AND ')}`;
}

/** `named` of {@link Sources}: all of the table is looked through. */
export const namedIn =
  (only: Sources['only']): Sources['named'] =>
  (table, columns, by) =>
    `
    (SELECT ${columnsOf(table)} FROM ${table} t SEMI JOIN (
      ${namedHashes(by, ({ from, columns: key }) => only(from, key))}) d ON t.${hashColumn(columns)} = d.h)`;

/** SQL of the number of a row of the table `t`. */
export const hashIn = ({ table, columns }: Read): string =>
  table.startsWith('told_') ? hashSql(columns, 't.') : `t.${hashColumn(columns)}`;

export const placeTable = (told: string, key: readonly string[]): string =>
  `place_${told.slice('told_'.length)}_${key.join('_')}`;

/** Where rows of what was told lie: all of them, or also those that are new. SQL. */
export const placesSql = (isWhole: boolean): string =>
  KINDS.flatMap((kind: KindName) =>
    (KEYS.get(`told_${kind}`) ?? []).map((key) => {
      const table = placeTable(`told_${kind}`, key);
      return isWhole
        ? `CREATE OR REPLACE TABLE ${table} AS SELECT ${hashSql(key)} AS h, rowid AS arrived FROM told_${kind}`
        : `INSERT INTO ${table} SELECT ${hashSql(key)}, arrived FROM new_${kind}`;
    }),
  ).join(';\n');

/** Other keys, other tables. */
export const KEYS_TEXT = JSON.stringify([...KEYS]);
