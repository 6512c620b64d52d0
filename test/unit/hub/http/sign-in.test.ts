/** Signing in by link, password and code, as a browser does it; tokens for machines; what is asked again. */
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { Secret, TOTP } from 'otpauth';
import t from 'tap';
import { parseHubConfig } from '../../../../hub/config.ts';
import { requireStepUp } from '../../../../hub/http/step-up.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { Browser } from './browser.ts';
import { startFakeHub } from './fake-hub.ts';

const ADA = { name: 'Dr Ada Okafor', role: 'radiologist' as const, trust: 'RJE' };
const PASSWORD = 'kettle violin harbour';

async function start(t: Pick<typeof import('tap').t, 'teardown'>, config: object = {}) {
  const hub = await startFakeHub({ principals: new Map(), config });
  t.teardown(() => hub.stop());
  return { hub, browser: new Browser(hub) };
}

const secretIn = (page: string): string =>
  /name="secret" value="([A-Z2-7]{32})"/.exec(page)?.[1] ?? '';
const codeOf = (secret: string, timestamp = Date.now()): string =>
  TOTP.generate({ secret: Secret.fromBase32(secret), timestamp });

t.test('a link, a password and a code, and signing in by them', async (t) => {
  const { hub, browser } = await start(t);
  const invited = await browser.post(`/sign-in/${hub.access.invite(ADA)}?next=/account`);
  t.equal(invited.headers.get('location'), '/account');
  t.match(await (await browser.get('/account')).text(), /Choose a password and a code/);
  const linkCookie = browser.cookie;

  const secret = secretIn(await (await browser.get('/account/password')).text());
  const form = { password: PASSWORD, again: PASSWORD, secret };
  const wrong = await browser.post('/account/password', { ...form, code: '000000' });
  t.equal(wrong.status, 422);
  const page = await wrong.text();
  t.match(page, /six digits that your app shows now/);
  t.equal(secretIn(page), secret, 'the app need not be set up again');
  t.notMatch(page, PASSWORD, 'a password is not sent back');
  const differs = { ...form, again: 'another', code: codeOf(secret) };
  t.match(await (await browser.post('/account/password', differs)).text(), /same password twice/);
  const saved = await browser.post('/account/password', { ...form, code: codeOf(secret) });
  t.equal(saved.headers.get('location'), '/account?saved=yes');
  const old = new Browser(hub);
  old.cookie = linkCookie;
  t.equal((await old.get('/account')).status, 303, 'what was signed in before is so no more');

  await browser.post('/sign-out');
  t.equal((await browser.get('/account')).status, 303);
  // The code of this half minute was used to set it up.
  const next = codeOf(secret, Date.now() + 30_000);
  const credentials = { name: ADA.name, password: PASSWORD, code: next };
  const again = await browser.post('/sign-in?next=/account', credentials);
  t.equal(again.headers.get('location'), '/account');
  t.match(again.headers.getSetCookie()[0], /HttpOnly.*SameSite=Strict/);
  const replayed = await new Browser(hub).post('/sign-in', credentials);
  t.equal(replayed.status, 422, 'a code works once');
  t.match(await replayed.text(), /name, password or code is not right/);
  const { events } = hub.audit.find({}, { limit: 50, offset: 0 });
  t.match(events, [
    { event: 'sign-in', code: 'SIGN_IN_WRONG', outcome: 8, user: ADA.name },
    { event: 'sign-in', code: null, user: ADA.name, role: 'radiologist', trust: 'RJE' },
    { event: 'sign-out' },
  ]);
  t.notMatch(JSON.stringify(events), PASSWORD, 'and stands in no record');
});

