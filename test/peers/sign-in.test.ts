/** Signing in at an OpenID provider: a real one (oidc-provider), and one that lies. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import t from 'tap';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { type SignsIn, startIdentityProvider } from '../support/identity-provider.ts';
import { type Lies, startLyingProvider } from '../support/lying-provider.ts';
import { missingPeer } from '../support/missing-peer.ts';
import {
  Browser,
  newest,
  principalOf,
  startHub,
  stopBefore,
  type Tap,
} from '../support/sign-in-world.ts';
import type { FakeHub } from '../unit/hub/http/fake-hub.ts';

const MINUTE = 60_000;
const ADA = { name: 'Ada Okafor', roles: ['R5080'], trust: 'RJE' };
const PERSON = 'Ada Okafor (555036632103)';
async function startReal(
  t: Tap,
  more: { idTokenSeconds?: number; isAskedForClaims?: boolean; config?: object } = {},
) {
  const world = await startHub(t);
  const redirectUri = `${world.hub.url}/sign-in/oidc/callback`;
  const who: SignsIn = { user: '555036632103', claims: { ...ADA } };
  const provider = await startIdentityProvider({
    ...{ redirectUri, who, ...more },
    clients: [client({ token_endpoint_auth_method: 'none' }, world.hub)],
  });
  t.teardown(() => provider.stop());
  world.use(provider.issuer, more.config);
  return { ...world, provider, browser: new Browser() };
}

const client = (more: object, hub: FakeHub) => ({
  ...{ client_id: 'cdip', redirect_uris: [`${hub.url}/sign-in/oidc/callback`] },
  ...{ grant_types: ['authorization_code'], response_types: ['code' as const] },
  backchannel_logout_uri: `${hub.url}/sign-in/oidc/back-channel-logout`,
  ...{ backchannel_logout_session_required: true, ...more },
});

t.test('a person signs in by code and PKCE, and is what the provider says', async (t) => {
  const { hub, provider, browser } = await startReal(t);
  const end = await browser.go(`${hub.url}/sign-in/oidc?next=/studies/1.2.3`);
  t.equal(end.status, 200, end.page);
  t.match(end.page, /url=\/studies\/1\.2\.3/, 'leads on to where one wanted to go');
  const principal = principalOf(hub, browser);
  t.match(principal, { name: PERSON, role: 'radiologist', trust: 'RJE', method: 'oidc' });
  t.equal(principal?.assurance, 2);
  t.ok(Math.abs((principal?.authenticatedAt ?? 0) - Date.now()) < MINUTE);
  t.match(provider.asked, [
    {
      ...{ code_challenge_method: 'S256', acr_values: 'AAL2_OR_AAL3_ANY', response_type: 'code' },
      ...{ nonce: String, state: String, code_challenge: /^[\w-]{43}$/ },
    },
  ]);
  t.match(newest(hub), { event: 'sign-in', user: PERSON, trust: 'RJE', code: null });
  t.notOk(browser.cookie(hub, 'cdip-oidc'), 'the cookie of the way back is gone');
  const signOut = await browser.go(`${hub.url}/sign-out`, 'POST');
  t.match(signOut.page, /sign out there too/);
});

t.test('a proof is given again, with the assurance that was asked for', async (t) => {
  const { hub, provider, browser } = await startReal(t);
  await browser.go(`${hub.url}/sign-in/oidc`);
  const before = browser.cookie(hub, 'cdip-session') ?? '';
  const first = principalOf(hub, browser);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const end = await browser.go(`${hub.url}/sign-in/confirm?next=/break-glass`);
  t.match(end.page, /url=\/break-glass/);
  t.match(provider.asked[1], { prompt: 'login', acr_values: 'AAL3_ANY' });
  const after = principalOf(hub, browser);
  t.equal(after?.assurance, 3);
  t.ok((after?.authenticatedAt ?? 0) > (first?.authenticatedAt ?? 0));
  t.equal(hub.access.authenticate({ session: before }), null, 'under another secret');

  provider.who = { user: '999', claims: { ...ADA, name: 'Ben' } };
  browser.forget(provider.issuer);
  const other = await browser.go(`${hub.url}/sign-in/confirm`);
  t.match(other.page, /somebody else signed in there/);
  t.match(newest(hub), { user: 'Ben (999)', code: 'OIDC_OTHER_PERSON', outcome: 8 });
  t.match(principalOf(hub, browser), { name: PERSON }, 'and nothing has changed');
  browser.forget(provider.issuer);
  provider.who = { user: '555036632103', claims: { ...ADA }, acr: 'AAL1_USERPASS', amr: [] };
  t.match((await browser.go(`${hub.url}/sign-in/confirm`)).page, /OIDC_ASSURANCE/);
  provider.who = { ...provider.who, acr: 'AAL2_OR_AAL3_ANY' };
  t.match(
    (await browser.go(`${hub.url}/sign-in/confirm`)).page,
    /url=\//,
    'as much as the rule asks',
  );
});

t.test('what is missing or not mapped is named on a page, and nobody is signed in', async (t) => {
  const { hub, provider } = await startReal(t);
  const cases: [Partial<SignsIn>, RegExp, string][] = [
    [
      { claims: { ...ADA, roles: undefined } },
      /did not tell &quot;roles&quot;/,
      'OIDC_CLAIM_MISSING',
    ],
    [{ claims: { ...ADA, name: ' ' } }, /did not tell &quot;name&quot;/, 'OIDC_CLAIM_MISSING'],
    [{ claims: { ...ADA, trust: undefined } }, /&quot;trust&quot;/, 'OIDC_CLAIM_MISSING'],
    [{ claims: { ...ADA, roles: ['R9999'] } }, /none of the roles/, 'OIDC_ROLE'],
    [{ claims: { ...ADA, roles: ['admin'] } }, /none of the roles/, 'OIDC_ROLE'],
    [{ claims: { ...ADA, trust: 'RXX' } }, /none of this network/, 'OIDC_TRUST'],
    [{ claims: { ...ADA, trust: 'network' } }, /none of this network/, 'OIDC_TRUST'],
    [{ acr: 'AAL1_USERPASS', amr: ['pwd'] }, /level 1 of assurance/, 'OIDC_ASSURANCE'],
  ];
  for (const [who, words, code] of cases) {
    provider.who = { user: '555036632103', claims: { ...ADA }, ...who };
    const browser = new Browser();
    const end = await browser.go(`${hub.url}/sign-in/oidc`);
    t.equal(end.status, 422, code);
    t.match(end.page, words);
    t.match(end.page, code);
    t.equal(browser.cookie(hub, 'cdip-session'), undefined);
    t.match(newest(hub), { event: 'sign-in', code, outcome: 8, user: '' });
  }
});

t.test('a provider that tells how one signed in only when it is asked', async (t) => {
  const config = { acrValues: undefined, stepUpAcrValues: undefined };
  const silent = await startReal(t, { config });
  const end = await silent.browser.go(`${silent.hub.url}/sign-in/oidc`);
  t.match(end.page, /did not tell how you signed in \(&quot;acr&quot;/);
  const { hub, browser } = await startReal(t, { config, isAskedForClaims: true });
  await browser.go(`${hub.url}/sign-in/oidc`);
  t.match(principalOf(hub, browser), { name: PERSON, assurance: 2 });
});

t.test('new keys of the provider count at once, the old ones no more', async (t) => {
  const { hub, provider, browser } = await startReal(t);
  await browser.go(`${hub.url}/sign-in/oidc`);
  t.ok(principalOf(hub, browser));
  await provider.rotateKeys();
  const again = new Browser();
  await again.go(`${hub.url}/sign-in/oidc`);
  t.match(principalOf(hub, again), { name: PERSON });
});

t.test('clocks may differ by half a minute, not by more', async (t) => {
  const { hub, clock, provider } = await startReal(t, { idTokenSeconds: 60 });
  t.ok(provider);
  for (const [aheadSeconds, isTaken] of [
    [80, true],
    [-25, true],
    [300, false],
    [-300, false],
  ] as const) {
    clock.aheadMs = aheadSeconds * 1_000;
    const browser = new Browser();
    const end = await browser.go(`${hub.url}/sign-in/oidc`);
    t.equal(principalOf(hub, browser) !== null, isTaken, `${aheadSeconds} s`);
    if (!isTaken) t.match(end.page, /OIDC_CLOCK/);
  }
});

t.test('a return works once, in the browser that began it, as it was sent', async (t) => {
  const { hub, browser } = await startReal(t);
  await browser.go(`${hub.url}/sign-in/oidc`);
  const back = browser.went.find((url) => url.includes('/callback?')) ?? '';
  t.match((await browser.go(back)).page, /OIDC_STATE/, 'again');
  t.match((await new Browser().go(back)).page, /OIDC_STATE/, 'in another browser');

  /** Begins in one browser, and brings there what `change` makes of a return that another one got. */
  const inject = async (change: (url: URL) => void): Promise<string> => {
    const [victim, thief] = [new Browser(), new Browser()];
    const returned = await stopBefore(thief, hub);
    const own = await stopBefore(victim, hub);
    const url = new URL(own);
    url.searchParams.set('code', new URL(returned).searchParams.get('code') ?? '');
    change(url);
    const end = await victim.go(url.href);
    t.equal(victim.cookie(hub, 'cdip-session'), undefined);
    return end.page;
  };
  t.match(await inject(() => {}), /OIDC_ANSWER/, "a code of somebody else's sign-in");
  t.match(await inject((url) => url.searchParams.set('state', 'x')), /OIDC_ANSWER/);
  t.match(await inject((url) => url.searchParams.delete('state')), /OIDC_ANSWER/);
  t.match(
    await inject((url) => url.searchParams.set('iss', 'https://evil.example')),
    /OIDC_ANSWER/,
  );
  t.match(await inject((url) => url.searchParams.delete('iss')), /OIDC_ANSWER/);
});

