/**
 * TLS in which both sides show who they are, between edges, hub and broker: a study is fetched and looked at, and
 * whoever has a key and a ticket, but no certificate of the hub for itself, gets nothing.
 */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fromSeed } from '@nats-io/nkeys';
import { connect, nkeyAuthenticator } from '@nats-io/transport-node';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { proverWith } from '../../edge/transfer/proof.ts';
import { openAccessDatabase } from '../../hub/access/access.ts';
import { openTicketSigner } from '../../hub/access/tickets.ts';
import { type ClientPair, readPair } from '../../shared/client-pair.ts';
import { systemClock } from '../../shared/clock.ts';
import { edgeInboxPrefix } from '../../shared/contract/subjects.ts';
import { keyOfSeed } from '../../shared/ed25519.ts';
import { certificateAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { sendFiles } from '../support/send-files.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer('nats-server', 'openssl', 'storescp');

t.test('mutual TLS between edges, hub and broker', { skip, timeout: 240_000 }, async (t) => {
  const directory = t.testdir();
  const servers = certificateAuthority(directory);
  const identity = servers.issue('server');
  // As a site makes the authority of its servers known, to the programs and to this test.
  process.env['NODE_EXTRA_CA_CERTS'] = servers.caFile;
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(servers.caFile, 'utf8')]);
  const tls = { ...identity, requireClientCertificate: true };
  const pacs = await startStorescp(join(directory, 'pacs'), { aeTitle: 'PACS' });
  t.teardown(() => pacs.stop());
  const peer = { name: 'pacs', aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port };
  const edgesPort = await freePort();
  const edgesUrl = `https://127.0.0.1:${edgesPort}`;
  const network = await startNetwork({
    hubConfig: { http: { edges: { port: edgesPort, publicUrl: edgesUrl, ...identity } } },
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    natsTls: tls,
    edgeConfig: () => ({
      http: { tls },
      patientIds: { unmatched: 'foreign' },
      peers: [{ ...peer, role: 'pacs', importsTo: true }],
    }),
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const [source, reader] = [network.site('RRK').edge, network.site('RJE').edge];
  const [study] = STUDIES;
  if (study === undefined) throw new Error('no study');
  const { studyInstanceUID: uid } = study;
  await sendFiles(source.dicomPort, await filesOf({ ...study, ods: 'RRK' }, join(directory, 'f')));
  await eventually('the hub has it', async () => {
    const { body } = await hub.api<{ studies: { quiet: boolean }[] }>('/api/studies');
    return body.studies[0]?.quiet;
  });

  await t.test('a study is looked at and fetched', async (t) => {
    const shown = await hub.api<object[]>(`/dicom-web/studies/${uid}/metadata`);
    t.equal(shown.status, 200);
    const { headers } = await hub.api('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({
        ...{ studyInstanceUID: uid, to: { trust: 'RJE' }, priority: 'urgent' },
        purpose: 'direct care',
      }),
    });
    await eventually('it came', async () => {
      const { body } = await hub.api<{ state: string }>(headers.get('location') ?? '');
      return body.state === 'available';
    });
    t.ok(reader.spoolFiles().length > 0);
    const relayed = await (await fetch(`${hub.url}/metrics`)).text();
    t.notMatch(relayed, /cdip_relay_bytes_total\{/, 'directly, not by the relay');
  });

  const seed = readFileSync(join(reader.dataDirectory, 'nats.seed'));
  const pairs = { own: readPair(reader.dataDirectory), others: readPair(source.dataDirectory) };

  await t.test(
    'what edges speak to the hub is for an edge with its certificate alone',
    async (t) => {
      const { keyFile, certificateFile } = servers.issue('RRK');
      const [key = '', cert = ''] = [keyFile, certificateFile].map((file) =>
        readFileSync(file, 'utf8'),
      );
      const build = `${edgesUrl}/edge/v1/releases/none`;
      const ask = (url: string, pair?: ClientPair, ticket?: string): Promise<string> =>
        answerOf(url, pair, ticket === undefined ? {} : { authorization: `Bearer ${ticket}` });
      t.equal(await ask(build, pairs.own), '404 NOT_FOUND');
      t.equal(await ask(build), 'cut', 'no certificate');
      t.equal(await ask(build, { key, cert }), 'cut', 'of another authority');
      const people = await fetch(`${hub.url}/relay/v1/to/RRK/transfer/v1/x`);
      t.equal(people.status, 404, 'where people come it is not served');
      await eventually('edges wait there', async () => {
        const numbers = await (await fetch(`${hub.url}/metrics`)).text();
        return Number(/^cdip_relay_waiting (\d+)/m.exec(numbers)?.[1] ?? 0) >= 2;
      });
      const accessDb = openAccessDatabase(hub.dataDirectory);
      t.teardown(() => void accessDb.close());
      const cnf = { nkey: fromSeed(seed).getPublicKey() };
      const ticket = await (await openTicketSigner(accessDb, systemClock)).sign({
        ...{ aud: 'RRK', sub: 'RJE', study: uid, home: 'RRK', fetch: 'f1', cnf },
      });
      const relayed = `${edgesUrl}/relay/v1/to/RRK/transfer/v1/studies/${uid}/manifest?home=RRK`;
      t.equal(
        await ask(relayed, pairs.others, ticket),
        '401 RELAY_TOKEN_REFUSED',
        'a stolen ticket',
      );
      t.equal(
        await ask(relayed, pairs.own, ticket),
        '401 TICKET_PROOF_MISSING',
        'as far as its source',
      );
    },
  );

  await t.test('a ticket opens nothing without the certificate of its reader', async (t) => {
    const accessDb = openAccessDatabase(hub.dataDirectory);
    t.teardown(() => void accessDb.close());
    const signer = await openTicketSigner(accessDb, systemClock);
    const ask = async (pair: ClientPair | undefined): Promise<string> => {
      const cnf = { nkey: fromSeed(seed).getPublicKey() };
      const claims = { aud: 'RRK', sub: 'RJE', study: uid, home: 'RRK', fetch: 'f1', cnf };
      const ticket = await signer.sign(claims);
      const url = `/transfer/v1/studies/${uid}/manifest?home=RRK`;
      const prove = proverWith(() => keyOfSeed(seed));
      const headers = {
        authorization: `Bearer ${ticket}`,
        'cdip-proof': await prove({ ticket, method: 'GET', url }),
      };
      return answerOf(source.url + url, pair, headers);
    };
    t.equal(await ask(undefined), '401 CERTIFICATE_MISSING');
    t.equal(await ask(pairs.others), '403 TICKET_OTHER_EDGE', 'of another edge');
    const { keyFile, certificateFile } = servers.issue('RJE');
    const [key, cert] = [keyFile, certificateFile].map((file) => readFileSync(file, 'utf8'));
    const foreign = { key: key ?? '', cert: cert ?? '' };
    t.equal(await ask(foreign), '401 CERTIFICATE_MISSING', 'of another authority');
    t.equal(await ask(pairs.own), '200');
  });

  await t.test('a key opens nothing at the broker without a certificate', async (t) => {
    const enter = (pair: ClientPair | undefined): Promise<string> =>
      connect({
        ...{ servers: `tls://127.0.0.1:${hub.natsPort}`, authenticator: nkeyAuthenticator(seed) },
        ...{ inboxPrefix: edgeInboxPrefix('RJE'), reconnect: false, timeout: 5_000 },
        tls: { caFile: servers.caFile, ...pair },
      }).then(
        async (connection) => {
          await connection.close();
          return 'in';
        },
        () => 'out',
      );
    t.equal(await enter(undefined), 'out');
    t.equal(await enter(pairs.own), 'in');
  });
});

/** Status and code; `cut`: the connection was ended before there was an answer. */
function answerOf(
  url: string,
  pair: ClientPair | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  return new Promise((resolve) => {
    request(url, { headers, agent: false, ...pair }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const { code = '' } = JSON.parse(Buffer.concat(chunks).toString()) as { code?: string };
        resolve(`${answer.statusCode} ${code}`.trim());
      });
    })
      .on('error', () => resolve('cut'))
      .end();
  });
}
