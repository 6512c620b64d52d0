/** Clients that prove themselves by a key: what counts as a proof, and what does not. RFC 7523. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import t from 'tap';
import { openAccessDatabase } from '../../../../hub/access/access.ts';
import { readKeySet } from '../../../../hub/access/client-assertions.ts';
import { Machines } from '../../../../hub/access/machines.ts';

const HUB = 'https://hub.example/oauth/token';
const RIS = { name: 'ris', role: 'clinician', trust: 'RRK' } as const;

async function open(t: Pick<typeof import('tap').t, 'testdir' | 'teardown'>) {
  const clock = {
    ms: Date.parse('2026-03-02T08:00:00Z'),
    now: () => clock.ms,
    monotonicMs: () => 0,
  };
  const db = openAccessDatabase(t.testdir({}));
  t.teardown(() => db.close());
  const machines = new Machines(db, clock);
  const own = await generateKeyPair('ES256');
  const jwks = readKeySet(JSON.stringify(await exportJWK(own.publicKey)));
  const { id } = machines.addClient(RIS, jwks);
  const now = (): number => clock.ms / 1000;
  const sign = (claims: Record<string, unknown> = {}, key = own.privateKey): Promise<string> =>
    new SignJWT({
      ...{ iss: id, sub: id, aud: HUB, jti: String(Math.random()), exp: now() + 60 },
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key);
  const issue = (assertion: string, told = '') =>
    machines.issueByKey({ id: told, assertion, audiences: ['https://hub.example', HUB] });
  return { clock, machines, id, sign, issue, now, jwks };
}

t.test('a client takes a token by its key, and needs no secret', async (t) => {
  const { sign, issue, machines, id } = await open(t);
  const { token } = await issue(await sign(), id);
  t.match(machines.find(token), RIS);
  t.throws(() => machines.issue({ id, secret: '' }), { code: 'CLIENT_INVALID' });
});

t.test('an assertion counts once, for this hub, of this client, for minutes', async (t) => {
  const { sign, issue, now, machines, clock, jwks } = await open(t);
  const refused = { code: 'CLIENT_INVALID' };
  const used = await sign();
  await issue(used);
  await t.rejects(issue(used), { ...refused, message: /was used/ });
  const stranger = await generateKeyPair('ES256');
  await t.rejects(issue(await sign({}, stranger.privateKey)), refused, "a stranger's key");
  await t.rejects(issue(await sign(), 'client_other'), refused, 'told of another client');
  const other = machines.addClient({ ...RIS, name: 'other' }, jwks).id;
  const cases: [string, Record<string, unknown>][] = [
    ['for another hub', { aud: 'https://other.example' }],
    ['of another subject', { sub: other }],
    ['of nobody', { iss: 'client_none', sub: 'client_none' }],
    ['of the past', { exp: now() - 31 }],
    ['without an end', { exp: undefined }],
    ['without a number', { jti: undefined }],
    ['of the future', { nbf: now() + 60 }],
    ['for an hour', { exp: now() + 3_600 }],
  ];
  for (const [what, claims] of cases) await t.rejects(sign(claims).then(issue), refused, what);
  for (const nonsense of ['', 'a.b.c', 'x'.repeat(5_000)])
    await t.rejects(issue(nonsense), refused);
  clock.ms += 91_000;
  await t.rejects(issue(used), refused, 'nor once it is forgotten that it was used');
  t.ok(await issue(await sign()));
});

t.test('only public keys are taken', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const [secret, open_] = [await exportJWK(privateKey), await exportJWK(publicKey)];
  const fault = (told: unknown) => () => readKeySet(JSON.stringify(told));
  t.throws(fault({ keys: [secret] }), { code: 'KEYS_INVALID', message: /private key/ });
  t.throws(fault({ keys: [] }), { code: 'KEYS_INVALID' });
  t.throws(fault({ keys: [{ kty: 'oct', k: 'AAAA' }] }), { code: 'KEYS_INVALID' });
  for (const none of ['keys', null, 7, { keys: null }])
    t.throws(fault(none), { code: 'KEYS_INVALID' });
  t.throws(() => readKeySet('-----BEGIN'), { code: 'KEYS_INVALID', message: /no JSON/ });
  t.match(JSON.parse(readKeySet(JSON.stringify({ keys: [open_] }))), { keys: [open_] });
});
