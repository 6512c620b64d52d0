/** When a study is complete: IS-35, IS-36 of the domain notes. */
import t from 'tap';
import {
  type CompletenessFacts,
  judgeCompleteness,
  performedOf,
} from '../../../../edge/outbox/completeness.ts';

const MINUTE = 60_000;
const LAST = 1_800_000_000_000;
const CT: CompletenessFacts = {
  ...{ lastAt: LAST, modalities: ['CT'], instances: 300, pacsInstances: null, steps: [] },
};
const after = (minutes: number, over: Partial<CompletenessFacts> = {}) =>
  judgeCompleteness({ ...CT, ...over }, { now: LAST + minutes * MINUTE });

t.test('without a witness, when nothing came for three times as long as usual', async (t) => {
  t.strictSame(after(4), { completeBy: null, lookAgainAt: LAST + 5 * MINUTE });
  t.strictSame(after(5), { completeBy: null, lookAgainAt: LAST + 15 * MINUTE });
  t.strictSame(after(15), { completeBy: 'time', lookAgainAt: null });
});

t.test('the slowest modality counts', async (t) => {
  t.equal(after(2, { modalities: ['US'] }).lookAgainAt, LAST + 6 * MINUTE);
  t.equal(after(2, { modalities: ['CT', 'PT'] }).lookAgainAt, LAST + 15 * MINUTE);
  t.equal(after(2, { modalities: [] }).lookAgainAt, LAST + 5 * MINUTE);
});

t.test('a site has scanners of its own', async (t) => {
  const verdict = judgeCompleteness(CT, { now: LAST + 31_000, quietSeconds: { CT: 10 } });
  t.equal(verdict.completeBy, 'time');
});

t.test('the PACS counts as many: complete as soon as it is quiet', async (t) => {
  t.equal(after(4, { pacsInstances: 300 }).completeBy, null);
  t.equal(after(5, { pacsInstances: 300 }).completeBy, 'pacs-count');
  t.equal(after(5, { pacsInstances: 301 }).completeBy, null);
  t.equal(after(0, { instances: 0, pacsInstances: 12 }).completeBy, 'pacs-count');
  t.equal(after(99, { instances: 0 }).completeBy, null);
});

t.test('performed steps: all over, and all that they list is here', async (t) => {
  const untimed = { startedAt: null, endedAt: null };
  const done = { status: 'COMPLETED', instances: 300, ...untimed } as const;
  t.equal(after(5, { steps: [done] }).completeBy, 'mpps');
  t.equal(after(5, { steps: [{ ...done, instances: null }] }).completeBy, 'mpps');
  t.equal(after(5, { steps: [{ ...done, instances: 301 }] }).completeBy, null);
  const going = { status: 'IN PROGRESS', instances: null, ...untimed } as const;
  t.equal(after(5, { steps: [done, going] }).completeBy, null);
  const ended = { status: 'DISCONTINUED', instances: 20, ...untimed } as const;
  t.equal(after(5, { steps: [ended] }).completeBy, 'mpps');
});

t.test('performed steps tell when the examination was: first start, last end', async (t) => {
  const step = (
    status: 'COMPLETED' | 'IN PROGRESS' | 'DISCONTINUED',
    from: number,
    to?: number,
  ) => ({
    ...{ status, instances: 1, startedAt: LAST + from * MINUTE },
    endedAt: to === undefined ? null : LAST + to * MINUTE,
  });
  const at = (minutes: number): string => new Date(LAST + minutes * MINUTE).toISOString();
  const two = [step('COMPLETED', 10, 25), step('COMPLETED', 0, 8)];
  t.strictSame(performedOf(two), { startedAt: at(0), endedAt: at(25) });
  t.strictSame(
    performedOf([...two, step('IN PROGRESS', 30)]),
    { startedAt: at(0), endedAt: null },
    'while one goes on there is no end',
  );
  t.equal(performedOf([step('DISCONTINUED', 0, 2)]), null, 'what was broken off was not made');
  t.equal(performedOf([]), null);
});
