/** Who may read a study from this edge. edge/transfer/ticket.ts, edge/http/routes-transfer.ts. */
import { generateKeyPair } from 'jose';
import t from 'tap';
import { smallObject } from '../../../support/storage-fixture.ts';
import { STUDY, startSource, type TicketFields, ticket } from './transfer-fixture.ts';

const otherKey = (await generateKeyPair('EdDSA', { crv: 'Ed25519' })).privateKey;

const refusals: [string, TicketFields, number, string][] = [
  ['expired', { expiresIn: -60 }, 401, 'TICKET_EXPIRED'],
  ['signed by somebody else', { key: otherKey }, 401, 'TICKET_SIGNATURE'],
  ['for another trust', { aud: 'RXK' }, 403, 'TICKET_OTHER_TRUST'],
  ['for another study', { study: '2.999.7.2' }, 403, 'TICKET_OTHER_STUDY'],
  ['for the study of another home', { home: 'RXK' }, 403, 'TICKET_OTHER_HOME'],
];

for (const [what, fields, status, code] of refusals) {
  t.test(`refuses a ticket that is ${what}`, async (t) => {
    const source = await startSource(t);
    await source.send(smallObject(1));
    const authorization = `Bearer ${await ticket(fields)}`;
    for (const method of ['GET', 'POST'] as const) {
      const path = method === 'GET' ? 'manifest' : 'instances';
      const url = `${source.url}/transfer/v1/studies/${STUDY}/${path}?home=RRK`;
      const response = await fetch(url, { method, headers: { authorization } });
      t.equal(response.status, status);
      t.match(await response.json(), { code, status });
    }
  });
}

t.test('refuses a request without a ticket, and one with nonsense', async (t) => {
  const source = await startSource(t);
  const url = `${source.url}/transfer/v1/studies/${STUDY}/manifest?home=RRK`;
  t.match(await (await fetch(url)).json(), { status: 401, code: 'TICKET_MISSING' });
  const headers = { authorization: 'Bearer abc.def.ghi' };
  t.match(await (await fetch(url, { headers })).json(), { status: 401, code: 'TICKET_MALFORMED' });
  const none = { authorization: `Bearer ${await ticket()}` };
  const answer = await fetch(url, { headers: none });
  t.match(await answer.json(), { status: 404, code: 'STUDY_NOT_FOUND' });
});

t.test('opens only the series that the ticket names', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  await source.send(smallObject(2, { SeriesInstanceUID: '2.999.7.1.2' }));
  const headers = { authorization: `Bearer ${await ticket({ series: ['2.999.7.1.2'] })}` };
  const base = `${source.url}/transfer/v1/studies/${STUDY}`;
  const manifest = await (await fetch(`${base}/manifest?home=RRK`, { headers })).json();
  t.match(manifest, { instances: [{ sopInstanceUID: '2.999.1.2' }] });
  const response = await fetch(`${base}/instances?home=RRK`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ sopInstanceUIDs: ['2.999.1.1', '2.999.1.2'] }),
  });
  const text = Buffer.from(await response.arrayBuffer()).toString('latin1');
  t.match(text, /"kind":"error","sopInstanceUID":"2.999.1.1","code":"INSTANCE_NOT_HELD"/);
  t.match(text, /"kind":"end","sent":1,"failed":1/);
});

t.test('says what is wrong with a body that is no list of UIDs', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const response = await fetch(`${source.url}/transfer/v1/studies/${STUDY}/instances?home=RRK`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await ticket()}`, 'content-type': 'application/json' },
    body: '{"sopInstanceUIDs":"all"}',
  });
  t.match(await response.json(), { status: 400, code: 'MALFORMED_REQUEST' });
});