/** As a person does there; the provider asks whether it is meant. */
async function signOutThere(browser: Browser, issuer: string): Promise<void> {
  const { page } = await browser.go(`${issuer}/session/end?client_id=cdip`);
  const xsrf = /name="xsrf" value="([^"]+)"/.exec(page)?.[1] ?? '';
  await browser.go(`${issuer}/session/end/confirm`, 'POST', { xsrf, logout: 'yes' });
}

t.test('who signs out at the provider is signed out here at once, and nobody else', async (t) => {
  const { hub, provider, browser } = await startReal(t);
  await browser.go(`${hub.url}/sign-in/oidc`);
  const elsewhere = new Browser();
  await elsewhere.go(`${hub.url}/sign-in/oidc`);
  t.ok(principalOf(hub, browser) && principalOf(hub, elsewhere), 'at two screens');
  await signOutThere(browser, provider.issuer);
  t.equal(principalOf(hub, browser), null, 'where the sign-out was');
  t.match(principalOf(hub, elsewhere), { name: PERSON }, 'another session there goes on');
  t.match(newest(hub), { event: 'sign-out', user: PERSON, trust: 'RJE', code: null });
  t.equal(provider.told.length, 1);
  const token = provider.told[0] ?? '';
  const send = async (logout_token: string) => {
    const body = new URLSearchParams({ logout_token });
    const path = `${hub.url}/sign-in/oidc/back-channel-logout`;
    const answer = await fetch(path, { method: 'POST', body });
    return { status: answer.status, text: await answer.text() };
  };
  t.match(await send(token), { status: 400, text: /used/ }, 'a token counts once');
  for (const wrong of ['', 'none', `${token.slice(0, -6)}AAAAAA`])
    t.match(await send(wrong), { status: 400, text: /no logout token/ });
  await elsewhere.go(`${hub.url}/sign-in/confirm`);
  t.equal(principalOf(hub, elsewhere)?.assurance, 3);
  await signOutThere(elsewhere, provider.issuer);
  t.equal(principalOf(hub, elsewhere), null, 'also after a proof was given again');
});

