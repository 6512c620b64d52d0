/**
 * One row in sixteen of the large facts, and one in 256, always the same ones: medians over more rows than can be
 * read within a second come from them. Which rows are in them follows from their keys alone.
 */
import { hashColumn } from './facts/key-hashes.ts';
import { stagesOf } from './facts/stages.ts';
import type { FactName } from './measure.ts';
import type { Store } from './store.ts';

export const SAMPLED: readonly FactName[] = ['exam', 'appointment', 'transfer', 'dose'];
/** Up to so many rows a median is exact; of more, the sparsest sample that has a sixteenth of so many at least. */
export const EXACT_UP_TO = 400_000;
const ONE_IN = [16, 256] as const;

const sampleTable = (fact: FactName, oneIn: number): string =>
  oneIn === ONE_IN[0] ? `sample_${fact}` : `sample_${oneIn}_${fact}`;

export const sampleTables = (fact: FactName): string[] =>
  ONE_IN.map((oneIn) => sampleTable(fact, oneIn));

/** Where medians over so many rows are read; null: from all of them. */
export function sampleFor(fact: FactName, rowCount: number): string | null {
  if (rowCount <= EXACT_UP_TO || !SAMPLED.includes(fact)) return null;
  const oneIn = ONE_IN.findLast((one) => rowCount > (EXACT_UP_TO / ONE_IN[0]) * one);
  return sampleTable(fact, oneIn ?? ONE_IN[0]);
}

/** Within the build's transaction. */
export async function sampleFact(store: Store, fact: FactName, isWhole: boolean): Promise<void> {
  for (const oneIn of ONE_IN) await sampleOne(store, fact, { oneIn, isWhole });
}

async function sampleOne(
  store: Store,
  fact: FactName,
  { oneIn, isWhole }: { oneIn: number; isWhole: boolean },
): Promise<void> {
  const stages = stagesOf(fact);
  const h = hashColumn(stages[0]?.key ?? []);
  const table = sampleTable(fact, oneIn);
  if (isWhole) await store.run(`DROP TABLE IF EXISTS ${table}`);
  await store.run(`CREATE TABLE IF NOT EXISTS ${table} AS FROM ${fact} WHERE ${h} % ${oneIn} = 0`);
  if (isWhole) return;
  const changed = stages.map(({ name }) => `SELECT ${h} FROM changed_${name}`).join(' UNION ');
  await store.run(`
    CREATE OR REPLACE TEMP TABLE touched AS FROM (${changed}) WHERE ${h} % ${oneIn} = 0;
    DELETE FROM ${table} t USING touched d WHERE t.${h} = d.${h};
    INSERT INTO ${table} SELECT f.* FROM ${fact} f SEMI JOIN touched USING (${h});
    DROP TABLE touched`);
}
