/**
 * One row in sixteen of the large facts, always the same ones: medians over more rows than can be read within a
 * second come from it. Which rows are in it follows from their keys alone.
 */
import { stagesOf } from './facts/stages.ts';
import type { FactName } from './measure.ts';
import type { Store } from './store.ts';

export const SAMPLED: readonly FactName[] = ['exam', 'appointment', 'transfer', 'dose'];
/** Up to so many rows a median is exact. */
export const EXACT_UP_TO = 400_000;

export const sampleTable = (fact: FactName): string => `sample_${fact}`;

/** Within the build's transaction. */
export async function sampleFact(store: Store, fact: FactName, isWhole: boolean): Promise<void> {
  const stages = stagesOf(fact);
  const key = stages[0]?.key ?? [];
  const isIn = `hash(${key.join(', ')}) % 16 = 0`;
  const table = sampleTable(fact);
  if (isWhole) {
    await store.run(
      `DROP TABLE IF EXISTS ${table}; CREATE TABLE ${table} AS FROM ${fact} WHERE ${isIn}`,
    );
    return;
  }
  const changed = stages
    .map(({ name }) => `SELECT ${key.join(', ')} FROM changed_${name}`)
    .join(' UNION ');
  await store.run(`
    CREATE OR REPLACE TEMP TABLE touched AS FROM (${changed}) WHERE ${isIn};
    DELETE FROM ${table} t USING touched d WHERE ${key.map((one) => `t.${one} = d.${one}`).join(' AND ')};
    INSERT INTO ${table} SELECT f.* FROM ${fact} f SEMI JOIN touched USING (${key.join(', ')});
    DROP TABLE touched`);
}
