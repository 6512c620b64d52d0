/** A hundred edges on one hub: real connections to its broker, each with a key of its own; heartbeats as edges send them. */
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import t, { type Test } from 'tap';
import { Access, openAccessDatabase } from '../../hub/access/access.ts';
import { EdgeCredentials } from '../../hub/access/edge-credentials.ts';
import { systemClock } from '../../shared/clock.ts';
import type { HealthEvent } from '../../shared/contract/events.ts';
import { edgeInboxPrefix, edgeSubject } from '../../shared/contract/subjects.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { Hub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { heartbeatOf } from '../unit/hub/alerts/alert-world.ts';

const EDGES = 100;
const TRUSTS = Array.from({ length: EDGES }, (_, at) => `T${String(at).padStart(3, '0')}`);
const BEAT_MS = 3_000;
const SECRET = 'of the pager';

interface Told {
  readonly trust: string;
  readonly alerts: readonly {
    readonly signal: string;
    readonly what: string;
    readonly runbook: string;
  }[];
}

/** Takes webhooks, and checks who signed them. */
async function startPager(t: Test): Promise<{ url: string; told: Told[]; forged: number }> {
  const pager = { url: '', told: [] as Told[], forged: 0 };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const digest = createHmac('sha256', SECRET).update(body).digest('hex');
      if (request.headers['x-cdip-signature'] === `sha256=${digest}`)
        pager.told.push(JSON.parse(body.toString()));
      else pager.forged += 1;
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  pager.url = `http://127.0.0.1:${port}/`;
  return pager;
}

/** Edges that were enrolled before the hub starts. @returns their keys */
function enrolAll(hub: Hub): Map<string, Uint8Array> {
  const db = openAccessDatabase(hub.dataDirectory);
  const access = new Access(db, systemClock);
  const edges = new EdgeCredentials(db, systemClock);
  const seeds = new Map<string, Uint8Array>();
  for (const trust of TRUSTS) {
    const user = createUser();
    const token = access.addEnrolmentToken(trust, 60_000);
    const httpUrl = `http://${trust.toLowerCase()}.example`;
    edges.enrol({ token, trust, natsPublicKey: user.getPublicKey(), httpUrl, version: '0.1.0' });
    seeds.set(trust, user.getSeed());
  }
  db.close();
  return seeds;
}

const rssOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

t.test('a hundred edges', { skip: missingPeer('nats-server'), timeout: 300_000 }, async (t) => {
  const directory = t.testdir();
  const pager = await startPager(t);
  const secretFile = join(directory, 'pager.secret');
  writeFileSync(secretFile, SECRET);
  const [httpPort = 0, natsPort = 0] = await freePorts(2);
  const alerts = {
    groupSeconds: 1,
    webhooks: [{ name: 'pager', url: pager.url, secretFile, level: 'page' }],
    // So that the test need not wait for three minutes; the limits of the table are tested by a clock of their own.
    thresholds: { edgeSilent: { warn: 15, page: 20 }, versionDiffers: { warn: null } },
  };
  const hub = new Hub({ directory, trusts: TRUSTS, config: { alerts } }, httpPort, natsPort);
  const seeds = enrolAll(hub);
  await hub.start();
  t.teardown(() => hub.stop());

  const connections: NatsConnection[] = [];
  for (const [trust, seed] of seeds)
    connections.push(
      await connect({
        ...{ servers: `127.0.0.1:${natsPort}`, authenticator: nkeyAuthenticator(seed) },
        ...{ inboxPrefix: edgeInboxPrefix(trust), noAsyncTraces: true },
      }),
    );
  t.teardown(() => Promise.all(connections.map((connection) => connection.close())));
  const off = new Set<string>();
  const more = new Map<string, Partial<HealthEvent>>();
  const beat = (): void => {
    for (const [at, trust] of TRUSTS.entries()) {
      if (off.has(trust)) continue;
      const health = heartbeatOf(trust, Date.now(), more.get(trust));
      connections[at]?.publish(edgeSubject(trust, 'health'), JSON.stringify(health));
    }
  };
  beat();
  const timer = setInterval(beat, BEAT_MS);
  t.teardown(() => clearInterval(timer));
  await eventually(
    'all are live',
    async () => {
      const { body } = await hub.api<{ edges: { state: string }[] }>('/api/fleet');
      return body.edges.every(({ state }) => state === 'live');
    },
    { timeoutMs: 90_000, everyMs: 500 },
  );

  const endsAt = new Date(Date.now() + 3 * 86_400_000).toISOString();
  more.set('T042', { certificates: [{ of: 'DICOM port', endsAt }] });
  off.add('T099');
  await eventually('both are paged', () => pager.told.length >= 2, { timeoutMs: 90_000 });
  // What would be told twice, or of somebody else, would be by now.
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  t.strictSame(
    pager.told
      .flatMap(({ trust, alerts }) =>
        alerts.map(({ signal, what }) => `${trust} ${signal} ${what}`),
      )
      .sort(),
    ['T042 certificateDays page', 'T099 edgeSilent page'],
    'these, once each',
  );
  t.equal(pager.forged, 0, 'and signed');

  const key = hub.key('wall', 'fleet');
  const headers = { authorization: `Bearer ${key}` };
  const times: number[] = [];
  for (let time = 0; time < 20; time += 1) {
    const begun = performance.now();
    const page = await hub.api<string>('/fleet', { headers });
    times.push(performance.now() - begun);
    if (time > 0) continue;
    t.equal(page.status, 200);
    const order = [...page.body.matchAll(/href="\/fleet\/(T\d+)"/g)].map(([, trust]) => trust);
    t.equal(order.length, EDGES, 'each has its row');
    t.strictSame(order.slice(0, 2).sort(), ['T042', 'T099'], 'the worst first');
  }
  times.sort((a, b) => a - b);
  t.comment(`page: median ${times[10]?.toFixed(0)} ms, slowest ${times.at(-1)?.toFixed(0)} ms`);
  const megabytes = rssOf(hub.program.pid);
  t.comment(`hub: ${megabytes.toFixed(0)} MB`);
  t.ok(megabytes < 700, 'its memory is bounded');

  const { body } = await hub.api<{
    alerts: { id: string; trust: string; acknowledged: unknown }[];
  }>('/api/alerts?state=open&trust=T042');
  const id = body.alerts[0]?.id ?? '';
  const answer = await hub.api(`/api/alerts/${id}/acknowledge`, {
    ...{ method: 'POST', body: JSON.stringify({ note: 'ordered' }) },
  });
  t.match(answer.body, { acknowledged: { by: 'tests', note: 'ordered' } });

  clearInterval(timer);
  await hub.stop();
  await hub.start();
  const after = await hub.api<{ alerts: object[] }>('/api/alerts?state=open&trust=T042');
  t.match(
    after.body.alerts,
    [{ id, acknowledged: { note: 'ordered' } }],
    'it is known after a restart',
  );
});
