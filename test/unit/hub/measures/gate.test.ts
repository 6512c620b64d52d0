/** BI-29 as a gate: who can't be trusted is not held against others, and is told its own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startMeasureNetwork } from '../../../support/measure-network.ts';

const EXAMS = 40;

/** @param faulty of the examinations, those that ended before they began */
function orders(trust: string, faulty: number): string[] {
  return Array.from({ length: EXAMS }, (_, at) => {
    const day = String((at % 20) + 1).padStart(2, '0');
    const [start, end] = at < faulty ? ['11', '10'] : ['10', '11'];
    return [
      ...[trust, `A${at}`, `2026-05-${day}T12:00:00Z`, 'completed', `2026-04-20T08:00:00Z`],
      ...[`2026-05-${day}T${start}:00:00Z`, `2026-05-${day}T${end}:00:00Z`, 'CT', `${trust}01`],
    ].join();
  });
}

t.test('figures of a trust whose records are at fault are for itself alone', async (t) => {
  const { measures, directory, stop } = await startMeasureNetwork({ gate: { least: 0.9 } });
  t.teardown(() => stop());
  const incoming = join(directory, 'measures', 'incoming');
  mkdirSync(incoming, { recursive: true });
  const heading = 'trust,exam,as_of,status,requested_at,started_at,ended_at,modality,site';
  // One in ten may be at fault; of RJE there is one more.
  const lines = [heading, ...orders('RRK', 4), ...orders('RJE', 5), ...orders('RXK', 0)];
  writeFileSync(join(incoming, 'order.csv'), lines.join('\n'));
  await measures.refresh();
  await measures.refresh();
  const ask = (by: string[], where: Record<string, string>, own: string | null, id = 'BI-12') =>
    measures.answer(id, { by, from: null, to: null, where, own });
  const byTrust = await ask(['trust'], {}, 'RRK');
  t.match(
    byTrust.rows.map(({ trust, tests, withheld }) => ({ trust, tests, withheld })),
    [
      { trust: 'RJE', tests: null, withheld: 'data-quality' },
      { trust: 'RRK', tests: EXAMS, withheld: undefined },
      { trust: 'RXK', tests: EXAMS, withheld: undefined },
    ],
  );
  t.match(
    byTrust.coverage.find(({ trust }) => trust === 'RJE'),
    { quality: { share: 0.875, isPublished: false } },
    'which is said beside them',
  );
  t.match((await ask([], { trust: 'RJE' }, null)).rows, [{ tests: null }], 'nor asked for alone');
  t.match((await ask(['site'], {}, null)).rows, [
    { site: 'RJE01', withheld: 'data-quality' },
    { site: 'RRK01', tests: EXAMS },
    { site: 'RXK01', tests: EXAMS },
  ]);
  t.match((await ask(['trust'], {}, 'RJE')).rows[0], { trust: 'RJE', tests: EXAMS }, 'its own');
  t.match((await ask(['site'], {}, 'RJE')).rows[0], { site: 'RJE01', tests: EXAMS });
  t.match((await ask([], {}, null)).rows, [{ tests: 3 * EXAMS }], 'the network is all of it');
  t.match(
    (await ask(['trust'], {}, null, 'BI-29')).rows[0],
    { trust: 'RJE', exams: EXAMS, suppressed: false },
    'that they are at fault is told',
  );
  const { rows } = await measures.sql({
    sql: 'SELECT DISTINCT trust FROM bi_12 ORDER BY trust',
    purpose: null,
    person: 'anna',
  });
  t.strictSame(rows, [['RRK'], ['RXK']], 'nor by SQL');
});
