/**
 * A stage of the fold: a table whose rows are made anew by key, whenever something that they depend on was told.
 * The same SQL makes all rows (make-all.ts) or only those of some keys (make-changed.ts), so that both agree to the row.
 */
import type { KindName } from '../told.ts';

/** Rows of a source, of the same keys, that name rows of another table. */
export interface Naming {
  /** Told, or another stage's; read by the stage's own key, where `columns` does not say otherwise. */
  readonly from: string;
  readonly columns?: readonly string[];
  /** SQL of each column that names; one may be an `unnest(…)`. */
  readonly names: readonly string[];
}

export interface Sources {
  /**
   * Rows of a table that the keys name; of what was told also `arrived`, its place in the order of telling.
   * @param columns where the key has other names there
   */
  only(table: string, columns?: readonly string[]): string;
  /**
   * Rows of a table of another stage whose `columns` are named by rows of this stage's sources. Found by their numbers
   * (key-hashes.ts) in all of the table; too many rather than too few: who joins them compares the columns.
   */
  named(table: string, columns: readonly string[], by: readonly Naming[]): string;
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
