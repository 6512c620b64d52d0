import t from 'tap';
import { CHANCE, silenceLimits } from '../../../../hub/fleet/silence-limits.ts';

const WEEK_SECONDS = 50 * 3_600;

/** Exponential draws of this mean, from a seed. */
function drawer(mean: number): () => number {
  let state = 11;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return -Math.log(1 - state / 2 ** 32) * mean;
  };
}
const ascending = (gaps: readonly number[]): number[] => [...gaps].sort((a, b) => a - b);

t.test('a device that goes on as it did passes its limit no more often than agreed', async (t) => {
  const draw = drawer(600);
  const perWeek = WEEK_SECONDS / 600;
  const weeks = 400;
  let [prompt, rare] = [0, 0];
  for (let device = 0; device < 40; device += 1) {
    const learnt = ascending(Array.from({ length: 750 }, draw));
    const limits = silenceLimits(learnt, WEEK_SECONDS);
    for (let count = 0; count < (weeks / 40) * perWeek; count += 1) {
      const gap = draw();
      if (gap > limits.promptSeconds) prompt += 1;
      if (gap > limits.rareSeconds) rare += 1;
    }
  }
  t.ok(prompt > 0, 'it is not so high that nothing ever passes it');
  t.ok(prompt <= weeks * CHANCE.prompt * 2, `${prompt} in ${weeks} weeks by the prompt limit`);
  t.ok(rare <= weeks * CHANCE.rare * 3, `${rare} in ${weeks} weeks by the rare one`);
});

t.test('from few gaps less is concluded', async (t) => {
  const draw = drawer(600);
  const many = ascending(Array.from({ length: 1_000 }, draw));
  const few = many.filter((_, at) => at % 40 === 20);
  t.ok(
    silenceLimits(few, WEEK_SECONDS).promptSeconds >
      1.3 * silenceLimits(many, WEEK_SECONDS).promptSeconds,
  );
});

t.test('a pause that came every week is a habit, one that came once is not', async (t) => {
  const draw = drawer(300);
  const usual = Array.from({ length: 996 }, draw).map((gap) => Math.min(gap, 1_500));
  const weekly = ascending([...usual, 5_400, 5_500, 5_600, 5_700]);
  t.ok(silenceLimits(weekly, WEEK_SECONDS).promptSeconds > 5_700);
  const once = ascending([...usual, 5_400]);
  t.ok(silenceLimits(once, WEEK_SECONDS).promptSeconds < 3_600);
});

t.test('gaps that are all alike give a limit just above them', async (t) => {
  const gaps = new Array<number>(300).fill(900);
  t.strictSame(silenceLimits(gaps, WEEK_SECONDS), { promptSeconds: 990, rareSeconds: 990 });
});
