/**
 * Makes the rows of a stage anew of which something is new.
 *
 *   new_… (told since) ─► keys that it concerns ─► their rows ─► changed_… (rows that went, rows that came)
 *                                                                └─► keys of the next stages, cells
 */
import type { Store } from '../store.ts';
import {
  columnsOf,
  hashColumn,
  hashed,
  hashSql,
  namedIn,
  placeTable,
  type Read,
  readsOf,
} from './key-hashes.ts';
import { type Sources, type Stage, tableOf } from './stage.ts';

/** `changed_…` has the rows that went and those that came. */
export async function makeChanged(store: Store, stage: Stage): Promise<void> {
  const { name, key } = stage;
  const table = tableOf(stage);
  const isKey = key.map((one) => `${one} IS NOT NULL`).join(' AND ');
  await store.run(`
    CREATE OR REPLACE TEMP TABLE dirty AS
      SELECT DISTINCT ${hashSql(key)} AS h FROM (${stage.dirty}) WHERE ${isKey}`);
  const [dirty] = await store.rows('SELECT count(*) AS keys FROM dirty');
  if (Number(dirty?.['keys']) === 0) {
    await store.run(
      `CREATE OR REPLACE TEMP TABLE changed_${name} AS SELECT *, false AS is_new FROM ${table} LIMIT 0`,
    );
    return;
  }
  const h = hashColumn(key);
  await store.run(
    `CREATE OR REPLACE TEMP TABLE gone AS FROM ${table} t SEMI JOIN dirty d ON t.${h} = d.h`,
  );
  for (const read of readsOf(stage)) await bringRows(store, read);
  await store.run(`
    CREATE OR REPLACE TEMP TABLE come AS ${hashed(stage, stage.rows(sourcesOf(stage)))};
    CREATE OR REPLACE TEMP TABLE changed_${name} AS
      SELECT *, false AS is_new FROM (FROM gone EXCEPT ALL FROM come)
      UNION ALL SELECT *, true FROM (FROM come EXCEPT ALL FROM gone);
    CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT ${h} FROM changed_${name};
    DELETE FROM ${table} t USING touched d WHERE t.${h} = d.${h};
    INSERT INTO ${table} SELECT c.* FROM come c SEMI JOIN touched USING (${h});
    ${readsOf(stage)
      .map((read) => `DROP TABLE ${broughtTable(read)};`)
      .join(' ')}
    DROP TABLE gone; DROP TABLE come; DROP TABLE touched; DROP TABLE dirty`);
}

const broughtTable = ({ table, columns }: Read): string => `brought_${table}_${columns.join('_')}`;

function sourcesOf({ key }: Stage): Sources {
  const only: Sources['only'] = (table, columns = key) => broughtTable({ table, columns });
  return { only, named: namedIn(only), kept: 'gone', fresh: (kind) => `new_${kind}` };
}

/** Rows of the keys in a table of their own: how few they are decides how they are joined. */
async function bringRows(store: Store, read: Read): Promise<void> {
  const { table, columns } = read;
  const rows = table.startsWith('told_')
    ? await toldRows(store, read)
    : `SELECT ${columnsOf(table)} FROM ${table} t SEMI JOIN dirty d ON t.${hashColumn(columns)} = d.h`;
  await store.run(`CREATE OR REPLACE TEMP TABLE ${broughtTable(read)} AS ${rows}`);
}

/** Tellings of long ago that are fetched one by one. */
const MOST_SINGLE = 1_000;

/** What is concerned was mostly told lately: the end of the table is read, and single rows before it. */
async function toldRows(store: Store, { table, columns }: Read): Promise<string> {
  await store.run(`
    CREATE OR REPLACE TEMP TABLE found AS
      SELECT arrived FROM ${placeTable(table, columns)} SEMI JOIN dirty USING (h) ORDER BY arrived`);
  const rows = await store.rows(`FROM found LIMIT ${MOST_SINGLE + 1}`);
  const places = rows.map(({ arrived }) => Number(arrived));
  const single = places.slice(0, MOST_SINGLE);
  const end = places[MOST_SINGLE];
  const select = `SELECT ${columnsOf(table)} FROM ${table} t`;
  const parts = [
    `${select} WHERE ${single.length === 0 ? 'false' : `t.rowid IN (${single.join(', ')})`}`,
    ...(end === undefined
      ? []
      : [`${select} SEMI JOIN found f ON t.rowid = f.arrived WHERE t.rowid >= ${end}`]),
  ];
  return parts.join(' UNION ALL ');
}
