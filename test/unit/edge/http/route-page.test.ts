/** What the rules did with a study or an object, on the edge's page. */
import Fastify from 'fastify';
import t from 'tap';
import { serveRoutePage } from '../../../../edge/http/route-page.ts';
import type { Explanation } from '../../../../edge/route/explain.ts';

const WAY = {
  ...{ objects: 2, sopInstanceUID: '2.999.1.1', studyInstanceUID: '2.999.7.1' },
  ...{ version: '0700e07b52d5', decidedAt: Date.parse('2026-11-27T21:31:55Z') },
  steps: [
    { rule: 'night', acted: false, what: 'Modality is not "<MR>"' },
    { rule: 'ai', acted: true, what: 'sent to nodules' },
  ],
};
const JOB = {
  ...{ job: 7, rule: 'ai', to: 'nodules', objects: 2, priority: 'urgent', state: 'delivering' },
  why: 'CONNECT_FAILED: nobody listens',
};

function page(of: Record<string, Explanation>) {
  const app = Fastify();
  t.teardown(() => app.close());
  const explainRoute = (uid: string): Explanation => of[uid] ?? { ways: [], jobs: [] };
  serveRoutePage(app, { trust: 'RRK', explainRoute });
  return async (url: string) => (await app.inject(url)).body;
}

t.test('each rule says what it did with it, and each job how it stands', async (t) => {
  const shown = await page({ '2.999.7.1': { ways: [WAY], jobs: [JOB] } })('/routes?uid=2.999.7.1');
  for (const said of [
    '2 objects, such as 2.999.1.1',
    'by rules 0700e07b52d5',
    '<td>night</td><td>no</td><td>Modality is not &quot;&lt;MR&gt;&quot;</td>',
    '<td>ai</td><td>yes</td><td>sent to nodules</td>',
    '<td>urgent</td><td>delivering</td><td>CONNECT_FAILED: nobody listens</td>',
  ])
    t.ok(shown.includes(said), said);
});

t.test('of what is not here it says so, whatever was asked', async (t) => {
  const get = page({});
  t.match(await get('/routes?uid=2.999.7.9'), /No rule has decided on 2\.999\.7\.9/);
  t.notMatch(await get('/routes?uid=<b>'), /<b>/);
  t.notMatch(await get('/routes'), /No rule/);
  t.match(await get('/routes?uid=1&uid=2'), /No rule has decided on 1:/);
});
