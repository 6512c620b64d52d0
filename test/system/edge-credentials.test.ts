/**
 * What an edge's credentials open and what not, against a real hub, broker and edges: the network as RJE could
 * attack it, with its own key and with what it recorded of others; keys that go over into the next, or are taken back.
 */
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { createUser, fromSeed } from '@nats-io/nkeys';
import Database from 'better-sqlite3';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { proverWith } from '../../edge/transfer/proof.ts';
import { openAccessDatabase } from '../../hub/access/access.ts';
import { openTicketSigner } from '../../hub/access/tickets.ts';
import { systemClock } from '../../shared/clock.ts';
import { commandConsumer, STREAM_COMMANDS } from '../../shared/contract/subjects.ts';
import { TICKET_SECONDS, type TicketClaims } from '../../shared/contract/ticket.ts';
import { keyOfSeed } from '../../shared/ed25519.ts';
import { cdipDone } from '../support/cdip.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { connectAs } from '../support/network-log.ts';
import { sendFiles } from '../support/send-files.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('nats-server', 'storescp');
const REFUSE_MS = 700;
/** From a revocation to its bite. */
const SECONDS = { timeoutMs: 10_000 };

interface Recorded {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Stands between two edges, passes all on, and remembers it. */
async function startRecorder(t: { teardown(end: () => void): void }) {
  const target = { port: 0 };
  const recorded: Recorded[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = '', url: path = '', headers } = request;
    const body = Buffer.concat(chunks);
    recorded.push({ method, path, headers, body });
    const passed = httpRequest({ port: target.port, host: '127.0.0.1', method, path, headers });
    passed.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    passed.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, target, recorded };
}