t.test('a typed name that is no account is not recorded: it may be a password', async (t) => {
  const { hub, browser } = await start(t);
  await browser.post('/sign-in', { name: 'hunter2-hunter2', password: 'x', code: '123456' });
  const { events } = hub.audit.find({}, { limit: 1, offset: 0 });
  t.match(events, [{ event: 'sign-in', code: 'SIGN_IN_WRONG', user: '' }]);
  const empty = await browser.post('/sign-in');
  t.equal(empty.status, 422);
  t.match(await empty.text(), /Enter your password/);
});

t.test('where somebody is signed in, and signing out there and everywhere', async (t) => {
  const { hub, browser } = await start(t);
  const other = new Browser(hub);
  await browser.post(`/sign-in/${hub.access.invite(ADA)}`);
  await other.post(`/sign-in/${hub.access.invite(ADA)}`);
  const stranger = new Browser(hub);
  await stranger.post(`/sign-in/${hub.access.invite({ ...ADA, name: 'Ben' })}`);
  const page = await (await browser.get('/account')).text();
  const [, id = ''] = /sessions\/([\w-]+)\/end/.exec(page) ?? [];
  await stranger.post(`/account/sessions/${id}/end`);
  t.equal((await other.get('/account')).status, 200, "nobody ends another's session");
  await browser.post(`/account/sessions/${id}/end`);
  t.equal((await other.get('/account')).status, 303);
  await other.post(`/sign-in/${hub.access.invite(ADA)}`);
  await browser.post('/account/sessions/end');
  t.equal((await other.get('/account')).status, 303);
  t.equal((await browser.get('/account')).status, 303);
  t.equal((await stranger.get('/account')).status, 200);
});

t.test(
  'what is watched live ends with the session, or with the role that it was begun in',
  async (t) => {
    const { hub, browser } = await start(t);
    const watch = async (): Promise<Response> => {
      const { cookie } = browser;
      const signal = AbortSignal.timeout(20_000);
      return fetch(`${hub.url}/api/events`, { headers: { cookie }, signal });
    };
    await browser.post(`/sign-in/${hub.access.invite(ADA)}`);
    const before = await watch();
    hub.access.invite({ ...ADA, role: 'booker' });
    t.match(await before.text(), /event: hello/, 'ended: what a booker is told is asked for anew');
    const after = await watch();
    await browser.post('/account/sessions/end');
    t.match(await after.text(), /event: hello/, 'ended');
  },
);

t.test('a screen that is found unlocked does not give the account away', async (t) => {
  const { hub, browser } = await start(t);
  hub.accessClock.aheadMs = -31 * 60_000;
  const { session } = hub.access.useSignInLink(hub.access.invite(ADA), {
    ...{ address: null, browser: null },
  }) ?? { session: '' };
  hub.accessClock.aheadMs = -20 * 60_000;
  hub.access.authenticate({ session });
  hub.accessClock.aheadMs = -10 * 60_000;
  hub.access.authenticate({ session });
  hub.accessClock.aheadMs = 0;
  browser.cookie = `cdip-session=${session}`;
  t.equal((await browser.get('/account')).status, 200);
  const asked = await browser.get('/account/password');
  t.equal(asked.headers.get('location'), '/sign-in/confirm?next=%2Faccount%2Fpassword');
  t.match(await (await browser.get('/sign-in/confirm?next=/account')).text(), /Ask whoever runs/);
});

