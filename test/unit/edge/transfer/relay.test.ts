/** A transfer by the hub's relay: the real routes of hub and edge, and a source that can't be dialled. */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { problemOf as edgeProblemOf } from '../../../../edge/http/problem.ts';
import { relayedServer } from '../../../../edge/http/relayed.ts';
import { openTransferCounters } from '../../../../edge/http/transfer-counters.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { SourceClient } from '../../../../edge/transfer/source-client.ts';
import { SourcePaths } from '../../../../edge/transfer/source-paths.ts';
import { RelayWait } from '../../../../edge/transfer/wait-at-relay.ts';
import { openAccessDatabase } from '../../../../hub/access/access.ts';
import { openTicketSigner, type TicketSigner } from '../../../../hub/access/tickets.ts';
import { problemOf } from '../../../../hub/http/problem.ts';
import { serveRelay } from '../../../../hub/http/routes-relay.ts';
import { Relay } from '../../../../hub/relay/relay.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { eventually } from '../../../support/eventually.ts';
import { noPacs } from '../../../support/no-pacs.ts';
import {
  openStorageFixture,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';
import { noUsedTickets, presenting, prove, READER_NKEY, STUDY } from './transfer-fixture.ts';

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:1';

interface World {
  readonly hubUrl: string;
  readonly relay: Relay;
  readonly tickets: TicketSigner;
  readonly source: StorageFixture;
  readonly wait: RelayWait;
}

async function startWorld(t: Test): Promise<World> {
  const accessDb = openAccessDatabase(temporaryDirectory(t));
  t.teardown(() => void accessDb.close());
  const tickets = await openTicketSigner(accessDb, systemClock);
  const relay = new Relay({ tickets, metrics: openMetrics({}) });
  const hub = Fastify({ forceCloseConnections: true });
  hub.setErrorHandler((error, _request, reply) => {
    const { body } = problemOf(error);
    void reply.status(body.status).send(body);
  });
  await serveRelay(hub as never, { relay, log: silentLog });
  await hub.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => hub.close());
  const hubUrl = `http://127.0.0.1:${(hub.server.address() as AddressInfo).port}`;

  const source = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => source.close());
  const app = Fastify({ routerOptions: { maxParamLength: 256 } });
  app.setErrorHandler((error, _request, reply) => {
    const { body } = edgeProblemOf(error);
    void reply.status(body.status).send(body);
  });
  const decoder = new CodecThreads();
  const dicomWeb = openDicomWeb({ ...source, log: silentLog, decoder });
  const serve = await relayedServer(app as never, {
    ...{ trust: 'RRK', spool: source.spool, index: source.index, clock: systemClock },
    pacs: noPacs,
    directory: { current: () => ({ trusts: [], ticketKeys: tickets.publicKeys() }) },
    usedTickets: noUsedTickets(),
    log: silentLog,
    config: parseEdgeConfig({ trust: 'RRK', dataDirectory: '/nowhere' }),
    ...{ dicomWeb, teachingWeb: dicomWeb },
    transferCounters: openTransferCounters(openMetrics({})),
    line: { admit: () => undefined },
    copies: { markUsed: () => {} },
  });
  t.teardown(() => app.close());
  const requestPass = () => relay.passFor('RRK');
  const wait = new RelayWait({
    hub: { url: () => hubUrl, pair: () => undefined },
    requestPass,
    serve,
    log: silentLog,
  });
  wait.start();
  t.teardown(() => wait.stop());
  return { hubUrl, relay, tickets, source, wait };
}

const signal = new AbortController().signal;
const address = { trust: 'RRK', url: NOWHERE, studyInstanceUID: STUDY, home: 'RRK' };
const ticketOf = (tickets: TicketSigner, study = STUDY): Promise<string> =>
  tickets.sign({
    ...{ aud: 'RRK', sub: 'RJE', study, home: 'RRK', fetch: 'f1' },
    cnf: { nkey: READER_NKEY },
  });

function clientOf(t: Test, hubUrl: string): { client: SourceClient; changes: string[] } {
  const changes: string[] = [];
  const paths = new SourcePaths({
    hubUrl: () => hubUrl,
    onChange: ({ path }) => changes.push(path),
  });
  const client = new SourceClient({ stallMs: 5_000, prove, paths });
  t.teardown(() => client.close());
  return { client, changes };
}