t.test('the credentials of an edge', { skip, timeout: 300_000 }, async (t) => {
  const directory = t.testdir();
  const recorder = await startRecorder(t);
  const pacs = await startStorescp(join(directory, 'pacs'), { aeTitle: 'PACS' });
  t.teardown(() => pacs.stop());
  const peer = { name: 'pacs', aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port };
  const network = await startNetwork({
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: (trust) => ({
      patientIds: { unmatched: 'foreign' },
      peers: [{ ...peer, role: 'pacs', importsTo: true }],
      ...(trust === 'RRK' ? { http: { publicUrl: recorder.url } } : {}),
    }),
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const [source, thief] = [network.site('RRK').edge, network.site('RJE').edge];
  recorder.target.port = Number(new URL(source.url).port);
  const seedOf = (edge: typeof source): Buffer =>
    readFileSync(join(edge.dataDirectory, 'nats.seed'));
  const [study, other] = ['ct-1', 'dx-2'].map((key) => STUDIES.find((one) => one.key === key));
  if (study === undefined || other === undefined) throw new Error('no such studies');
  for (const one of [study, other])
    await sendFiles(
      source.dicomPort,
      await filesOf({ ...one, ods: 'RRK' }, join(directory, 'files')),
    );
  const uid = study.studyInstanceUID;
  await eventually('the hub has both', async () => {
    const { body } = await hub.api<{ studies: { quiet: boolean }[] }>('/api/studies');
    return body.studies.length === 2 && body.studies.every(({ quiet }) => quiet);
  });

  const accessDb = openAccessDatabase(hub.dataDirectory);
  t.teardown(() => void accessDb.close());
  const sign = async (over: Partial<TicketClaims> = {}, agoMs = 0): Promise<string> => {
    const clock = { ...systemClock, now: () => Date.now() - agoMs };
    const nkey = fromSeed(seedOf(thief)).getPublicKey();
    const claims = { aud: 'RRK', sub: 'RJE', study: uid, home: 'RRK', fetch: 'f1' };
    return (await openTicketSigner(accessDb, clock)).sign({ ...claims, cnf: { nkey }, ...over });
  };
  const manifestOf = (of: string): string => `/transfer/v1/studies/${of}/manifest?home=RRK`;
  const ask = async (ticket: string | null, by: Uint8Array | null, of = uid): Promise<string> => {
    const url = manifestOf(of);
    const headers: Record<string, string> = {};
    if (ticket !== null) headers['authorization'] = `Bearer ${ticket}`;
    if (ticket !== null && by !== null)
      headers['cdip-proof'] = await proverWith(() => keyOfSeed(by))({ ticket, method: 'GET', url });
    const answer = await fetch(source.url + url, { headers });
    const { code = '' } = (await answer.json()) as { code?: string };
    return `${answer.status} ${code}`.trim();
  };

  await t.test('open nothing at the broker that is of another edge', async (t) => {
    const { connection, js } = await connectAs('RJE', seedOf(thief), hub.natsPort);
    t.teardown(() => connection.close());
    const refused = async (what: string, attempt: () => Promise<unknown>): Promise<void> => {
      const outcome = await attempt().then(
        () => 'allowed',
        () => 'refused',
      );
      t.equal(outcome, 'refused', what);
    };
    const timeout = REFUSE_MS;
    const forged = JSON.stringify({ v: 1, trust: 'RRK' });
    await refused('publish as another', () =>
      js.publish('cdip.edge.RRK.study', forged, { timeout }),
    );
    await refused('be alive for another', () =>
      connection.request('cdip.edge.RRK.health', forged, { timeout }),
    );
    await refused('ask as another', () =>
      connection.request('cdip.rpc.RRK.ticket', '{"fetchId":"f1"}', { timeout }),
    );
    await refused('take a key for another', () =>
      connection.request('cdip.rpc.RRK.keys', '{}', { timeout }),
    );
    await refused("read another's commands", async () => {
      const consumer = await js.consumers.get(STREAM_COMMANDS, commandConsumer('RRK'));
      return consumer.next({ expires: 1_000 });
    });
    for (const apiPrefix of ['HUBJS.API', '$JS.API']) {
      const manager = () => jetstreamManager(connection, { apiPrefix, timeout, checkAPI: false });
      await refused(`create a stream by ${apiPrefix}`, async () =>
        (await manager()).streams.add({ name: 'MINE', subjects: ['cdip.edge.RRK.>'] }),
      );
      for (const stream of ['EDGE_RRK', 'EDGE_RJE', 'HUB', STREAM_COMMANDS])
        await refused(`purge ${stream} by ${apiPrefix}`, async () =>
          (await manager()).streams.purge(stream),
        );
      await refused(`read another's stream by ${apiPrefix}`, async () =>
        (await manager()).consumers.add('EDGE_RRK', { durable_name: 'mine' }),
      );
    }
    const { body } = await hub.api<{ studies: object[] }>('/api/studies');
    t.equal(body.studies.length, 2, 'nothing has changed');
  });

  await t.test('open one study, at one edge, once', async (t) => {
    t.equal(await ask(null, null), '401 TICKET_MISSING');
    t.equal(await ask(await sign(), null), '401 TICKET_PROOF_MISSING');
    const another = createUser().getSeed();
    t.equal(await ask(await sign(), another), '403 TICKET_OTHER_EDGE', 'from another edge');
    t.equal(await ask(await sign(), seedOf(source)), '403 TICKET_OTHER_EDGE');
    const own = seedOf(thief);
    t.equal(await ask(await sign(), own, other.studyInstanceUID), '403 TICKET_OTHER_STUDY');
    t.equal(await ask(await sign({ aud: 'RJE' }), own), '403 TICKET_OTHER_TRUST');
    const late = (TICKET_SECONDS + 60) * 1000;
    t.equal(await ask(await sign({}, late), own), '401 TICKET_EXPIRED');
    t.equal(
      await ask(await sign({ study: other.studyInstanceUID }), own),
      '403 TICKET_OTHER_STUDY',
    );
    const view = await sign({ sub: 'HUB', cnf: undefined });
    t.equal(await ask(view, null), '200', 'the hub looks');
    t.equal(await ask(view, null), '401 TICKET_USED', 'and who listened does not');
  });

  await t.test('a transfer that was recorded can not be had again', async (t) => {
    recorder.recorded.length = 0;
    const { headers } = await hub.api('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{
          studyInstanceUID: uid,
          to: { trust: 'RJE' },
          priority: 'urgent',
          purpose: 'direct care',
        },
      }),
    });
    const fetched = headers.get('location') ?? '';
    await eventually('the study came', async () => {
      const { state } = (await hub.api<{ state: string }>(fetched)).body;
      return state === 'available';
    });
    const copies = thief.spoolFiles().length;
    t.ok(copies > 0);
    await eventually('its ticket was given back', () =>
      recorder.recorded.some(({ method }) => method === 'DELETE'),
    );
    const replay = (): Promise<string[]> =>
      Promise.all(
        recorder.recorded.map(async ({ method, path, headers, body }) => {
          const { authorization = '', 'cdip-proof': proof = '' } = headers;
          const answer = await fetch(source.url + path, {
            method,
            headers: {
              ...{ authorization, 'cdip-proof': String(proof) },
              ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
            },
            ...(method === 'POST' ? { body: new Uint8Array(body) } : {}),
          });
          return `${answer.status} ${((await answer.json()) as { code: string }).code}`;
        }),
      );
    const used = recorder.recorded.map(() => '401 TICKET_USED');
    t.ok(used.length >= 3, 'manifest, instances, and that it has all');
    t.same(await replay(), used);
    const db = new Database(join(thief.dataDirectory, 'edge.sqlite'), { readonly: true });
    const ticket = db.prepare('SELECT ticket FROM fetches').pluck().get() as string;
    db.close();
    t.equal(await ask(ticket, seedOf(thief)), '401 TICKET_USED', 'nor by who had it');
    await source.kill9();
    await source.start();
    t.same(await replay(), used, 'also when the source was killed since');
    t.equal(await ask(ticket, seedOf(thief)), '401 TICKET_USED');
  });

  await t.test('a key goes over into the next, and nothing stops', async (t) => {
    const before = seedOf(source);
    await cdipDone(['edge', 'rotate', '--config', source.configFile]);
    t.not(String(seedOf(source)), String(before));
    await eventually('the old key opens nothing', () =>
      connectAs('RRK', before, hub.natsPort).then(
        ({ connection }) => connection.close().then(() => false),
        (error: Error) => /authorization/i.test(error.message),
      ),
    );
    const third = STUDIES.find(({ key }) => key === 'us-4');
    if (third === undefined) throw new Error('no such study');
    const files = await filesOf({ ...third, ods: 'RRK' }, join(directory, 'files'));
    await sendFiles(source.dicomPort, files);
    await eventually('the hub hears of what came since', async () => {
      const { body } = await hub.api<{ studies: object[] }>('/api/studies');
      return body.studies.length === 3;
    });
  });

  await t.test('what is taken back opens nothing within seconds', async (t) => {
    const seed = seedOf(thief);
    const inHand = await sign();
    const stays = await connectAs('RJE', seed, hub.natsPort);
    const since = Date.now();
    await cdipDone(['hub', 'revoke', '--trust', 'RJE', '--config', hub.configFile]);
    await eventually('its connection ends', () => stays.connection.isClosed(), SECONDS);
    const again = await connectAs('RJE', seed, hub.natsPort).catch((error: Error) => error.message);
    t.match(again, /authorization/i);
    await eventually(
      'its tickets are refused by the other edges',
      async () => (await ask(inHand, seed)) === '403 TICKET_REVOKED',
      SECONDS,
    );
    t.comment(`within ${Date.now() - since} ms`);
    const refused = await hub.api<{ code: string }>('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{ studyInstanceUID: other.studyInstanceUID, to: { trust: 'RJE' }, priority: 'urgent' },
        purpose: 'direct care',
      }),
    });
    t.match(refused, { status: 422, body: { code: 'EDGE_NOT_ENROLLED' } });
    const files = await filesOf({ ...other, ods: 'RJE' }, join(directory, 'files'));
    const statuses = [...(await sendFiles(thief.dicomPort, files)).values()];
    t.ok(statuses.length > 0 && statuses.every((one) => one === 0), 'its trust goes on alone');
    const { body } = await hub.api<{ events: { what: string; query: object }[] }>('/api/audit');
    t.ok(
      body.events.some(({ what, query }) => /revoke/.test(what) && 'trust' in query),
      'it stands in the trail',
    );
  });

  await t.test('and a new enrolment lets it in again', async (t) => {
    await thief.stop();
    await thief.enrol(hub.url, hub.token('RJE'));
    await thief.start();
    const { connection } = await connectAs('RJE', seedOf(thief), hub.natsPort);
    await connection.close();
    await eventually('the hub hears of what came meanwhile', async () => {
      const { body } = await hub.api<{ studies: { home: string }[] }>('/api/studies');
      return body.studies.some(({ home }) => home === 'RJE');
    });
    t.pass('nothing of it was lost');
  });
});
