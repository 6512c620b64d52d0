/**
 * Which rows a key has, without reading texts: each table of a stage has one number for each key that it is read by,
 * and beside what was told of a kind stands one for each row (`place_…`). A day's keys are then found in tens of
 * millions of rows by one narrow column. Two keys with one number are made anew together: more work, the same rows.
 */
import { KINDS, type KindName } from '../told.ts';
import type { Stage } from './stage.ts';
import { tableOf } from './stage.ts';
import { STAGES } from './stages.ts';

/** A source of a stage: which table, and where the key stands in it. */
export interface Read {
  readonly table: string;
  readonly columns: readonly string[];
}

/** What a stage reads of its own keys, and of those that other rows name. */
function sourcesOf(stage: Stage): { readonly only: Read[]; readonly named: Read[] } {
  const [only, named] = [new Map<string, Read>(), new Map<string, Read>()];
  const note = (of: Map<string, Read>, table: string, columns: readonly string[]): string => {
    of.set([table, ...columns].join(), { table, columns });
    return table;
  };
  stage.rows({
    only: (table, columns = stage.key) => note(only, table, columns),
    named: (table, columns) => note(named, table, columns),
    kept: tableOf(stage),
    fresh: (kind) => `told_${kind}`,
  });
  return { only: [...only.values()], named: [...named.values()] };
}

export const readsOf = (stage: Stage): Read[] => sourcesOf(stage).only;

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

/** Rows of a table that a relation names: `named` of {@link Sources}. */
export const namedRows = (table: string, columns: readonly string[], by: string): string => `
  (SELECT ${columnsOf(table)} FROM ${table} t SEMI JOIN (
    SELECT DISTINCT ${hashSql(columns)} AS h FROM (${by})
    WHERE ${columns.map((one) => `${one} IS NOT NULL`).join(' AND ')}) d ON t.${hashColumn(columns)} = d.h)`;

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
