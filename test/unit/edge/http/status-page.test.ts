/** The page for the trust's engineer: what it says, to whom, and what it never lets through. edge/http. */
import { request } from 'node:http';
import t, { type Test } from 'tap';
import { openSubjects } from '../../../../edge/audit/subject-of.ts';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { startHttp } from '../../../../edge/http/server.ts';
import type { StatusView } from '../../../../edge/http/status-page.ts';
import { openTransferCounters } from '../../../../edge/http/transfer-counters.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { noPacs } from '../../../support/no-pacs.ts';
import { openStorageFixture, temporaryDirectory } from '../../../support/storage-fixture.ts';
import { noUsedTickets } from '../transfer/transfer-fixture.ts';

const VIEW: StatusView = {
  trust: 'RRK',
  version: '1.2.3',
  at: Date.UTC(2026, 2, 1),
  troubles: [],
  facts: [['Hub', 'connected']],
  sections: [
    { title: 'Quarantine', columns: ['From', 'Why'], note: 'Empty.', rows: [] },
    { title: 'Deliveries', columns: ['To'], note: 'None.', rows: [['pacs'], ['archive']] },
  ],
};

/** Nothing is behind it: what each does is tried where it is done. */
const idle = {
  destinations: ['pacs'],
  hold: () => {},
  release: () => {},
  retry: () => {},
  drain: () => {},
  installUpgrade: () => false,
  dropQuarantined: () => false,
  addPeer: () => {},
  restart: () => {},
};

async function serve(t: Test, view: Partial<StatusView> = {}): Promise<number> {
  const dataDirectory = temporaryDirectory(t);
  const storage = await openStorageFixture({ dataDirectory });
  const { spool, index } = storage;
  const metrics = openMetrics({});
  const decoder = new CodecThreads();
  const dicomWeb = openDicomWeb({ db: index.db, index, spool, log: silentLog, decoder });
  const server = await startHttp({
    ...{ spool, index, metrics, trust: 'RRK', clock: systemClock, log: silentLog },
    config: parseEdgeConfig({ trust: 'RRK', dataDirectory, http: { port: 0 } }),
    directory: { current: () => undefined },
    usedTickets: noUsedTickets(),
    audit: { record: () => {}, recordOnce: () => {} },
    subjects: openSubjects(index.db),
    stow: storage,
    ...{ dicomWeb, teachingWeb: dicomWeb },
    transferCounters: openTransferCounters(metrics),
    line: { admit: () => undefined },
    copies: { markUsed: () => {} },
    examine: async () => ({}),
    rotateKey: async () => {},
    fetchUnaided: async () => '',
    notReady: () => null,
    replayHl7: () => undefined,
    explainRoute: () => ({ ways: [], jobs: [] }),
    deadLetters: { deadLetters: () => [], deadCount: () => 0, drop: () => false },
    pacs: noPacs,
    releaseQuarantined: async () => undefined,
    operate: idle,
    status: () => ({ ...VIEW, ...view }),
  });
  t.teardown(async () => {
    await server.stop();
    storage.close();
  });
  return server.port;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: string;
}

function get(
  port: number,
  headers: Record<string, string> = {},
  { method = 'GET', path = '/' } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, headers, method, path }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}

t.test('shows facts, tables, and what a table without rows means', async (t) => {
  const { status, headers, body } = await get(await serve(t));
  t.equal(status, 200);
  t.match(headers['content-type'], /text\/html; charset=utf-8/);
  t.match(body, '<html lang="en-GB">');
  t.match(body, '<dt>Hub</dt><dd>connected</dd>');
  t.match(body, /<h2[^>]*>Quarantine<\/h2><p class="quiet">Empty\.<\/p>/);
  t.match(body, '<th scope="col">To</th>');
  t.match(body, '<td>archive</td>');
  t.match(body, 'Everything works.');
  t.notMatch(body, /<script/i);
});

t.test('says what is wrong instead', async (t) => {
  const { body } = await get(await serve(t, { troubles: ['The disk is full.', 'No hub.'] }));
  t.notMatch(body, 'Everything works.');
  t.match(body, 'The disk is full.');
  t.match(body, 'No hub.');
});

t.test('escapes whatever a peer called itself', async (t) => {
  const nasty = `<img src=x onerror="alert('1')">&`;
  const { body } = await get(
    await serve(t, {
      trust: nasty,
      version: nasty,
      troubles: [nasty],
      facts: [[nasty, nasty]],
      sections: [
        { title: nasty, columns: [nasty], note: nasty, rows: [[nasty]] },
        { title: nasty, columns: [nasty], note: nasty, rows: [] },
      ],
    }),
  );
  t.notMatch(body, /<img/);
  const shown = body.split('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;');
  t.equal(shown.length - 1, 12);
});

t.test('runs nothing, and may be framed by nobody', async (t) => {
  const { headers } = await get(await serve(t));
  t.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/);
  t.match(headers, { 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' });
});

t.test('is answered to this machine only', async (t) => {
  const port = await serve(t);
  for (const headers of [
    { 'x-forwarded-for': '192.0.2.1' },
    { forwarded: 'for=192.0.2.1' },
    { 'x-real-ip': '192.0.2.1' },
    { 'sec-fetch-site': 'cross-site' },
    { referer: 'https://other.example/' },
    { host: 'rebound.example.org' },
  ]) {
    const { status, body } = await get(port, headers as unknown as Record<string, string>);
    t.equal(status, 403);
    t.match(JSON.parse(body), { code: 'FORBIDDEN' });
  }
  for (const host of ['localhost:8080', '127.0.0.1', '[::1]:8080', 'edge-server'])
    t.equal((await get(port, { host, 'sec-fetch-site': 'none' })).status, 200);
});

t.test('what changes something comes from its own pages only', async (t) => {
  const port = await serve(t);
  const paths = ['/peers/pacs/hold', '/peers/pacs/retry', '/drain', '/drain/end', '/peers'];
  const local = ['/local/keys/rotate', '/local/doctor', '/local/quarantine/1/release'];
  const deeds = ['/quarantine/1/drop', '/quarantine/1/file', '/hl7/1/drop', '/upgrade/install'];
  for (const path of [...paths, ...deeds, ...local]) {
    const post = { method: 'POST', path };
    for (const site of ['cross-site', 'same-site'])
      t.match(
        await get(port, { 'sec-fetch-site': site }, post),
        { status: 403 },
        `${path} ${site}`,
      );
    for (const origin of ['https://other.example', 'http://127.0.0.1:1', 'null'])
      t.equal((await get(port, { origin }, post)).status, 403, `${path} ${origin}`);
    t.equal((await get(port, { 'x-forwarded-for': '192.0.2.1' }, post)).status, 403, path);
    t.not((await get(port, { 'sec-fetch-site': 'same-origin' }, post)).status, 403, path);
  }
  const unknown = { method: 'POST', path: '/peers/nobody/hold' };
  t.equal((await get(port, {}, unknown)).status, 404);
});
