/**
 * `npm run population [-- PAIRS [SEED]]`: the rules of identity over a generated population, by kind of pair. One
 * JSON line at the end; exit 1 when two people were linked, or one person's two records were neither linked nor queued.
 */
import { linkPopulation, totalsOf } from './population.ts';

const [pairs = '6000000', seed = 'population'] = process.argv.slice(2);
const kinds = linkPopulation(Number(pairs), seed);
const { same, other } = totalsOf(kinds);
process.stdout.write(
  `${JSON.stringify({ pairs: Number(pairs), seed, same, other, kinds: Object.fromEntries(kinds) })}\n`,
);
process.exitCode = other.linked === 0 && same.apart === 0 ? 0 : 1;
