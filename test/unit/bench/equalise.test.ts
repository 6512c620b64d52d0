/** The simulator in small: a quarter of a year, five sites. The figures are those of `cdip bench equalise`. */
import t from 'tap';
import { compare } from '../../bench/equalise.bench.ts';

const SMALL = { seed: 'small', days: 120, siteCount: 5, slotsADay: 8 };

t.test('the same seed is the same year, and the policies differ as they should', async (t) => {
  const { alone, shared, refilled } = compare(SMALL);
  t.strictSame(compare(SMALL).refilled, refilled);
  t.equal(alone.elsewherePercent, 0, 'a site alone sends nobody elsewhere');
  t.ok(shared.elsewherePercent > 0);
  t.ok(shared.elsewherePercent <= 20, 'not more than trusts offer out');
  t.ok(
    refilled.lateWasted / refilled.lateReleased < (0.5 * alone.lateWasted) / alone.lateReleased,
    'fewer slots that were given back late stay empty',
  );
  t.ok(refilled.spreadOfMedianDays < alone.spreadOfMedianDays, 'waits are more equal');
  t.ok(refilled.examined >= alone.examined);
});