t.test('a source that nobody can dial is read through the hub, again and again', async (t) => {
  const { hubUrl, tickets, source, relay } = await startWorld(t);
  for (let number = 1; number <= 5; number += 1) await source.send(smallObject(number));
  const { client, changes } = clientOf(t, hubUrl);
  const ticket = await ticketOf(tickets);
  for (let round = 0; round < 12; round += 1) {
    const manifest = await client.manifest(address, { ticket, signal });
    t.equal(manifest.instances.length, 5);
    const sopInstanceUIDs = manifest.instances.map(({ sopInstanceUID }) => sopInstanceUID);
    const body = await client.instances(address, { ticket, signal, sopInstanceUIDs, codings: [] });
    const chunks: Buffer[] = [];
    for await (const chunk of body) chunks.push(chunk);
    t.match(Buffer.concat(chunks).toString('latin1'), /"kind":"end","sent":5,"failed":0/);
  }
  t.same(changes, ['relay'], 'the way that works is remembered');
  await eventually('it waits for the next reader', () => relay.waiting.count('RRK') >= 4);
});

t.test('only with a ticket of the hub, and only to the trust that it names', async (t) => {
  const { hubUrl, tickets, source } = await startWorld(t);
  await source.send(smallObject(1));
  const path = `transfer/v1/studies/${STUDY}/manifest?home=RRK`;
  const statusOf = async (ods: string, ticket: string, what = path): Promise<string> => {
    const headers = await presenting(ticket, `/${path}`);
    const response = await fetch(`${hubUrl}/relay/v1/to/${ods}/${what}`, { headers });
    const { code = '' } = (await response.json()) as { code?: string };
    return `${response.status} ${code}`;
  };
  const ticket = await ticketOf(tickets);
  t.equal(await statusOf('RRK', ticket), '200 ');
  t.equal(await statusOf('RXK', ticket), '401 RELAY_TOKEN_REFUSED');
  t.equal(await statusOf('RRK', 'nonsense'), '401 RELAY_TOKEN_REFUSED');
  t.equal(await statusOf('RRK', await tickets.signPass('RRK')), '401 RELAY_TOKEN_REFUSED');
  t.equal(await statusOf('RRK', await ticketOf(tickets, '2.999.8')), '403 TICKET_OTHER_STUDY');
  t.match(await statusOf('RRK', ticket, 'metrics'), /^404/);
});

t.test('nobody waits with a ticket, or a pass of another hub', async (t) => {
  const { relay, tickets } = await startWorld(t);
  await t.rejects(relay.admit(`Bearer ${await ticketOf(tickets)}`), {
    code: 'RELAY_TOKEN_REFUSED',
  });
  await t.rejects(relay.admit(undefined), { code: 'RELAY_TOKEN_REFUSED' });
  t.equal(await relay.admit(`Bearer ${await tickets.signPass('RRK')}`), 'RRK');
});

t.test('says that the source can not be reached when it does not wait', async (t) => {
  const { hubUrl, tickets, wait } = await startWorld(t);
  wait.stop();
  const { client } = clientOf(t, hubUrl);
  await t.rejects(client.manifest(address, { ticket: await ticketOf(tickets), signal }), {
    code: 'SOURCE_UNREACHABLE',
    retry: 'safe',
  });
});

t.test('goes back to the direct way once that works', async (t) => {
  let now = 0;
  const changes: string[] = [];
  const paths = new SourcePaths({
    hubUrl: () => 'https://hub.example/',
    now: () => now,
    probe: async () => now > 400_000,
    onChange: ({ path }) => changes.push(path),
  });
  const source = { trust: 'RRK', url: 'https://rrk.example' };
  const first = (): string | undefined => paths.to(source)[0]?.url;
  t.equal(first(), 'https://rrk.example');
  paths.works(source, { kind: 'relay', url: '' });
  t.equal(first(), 'https://hub.example/relay/v1/to/RRK');
  now = 310_000;
  first();
  await Promise.resolve();
  t.equal(first(), 'https://hub.example/relay/v1/to/RRK', 'not as long as nobody answers there');
  now = 620_000;
  first();
  await eventually('the direct way is used', () => first() === 'https://rrk.example');
  t.same(changes, ['relay', 'direct']);
});
