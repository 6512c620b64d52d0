/** The hub as a process: what it needs, what it survives, how it ends. Edges are voices only. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createUser } from '@nats-io/nkeys';
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose';
import t from 'tap';
import { logEvents } from '../support/cdip.ts';
import { enrolVoice, studyBody } from '../support/edge-voice.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { Hub, startHub } from '../support/hub.ts';
import { killNatsServer } from '../support/kill-nats.ts';
import { missingPeer } from '../support/missing-peer.ts';

const skip = missingPeer('nats-server');
const STUDY = '1.2.826.7';
const order = {
  studyInstanceUID: STUDY,
  to: { trust: 'RJE' },
  priority: 'urgent',
  purpose: 'care',
};
interface Fetch {
  readonly fetchId: string;
  readonly state: string;
  readonly code?: string;
  readonly stateReason: { readonly code: string } | null;
}
const post = (body: object): RequestInit => ({ method: 'POST', body: JSON.stringify(body) });

t.test('from an enrolment to a fetch, with kill -9 on the way', { skip }, async (t) => {
  const hub = await startHub({ directory: t.testdir(), trusts: ['RRK', 'RJE'] });
  t.teardown(() => hub.stop());
  const enrol = async (trust: string) => {
    const voice = await enrolVoice({ hubUrl: hub.url, trust, token: hub.token(trust) });
    t.teardown(() => voice.stop());
    await voice.health();
    return voice;
  };
  const source = await enrol('RRK');
  t.match(source.enrolled, {
    trust: 'RRK',
    hubUrl: hub.url,
    natsUrl: `nats://127.0.0.1:${hub.natsPort}`,
    directory: { trusts: [{ ods: 'RRK', httpUrl: 'http://rrk.example' }, { httpUrl: null }] },
  });
  await source.tell('study', studyBody('RRK', STUDY));
  await eventually('the study is found', async () => {
    const { body } = await hub.api<{ total: number }>(`/api/studies?studyInstanceUID=${STUDY}`);
    return body.total === 1;
  });
  const early = await hub.api<Fetch>('/api/fetches', post(order));
  t.match(early, { status: 422, body: { code: 'EDGE_NOT_ENROLLED' } }, 'RJE is not there yet');

  const receiver = await enrol('RJE');
  const { status, headers, body } = await hub.api<Fetch>('/api/fetches', post(order));
  t.match({ status, body }, { status: 202, body: { state: 'authorised' } });
  t.equal(headers.get('location'), `/api/fetches/${body.fetchId}`);
  await hub.kill9();
  await hub.start();
  const command = await receiver.nextCommand();
  t.match(command, { kind: 'fetch', fetchId: body.fetchId, home: 'RRK' });

  await t.test('the same order after the restart is the same one', async (t) => {
    const again = await eventually('it is in the rows', async () => {
      const answer = await hub.api<Fetch>('/api/fetches', post(order));
      return answer.status === 202 && answer.body;
    });
    t.equal(again.fetchId, body.fetchId);
  });
  await t.test('a fresh ticket is proved by the directory', async (t) => {
    const { ticket } = await receiver.ask('ticket', { fetchId: body.fetchId });
    const { ticketKeys } = await receiver.ask('directory');
    const keys = createLocalJWKSet(ticketKeys as JSONWebKeySet);
    const { payload } = await jwtVerify(String(ticket), keys, { audience: 'RRK' });
    t.match(payload, { sub: 'RJE', study: STUDY, fetch: body.fetchId });
    t.match(await source.ask('ticket', { fetchId: body.fetchId }), {
      error: { code: 'FETCH_UNKNOWN' },
    });
  });
  await t.test('receipts carry the order to its end, over a dropped projection', async (t) => {
    await receiver.receipt(body.fetchId, 'transferring');
    await receiver.receipt(body.fetchId, 'available');
    const look = async () => (await hub.api<Fetch>(`/api/fetches/${body.fetchId}`)).body;
    const isThere = async () => (await look()).state === 'available';
    await eventually('available', isThere);
    await hub.stop();
    t.equal(hub.program.exitCode, 0);
    await hub.rebuild();
    await hub.start();
    await eventually('available again', isThere);
    t.match(await hub.api(`/api/fetches/${body.fetchId}`, { method: 'DELETE' }), {
      status: 409,
      body: { code: 'FETCH_ENDED' },
    });
  });
});

t.test('a key that comes later opens the hub that runs', { skip }, async (t) => {
  const hub = await startHub({ directory: t.testdir(), trusts: ['RRK'] });
  t.teardown(() => hub.stop());
  const key = hub.key('desk', 'booker');
  const headers = { authorization: `Bearer ${key}` };
  t.equal((await hub.api('/api/completeness', { headers })).status, 200);
  t.match(await hub.api('/api/fetches', { headers }), { status: 403, body: { code: 'FORBIDDEN' } });
  const bad = {
    token: 'x',
    trust: 'RRK',
    natsPublicKey: createUser().getPublicKey(),
    version: '1',
  };
  t.match(await hub.api('/api/enrol', post({ ...bad, httpUrl: 'http://rrk.example' })), {
    status: 401,
    body: { code: 'TOKEN_INVALID' },
  });
  t.match(await hub.api('/api/enrol', post({ ...bad, httpUrl: 'javascript:alert(1)' })), {
    status: 400,
  });
});

t.test(
  'a second hub on the same directory, and a port that is taken, are said',
  { skip },
  async (t) => {
    const directory = t.testdir();
    const hub = await startHub({ directory, trusts: [] });
    t.teardown(() => hub.stop());
    const twin = new Hub({ directory, trusts: [] }, await freePort(), await freePort());
    await t.rejects(twin.start(), { message: /DATA_DIRECTORY_IN_USE/ });
    t.equal(twin.program.exitCode, 1);

    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    t.teardown(() => taken.close());
    const { port } = taken.address() as { port: number };
    const other = new Hub(
      { directory: join(directory, 'other'), trusts: [] },
      port,
      await freePort(),
    );
    await t.rejects(other.start(), {
      message: new RegExp(`HTTP can not listen on 127.0.0.1:${port}`),
    });
    t.equal(other.program.exitCode, 1);
  },
);

t.test('while its cluster is away a hub shows what it holds, and ends when asked', async (t) => {
  const directory = t.testdir();
  const seed = join(directory, 'seed');
  writeFileSync(seed, createUser().getSeed());
  const servers = [`nats://127.0.0.1:${await freePort()}`];
  const nats = { servers, credentialsSeedFile: seed };
  const hub = new Hub({ directory, trusts: ['RRK'], config: { nats } }, await freePort(), 0);
  hub.program.spawn();
  t.teardown(() => hub.program.kill9());
  const answer = await eventually('it answers', () =>
    hub.api<{ trusts: object[] }>('/api/completeness'),
  );
  t.match(answer, { status: 200, body: { trusts: [{ trust: 'RRK', equal: null }] } });
  t.equal((await hub.api('/health/live')).status, 200);
  t.match(await hub.api('/health/ready'), { status: 503, body: { code: 'NOT_READY' } });
  const late = await hub.api(
    '/api/enrol',
    post({
      token: hub.token('RRK'),
      ...{ trust: 'RRK', natsPublicKey: createUser().getPublicKey(), version: '1' },
      httpUrl: 'http://rrk.example',
    }),
  );
  t.match(late, { status: 503, body: { code: 'LOG_UNAVAILABLE' } });
  await eventually('it says so', () =>
    logEvents(hub.program).some(({ event }) => event === 'log.not-reached'),
  );
  await hub.stop();
  t.equal(hub.program.exitCode, 0);
});

t.test('a key that can not be admitted costs no token', { skip }, async (t) => {
  const hub = await startHub({ directory: t.testdir(), trusts: ['RRK', 'RJE'] });
  t.teardown(() => hub.stop());
  const enrol = async (trust: string, token: string, natsPublicKey: string) => {
    const httpUrl = `http://${trust.toLowerCase()}.example`;
    const request = { token, trust, natsPublicKey, httpUrl, version: 'test' };
    return hub.api<{ code?: string }>('/api/enrol', post(request));
  };
  const key = createUser().getPublicKey();
  t.equal((await enrol('RRK', hub.token('RRK'), key)).status, 200);
  const token = hub.token('RJE');
  t.match(await enrol('RJE', token, key), { status: 422, body: { code: 'LOG_KEY_REFUSED' } });
  t.equal((await enrol('RJE', token, createUser().getPublicKey())).status, 200);
});

t.test('a hub whose broker ends at the same moment ends in time', { skip }, async (t) => {
  const hub = await startHub({ directory: t.testdir(), trusts: ['RRK'] });
  // As where a whole machine, or all processes of a service, are told to stop.
  killNatsServer(hub.dataDirectory);
  await t.resolves(hub.stop());
});
