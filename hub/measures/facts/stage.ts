/**
 * A stage of the fold: a table whose rows are made anew by key, whenever something that they depend on was told.
 * The same SQL makes all rows or only those of some keys, so that both agree to the row.
 *
 *   new_… (told since) ─► keys that it concerns ─► their rows ─► changed_… (rows that went, rows that came)
 *                                                                └─► keys of the next stages, cells
 */
import type { Store } from '../store.ts';
import type { KindName } from '../told.ts';

export interface Sources {
  /**
   * Rows of a table that the keys name; of what was told also `arrived`, its place in the order of telling.
   * @param columns where the key has other names there
   */
  only(table: string, columns?: readonly string[]): string;
  /** Rows of this stage as they were; null: all is made anew. */
  readonly kept: string | null;
  /** What was told since, of a key that has the same name there; all of it, where all is made anew. */
  fresh(kind: KindName): string;
}

export interface Stage {
  readonly name: string;
  /** Where two stages make the same table, one after the other; absent: the name. */
  readonly table?: string;
  readonly key: readonly string[];
  /** Keys whose rows may be others now, too many rather than too few. One with a null is none. */
  readonly dirty: string;
  rows(sources: Sources): string;
  /** How its rows lie when all are made anew: what is asked by months and trusts is then read from few places. */
  readonly order?: string;
}

export const tableOf = ({ table, name }: Stage): string => table ?? name;

export const columnsOf = (table: string): string =>
  table.startsWith('told_') ? 't.*, t.rowid AS arrived' : 't.*';

function sourcesOfKeys(stage: Stage): Sources {
  const { name, key } = stage;
  const only = (table: string, columns: readonly string[] = key): string => {
    const same = key.map((one, at) => `t.${columns[at]} = d.${one}`).join(' AND ');
    return `(SELECT ${columnsOf(table)} FROM ${table} t SEMI JOIN dirty_${name} d ON ${same})`;
  };
  return { only, kept: only(tableOf(stage)), fresh: (kind) => `new_${kind}` };
}

/** Makes the rows anew of which something is new; `changed_…` has those that went and those that came. */
export async function makeChanged(store: Store, stage: Stage): Promise<void> {
  const { name, key } = stage;
  const table = tableOf(stage);
  const keys = key.join(', ');
  const isKey = key.map((one) => `${one} IS NOT NULL`).join(' AND ');
  await store.run(
    `CREATE OR REPLACE TEMP TABLE dirty_${name} AS SELECT DISTINCT ${keys} FROM (${stage.dirty}) WHERE ${isKey}`,
  );
  const [dirty] = await store.rows(`SELECT count(*) AS keys FROM dirty_${name}`);
  if (Number(dirty?.['keys']) === 0) {
    await store.run(
      `CREATE OR REPLACE TEMP TABLE changed_${name} AS SELECT *, false AS is_new FROM ${table} LIMIT 0`,
    );
    return;
  }
  const sources = sourcesOfKeys(stage);
  await store.run(`
    CREATE OR REPLACE TEMP TABLE gone AS FROM ${sources.only(table)};
    CREATE OR REPLACE TEMP TABLE come AS ${stage.rows(sources)};
    CREATE OR REPLACE TEMP TABLE changed_${name} AS
      SELECT *, false AS is_new FROM (FROM gone EXCEPT ALL FROM come)
      UNION ALL SELECT *, true FROM (FROM come EXCEPT ALL FROM gone);
    CREATE OR REPLACE TEMP TABLE touched AS SELECT DISTINCT ${keys} FROM changed_${name};
    DELETE FROM ${table} t USING touched d
      WHERE ${key.map((one) => `t.${one} = d.${one}`).join(' AND ')};
    INSERT INTO ${table} SELECT c.* FROM come c SEMI JOIN touched USING (${keys});
    DROP TABLE gone; DROP TABLE come; DROP TABLE touched; DROP TABLE dirty_${name}`);
}