t.test('a hub that shows a key instead of a secret', async (t) => {
  const world = await startHub(t);
  const { privateKey, publicKey } = await generateKeyPair('RS512', { extractable: true });
  const privateKeyFile = join(t.testdir({}), 'hub.key');
  writeFileSync(privateKeyFile, await exportPKCS8(privateKey));
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS512' }] };
  const method = {
    token_endpoint_auth_method: 'private_key_jwt' as const,
    token_endpoint_auth_signing_alg: 'RS512',
  };
  const provider = await startIdentityProvider({
    redirectUri: '',
    who: { user: '1', claims: { ...ADA } },
    clients: [client({ ...method, jwks }, world.hub)],
  });
  t.teardown(() => provider.stop());
  world.use(provider.issuer, { privateKeyFile, privateKeyAlgorithm: 'RS512', privateKeyId: 'k' });
  const browser = new Browser();
  await browser.go(`${world.hub.url}/sign-in/oidc`);
  t.match(principalOf(world.hub, browser), { name: 'Ada Okafor (1)' });
  world.use(provider.issuer, {});
  t.match((await new Browser().go(`${world.hub.url}/sign-in/oidc`)).page, /OIDC_SETUP/);
  world.use(provider.issuer, { clientSecretFile: '/nowhere' });
  t.match((await new Browser().go(`${world.hub.url}/sign-in/oidc`)).page, /can not be read/);
});