t.test('confirming gives a fresh proof under another secret', async (t) => {
  const { hub, browser } = await start(t);
  hub.access.invite(ADA);
  const secret = hub.access.accounts.newSecret();
  await hub.access.accounts.choose(ADA.name, { password: PASSWORD, secret, code: codeOf(secret) });
  const device = { address: null, browser: null };
  const authenticatedAt = Date.now() - 600_000;
  const told = { person: ADA.name, method: 'password', assurance: 2, authenticatedAt } as const;
  const before = hub.access.sessions.begin(told, device).session;
  const parts = { config: parseHubConfig({ dataDirectory: '/tmp/none' }), clock: systemClock };
  const demand = (session: string): void => {
    const principal = hub.access.authenticate({ session });
    if (principal === null) throw new Error('nobody');
    requireStepUp(parts, principal, 'sign off');
  };
  t.throws(() => demand(before), { code: 'STEP_UP_REQUIRED', members: { maxAgeSeconds: 300 } });
  browser.cookie = `cdip-session=${before}`;
  const path = '/sign-in/confirm?next=%2Fstudies%2F1.2.3';
  t.equal((await browser.post(path, { password: PASSWORD, code: '000000' })).status, 422);
  const code = codeOf(secret, Date.now() + 30_000);
  const confirmed = await browser.post(path, { password: PASSWORD, code });
  t.equal(confirmed.headers.get('location'), '/studies/1.2.3');
  t.equal(hub.access.authenticate({ session: before }), null);
  t.doesNotThrow(() => demand(browser.cookie.split('=')[1] ?? ''));
  const machine = { name: 'm', role: 'admin', trust: null };
  t.throws(() => requireStepUp(parts, machine, 'sign off'), { code: 'FORBIDDEN' });
});

t.test('nobody is led to another host after signing in', async (t) => {
  const { hub, browser } = await start(t);
  for (const next of ['//evil.example', 'https://evil.example', '/\\evil.example']) {
    const path = `/sign-in/${hub.access.invite(ADA)}?next=${encodeURIComponent(next)}`;
    t.equal((await browser.post(path)).headers.get('location'), '/', next);
  }
});

