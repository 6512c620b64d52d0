/** Who may read a study from this edge, and how often. edge/transfer/ticket.ts, used-tickets.ts, edge/http/routes-transfer.ts. */
import { generateKeyPairSync } from 'node:crypto';
import { generateKeyPair } from 'jose';
import t from 'tap';
import { proverWith } from '../../../../edge/transfer/proof.ts';
import { REST_MS } from '../../../../edge/transfer/used-tickets.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { smallObject } from '../../../support/storage-fixture.ts';
import {
  directory,
  presenting,
  READER_NKEY,
  type Source,
  STUDY,
  serveStudies,
  startSource,
  type TicketFields,
  ticket,
} from './transfer-fixture.ts';

const otherKey = (await generateKeyPair('EdDSA', { crv: 'Ed25519' })).privateKey;
const PATH = `/transfer/v1/studies/${STUDY}`;
const MANIFEST = `${PATH}/manifest?home=RRK`;

const refusals: [string, TicketFields, number, string][] = [
  ['expired', { expiresIn: -60 }, 401, 'TICKET_EXPIRED'],
  ['signed by somebody else', { key: otherKey }, 401, 'TICKET_SIGNATURE'],
  ['for another trust', { aud: 'RXK' }, 403, 'TICKET_OTHER_TRUST'],
  ['for another study', { study: '2.999.7.2' }, 403, 'TICKET_OTHER_STUDY'],
  ['for the study of another home', { home: 'RXK' }, 403, 'TICKET_OTHER_HOME'],
  ['bound to no key of its reader', { nkey: null }, 401, 'TICKET_MALFORMED'],
];

for (const [what, fields, status, code] of refusals) {
  t.test(`refuses a ticket that is ${what}`, async (t) => {
    const source = await startSource(t);
    await source.send(smallObject(1));
    const given = await ticket(fields);
    for (const method of ['GET', 'POST'] as const) {
      const path = `${PATH}/${method === 'GET' ? 'manifest' : 'instances'}?home=RRK`;
      const headers = await presenting(given, path, { method });
      const response = await fetch(source.url + path, { method, headers });
      t.equal(response.status, status);
      t.match(await response.json(), { code, status });
    }
  });
}

async function answerTo(
  source: Pick<Source, 'url'>,
  headers: Record<string, string>,
  path = MANIFEST,
) {
  const response = await fetch(source.url + path, { headers });
  const body = (await response.json()) as { code?: string };
  return `${response.status} ${body.code ?? ''}`.trim();
}

t.test('refuses a request without a ticket, and one with nonsense', async (t) => {
  const source = await startSource(t);
  t.equal(await answerTo(source, {}), '401 TICKET_MISSING');
  const nonsense = { authorization: 'Bearer abc.def.ghi' };
  t.equal(await answerTo(source, nonsense), '401 TICKET_MALFORMED');
  const none = await presenting(await ticket(), MANIFEST);
  t.equal(await answerTo(source, none), '404 STUDY_NOT_FOUND');
});

t.test('a ticket that somebody else has got hold of opens nothing', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const stolen = await ticket();
  const bare = { authorization: `Bearer ${stolen}` };
  t.equal(await answerTo(source, bare), '401 TICKET_PROOF_MISSING');
  const own = generateKeyPairSync('ed25519').privateKey;
  const others = await presenting(stolen, MANIFEST, { by: proverWith(() => own) });
  t.equal(await answerTo(source, others), '403 TICKET_OTHER_EDGE');
  const headers = await presenting(stolen, MANIFEST);
  t.equal(await answerTo(source, headers), '200');
  t.equal(await answerTo(source, headers), '401 TICKET_USED', 'a request that was recorded');
  const elsewhere = await presenting(stolen, '/transfer/v1/studies/2.999.9/manifest?home=RRK');
  t.equal(await answerTo(source, elsewhere), '403 TICKET_OTHER_EDGE', 'a proof of another request');
  const ofAnother = await presenting(await ticket(), MANIFEST);
  const mixed = { ...ofAnother, ...bare };
  t.equal(await answerTo(source, mixed), '403 TICKET_OTHER_EDGE', 'a proof of another ticket');
});

t.test('a ticket of the hub is for one request', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const headers = { authorization: `Bearer ${await ticket({ sub: 'HUB', nkey: null })}` };
  t.equal(await answerTo(source, headers), '200');
  t.equal(await answerTo(source, headers), '401 TICKET_USED');
});

t.test('a use is over when its reader has rested, or said so, also over a restart', async (t) => {
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const source = await startSource(t, clock);
  await source.send(smallObject(1));
  const again = await serveStudies(t, 'RRK', source, { clock, usedIn: source.usedIn });
  const [rested, ended] = [await ticket({ expiresIn: 3_000 }), await ticket()];
  const ask = async (given: string, from: Pick<Source, 'url'> = source) =>
    answerTo(from, await presenting(given, MANIFEST));
  t.equal(await ask(rested), '200');
  ahead = REST_MS - 1_000;
  t.equal(await ask(rested, again), '200', 'a line that was cut for a while');
  ahead += REST_MS - 1_000;
  t.equal(await ask(rested), '200');
  ahead += REST_MS + 1_000;
  t.equal(await ask(rested), '401 TICKET_USED');
  t.equal(await ask(ended), '200');
  const path = `${PATH}/ticket?home=RRK`;
  const headers = await presenting(ended, path, { method: 'DELETE' });
  t.equal((await fetch(source.url + path, { method: 'DELETE', headers })).status, 204);
  t.equal(await ask(ended, again), '401 TICKET_USED');
});

t.test('a ticket of an edge whose key was taken back opens nothing', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const told = { ...directory, revokedKeys: [READER_NKEY] };
  const one = await serveStudies(t, 'RRK', source, { directory: told });
  const headers = await presenting(await ticket(), MANIFEST);
  t.equal(await answerTo(one, headers), '403 TICKET_REVOKED');
});

t.test('opens only the series that the ticket names', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  await source.send(smallObject(2, { SeriesInstanceUID: '2.999.7.1.2' }));
  const given = await ticket({ series: ['2.999.7.1.2'] });
  const headers = await presenting(given, MANIFEST);
  const manifest = await (await fetch(source.url + MANIFEST, { headers })).json();
  t.match(manifest, { instances: [{ sopInstanceUID: '2.999.1.2' }] });
  const path = `${PATH}/instances?home=RRK`;
  const response = await fetch(source.url + path, {
    method: 'POST',
    headers: {
      ...(await presenting(given, path, { method: 'POST' })),
      'content-type': 'application/json',
    },
    body: JSON.stringify({ sopInstanceUIDs: ['2.999.1.1', '2.999.1.2'] }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
  t.match(text, /"kind":"error","sopInstanceUID":"2.999.1.1","code":"INSTANCE_NOT_HELD"/);
  t.match(text, /"kind":"end","sent":1,"failed":1/);
});

t.test('says what is wrong with a body that is no list of UIDs', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const path = `${PATH}/instances?home=RRK`;
  const response = await fetch(source.url + path, {
    method: 'POST',
    headers: {
      ...(await presenting(await ticket(), path, { method: 'POST' })),
      'content-type': 'application/json',
    },
    body: '{"sopInstanceUIDs":"all"}',
  });
  t.match(await response.json(), { status: 400, code: 'MALFORMED_REQUEST' });
});