t.test('what a provider that lies can not bring about', async (t) => {
  const { hub, use } = await startHub(t);
  const honest = { name: 'Ada', roles: 'R5080', trust: 'RJE', acr: 'AAL2_OR_AAL3_ANY' };
  const provider = await startLyingProvider(honest);
  t.teardown(() => provider.stop());
  const other = await startLyingProvider(honest);
  t.teardown(() => other.stop());
  const now = Math.floor(Date.now() / 1000);
  const tell = async (lies: Lies, path = '/sign-in/oidc', browser = new Browser()) => {
    provider.lies = lies;
    use(provider.issuer);
    const end = await browser.go(hub.url + path);
    return { ...end, browser };
  };
  const true_ = await tell({});
  t.match(principalOf(hub, true_.browser), { name: 'Ada (u1)' }, 'the truth is taken');

  const cases: [string, Lies, RegExp][] = [
    ['for another client', { claims: { aud: 'another' } }, /OIDC_ANSWER/],
    [
      'for several, not authorised for this',
      { claims: { aud: ['cdip', 'x'], azp: 'x' } },
      /OIDC_ANSWER/,
    ],
    ['of another issuer', { claims: { iss: other.issuer } }, /OIDC_ANSWER/],
    ['of another sign-in', { claims: { nonce: 'of-another' } }, /OIDC_ANSWER/],
    ['without a nonce', { claims: { nonce: undefined } }, /OIDC_ANSWER/],
    ['without an end', { claims: { exp: undefined } }, /OIDC_ANSWER/],
    ['of the past', { claims: { exp: now - 120, iat: now - 600 } }, /OIDC_CLOCK/],
    ["signed by a stranger's key", { signature: 'stranger' }, /OIDC_ANSWER/],
    ['not signed', { signature: 'none' }, /OIDC_ANSWER/],
    ['of somebody else at the userinfo endpoint', { userInfo: { sub: 'u2' } }, /OIDC_ANSWER/],
    ['with the issuer of another', { back: { iss: other.issuer } }, /OIDC_ANSWER/],
    ['without an issuer', { back: { iss: undefined } }, /OIDC_ANSWER/],
    ['with metadata of another', { metadata: { issuer: other.issuer } }, /OIDC_ANSWER/],
    [
      'with a level at the userinfo endpoint only',
      {
        claims: { acr: 'AAL1_USERPASS' },
        userInfo: { acr: 'AAL3_ANY', authentication_assurance_level: '3' },
      },
      /OIDC_ASSURANCE/,
    ],
    ['that is refused', { back: { code: undefined, error: 'access_denied' } }, /OIDC_REFUSED/],
    ['that can not be had', { status: { '/token': 502 } }, /OIDC_UNREACHABLE/],
  ];
  for (const [what, lies, code] of cases) {
    const { page, browser, status } = await tell(lies);
    t.match(page, code, what);
    t.equal(status, /UNREACHABLE/.test(String(code)) ? 503 : 422, what);
    t.equal(browser.cookie(hub, 'cdip-session'), undefined, what);
  }

  const { browser } = await tell({});
  const stale = { claims: { auth_time: now - 200, acr: 'AAL3_ANY' } };
  const path = '/sign-in/oidc/confirm';
  t.match((await tell(stale, path, browser)).page, /did not ask you again/, 'an older proof');
  const none = { claims: { auth_time: undefined, acr: 'AAL3_ANY' } };
  t.match((await tell(none, path, browser)).page, /OIDC_ANSWER/, 'without its time');
  const low = { claims: { acr: 'AAL1_USERPASS' } };
  t.match((await tell(low, path, browser)).page, /OIDC_ASSURANCE/);
  t.match(principalOf(hub, browser), { assurance: 2 });
  await provider.stop();
  use(provider.issuer);
  const down = await new Browser().go(`${hub.url}/sign-in/oidc`);
  t.equal(down.status, 503);
  t.match(down.page, /Try again in a minute/);
});

t.test('in a browser, from another site and back', { skip: missingPeer('chromium') }, async (t) => {
  const { hub } = await startReal(t);
  const chromium = await openChromium();
  t.teardown(() => chromium.close());
  // Nothing here needs a script.
  const context = await chromium.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${hub.url}/account`);
  t.equal(new URL(page.url()).pathname, '/sign-in');
  await page.getByRole('button', { name: 'Sign in with NHS CIS2' }).click();
  await page.waitForURL(`${hub.url}/account`);
  t.match(await page.locator('h1').textContent(), 'Your account', 'the strict cookie came along');
  const cookies = await context.cookies(hub.url);
  t.match(cookies, [{ name: 'cdip-session', httpOnly: true, sameSite: 'Strict' }]);
  await page.goto(`${hub.url}/sign-in/confirm?next=/account`);
  await page.waitForURL(`${hub.url}/account`);
  t.strictSame(await page.getByText('your organisation’s account').count(), 1);
  const looking = await chromium.newContext({ storageState: await context.storageState() });
  const looked = await looking.newPage();
  for (const path of ['/sign-in', '/account']) {
    await looked.goto(hub.url + path);
    t.strictSame(await accessibilityFaults(looked), [], path);
  }
});