t.test('tokens for machines', async (t) => {
  const { hub } = await start(t);
  const { id, secret } = hub.access.machines.addClient({
    ...{ name: 'ris', role: 'clinician', trust: 'RRK', scopes: ['search', 'watch'] },
  });
  const ask = (form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(`${hub.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(form), headers });
  const basic = (word: string) => ({
    authorization: `Basic ${Buffer.from(`${id}:${word}`).toString('base64')}`,
  });
  const grant = { grant_type: 'client_credentials' };

  const answer = await ask(grant, basic(secret));
  t.equal(answer.status, 200);
  t.equal(answer.headers.get('cache-control'), 'no-store');
  const token = (await answer.json()) as { access_token: string };
  t.match(token, { token_type: 'Bearer', expires_in: 900, scope: 'search watch' });
  const bearer = { authorization: `Bearer ${token.access_token}` };
  t.equal((await hub.get('/api/completeness', bearer)).status, 200);
  const refused = await hub.get('/api/fetches', bearer);
  t.equal(refused.status, 403);
  t.match(await refused.json(), { code: 'FORBIDDEN', detail: /was not given the scope fetch/ });

  const inForm = await ask({ ...grant, client_id: id, client_secret: secret, scope: 'watch' });
  t.match(await inForm.json(), { scope: 'watch' });
  const { events } = hub.audit.find({ user: 'ris' }, { limit: 1, offset: 0 });
  t.match(events, [{ event: 'sign-in', what: 'POST /oauth/token', role: 'clinician', code: null }]);

  const key = await generateKeyPair('ES256');
  const keys = JSON.stringify({ keys: [await exportJWK(key.publicKey)] });
  const signer = hub.access.machines.addClient({ name: 's', role: 'fleet', trust: null }, keys).id;
  const assertion = await new SignJWT({ jti: '1', sub: signer })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer(signer)
    .setAudience(`${hub.url}/oauth/token`)
    .setExpirationTime('1m')
    .sign(key.privateKey);
  const proof = {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  };
  t.match(await (await ask({ ...grant, ...proof })).json(), { scope: /fleet/ });
  t.equal((await ask({ ...grant, ...proof })).status, 401, 'a second time');

  const cases: [Record<string, string>, Record<string, string>, number, string][] = [
    [{ ...grant, client_assertion: assertion }, {}, 401, 'invalid_client'],
    [{ ...grant, ...proof }, basic(secret), 401, 'invalid_client'],
    [grant, basic('wrong'), 401, 'invalid_client'],
    [grant, {}, 401, 'invalid_client'],
    [{ ...grant, client_id: id, client_secret: secret }, basic(secret), 401, 'invalid_client'],
    [{ ...grant, client_id: 'other' }, basic(secret), 401, 'invalid_client'],
    [{ grant_type: 'password' }, basic(secret), 400, 'unsupported_grant_type'],
    [{ ...grant, scope: 'fleet' }, basic(secret), 400, 'invalid_scope'],
  ];
  for (const [form, headers, status, error] of cases) {
    const no = await ask(form, headers);
    t.equal(no.status, status);
    t.match(await no.json(), { error, error_description: String });
    if (status === 401) t.match(no.headers.get('www-authenticate'), /^Basic /);
  }
  const described = await hub.get('/.well-known/oauth-authorization-server');
  t.match(await described.json(), { token_endpoint: /\/oauth\/token$/ });
});

t.test('too many tries at one account or client wait, others do not', async (t) => {
  const { hub, browser } = await start(t);
  const form = { name: 'Ada', password: 'x', code: '000000' };
  // Twenty a minute; the fifth wrong one makes the account itself wait already.
  const statuses = [];
  for (let i = 0; i < 21; i += 1) statuses.push((await browser.post('/sign-in', form)).status);
  t.same(statuses, [...Array(5).fill(422), ...Array(16).fill(429)]);
  const answer = await browser.post('/sign-in', form, { accept: 'application/json' });
  t.match(await answer.json(), { code: 'TOO_MANY_TRIES' });
  t.ok(Number(answer.headers.get('retry-after')) > 0);
  t.equal((await browser.post('/sign-in', { ...form, name: 'Ben' })).status, 422);
  const client = hub.access.machines.addClient({ name: 'ris', role: 'booker', trust: null });
  const ask = (id: string) =>
    browser.post('/oauth/token', {
      ...{ grant_type: 'client_credentials', client_id: id, client_secret: client.secret },
    });
  for (let i = 0; i < 20; i += 1) await ask('guessed');
  t.equal((await ask('guessed')).status, 429);
  t.equal((await ask(client.id)).status, 200);
  for (let i = 0; i < 80; i += 1) await ask(`id-${i}`);
  t.equal((await ask(client.id)).status, 429, 'the address as a whole');
});

t.test('where people sign in elsewhere, neither links nor passwords work here', async (t) => {
  const oidc = { name: 'NHS CIS2', issuer: 'https://idp.example', clientId: 'c', roleClaim: 'r' };
  const { hub, browser } = await start(t, { signIn: { local: false, oidc } });
  const link = hub.access.invite(ADA);
  t.equal((await browser.get(`/sign-in/${link}`)).status, 410);
  t.equal((await browser.post(`/sign-in/${link}`)).status, 410);
  t.equal(browser.cookie, '');
  t.equal((await browser.post('/sign-in', { name: 'a', password: 'b', code: 'c' })).status, 404);
  const page = await (await browser.get('/sign-in')).text();
  t.match(page, /Sign in with NHS CIS2/);
  t.notMatch(page, /name="password"/);
});

t.test('the address of a forwarded request is believed of a trusted proxy only', async (t) => {
  const forwarded = { 'x-forwarded-for': '198.51.100.7' };
  const addressWith = async (config: object): Promise<string | null | undefined> => {
    const { hub, browser } = await start(t, config);
    await browser.post('/sign-in', { name: 'a', password: 'b', code: '123456' }, forwarded);
    return hub.audit.find({}, { limit: 1, offset: 0 }).events[0]?.address;
  };
  t.equal(await addressWith({}), '127.0.0.1');
  t.equal(await addressWith({ http: { port: 0, trustedProxies: ['127.0.0.1'] } }), '198.51.100.7');
  t.equal(await addressWith({ http: { port: 0, trustedProxies: ['10.1.0.0/16'] } }), '127.0.0.1');
});
