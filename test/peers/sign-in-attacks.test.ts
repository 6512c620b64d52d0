/**
 * What a hostile identity provider, or whoever stands between it and a browser, tries: each ends on a page that says what
 * to do, as a refusal in the trail, and without a session. OpenID Connect Core §3.1.3.7, RFC 9700, RFC 8725.
 */
import t, { type Test } from 'tap';
import { type Lies, startLyingProvider } from '../support/lying-provider.ts';
import {
  Browser,
  newest,
  principalOf,
  startHub,
  stopBefore,
  type Tap,
} from '../support/sign-in-world.ts';

const HONEST = { name: 'Ada', roles: 'R5080', trust: 'RJE', acr: 'AAL2_OR_AAL3_ANY' };
const now = (): number => Math.floor(Date.now() / 1000);

async function startWorld(t: Tap) {
  const world = await startHub(t);
  const provider = await startLyingProvider(HONEST);
  const other = await startLyingProvider(HONEST);
  for (const one of [provider, other]) t.teardown(() => one.stop());
  const { hub } = world;
  /** A sign-in of a new browser, with these lies. */
  const tell = async (lies: Lies, path = '/sign-in/oidc', browser = new Browser()) => {
    provider.lies = lies;
    world.use(provider.issuer);
    const end = await browser.go(hub.url + path);
    return { ...end, browser };
  };
  return { ...world, provider, other, tell };
}

type World = Awaited<ReturnType<typeof startWorld>>;

async function refuses(
  t: Test,
  { hub }: World,
  { what, code, end }: { what: string; code: string; end: Awaited<ReturnType<World['tell']>> },
): Promise<void> {
  t.match(end.page, new RegExp(code), what);
  t.match(end.page, /Sign in|Try again|Tell whoever|Ask your/, `${what}: what to do`);
  t.equal(end.status, code === 'OIDC_UNREACHABLE' ? 503 : 422, what);
  t.equal(end.browser.cookie(hub, 'cdip-session'), undefined, `${what}: no session`);
  t.match(newest(hub), { event: 'sign-in', outcome: 8, code, user: '' }, `${what}: in the trail`);
}

t.test('a token that is signed otherwise than by the published key signs nobody in', async (t) => {
  const world = await startWorld(t);
  const { provider, other, tell } = world;
  other.lies = { keys: [{ ...provider.strangerKey, kid: 'k1' }] };
  const before = other.asked.length;
  const elsewhere = `${other.issuer}/jwks`;
  const stranger = { ...provider.strangerKey, kid: 'k2' };
  const cases: [string, Lies][] = [
    ['HS256 with the public key for a secret', { signature: 'public' }],
    [
      'HS256 where it says so itself',
      {
        signature: 'public',
        metadata: { id_token_signing_alg_values_supported: ['RS256', 'HS256'] },
      },
    ],
    [
      'none where it says so itself',
      {
        signature: 'none',
        metadata: { id_token_signing_alg_values_supported: ['RS256', 'none'] },
      },
    ],
    ['a key set of somebody else', { signature: 'stranger', header: { jku: elsewhere } }],
    ['a certificate of somebody else', { signature: 'stranger', header: { x5u: elsewhere } }],
    ['a key in the token itself', { signature: 'stranger', header: { jwk: provider.strangerKey } }],
    ['the name of another of its keys', { header: { kid: 'k2' }, moreKeys: [stranger] }],
    ['a name that no key has', { header: { kid: '../../etc/passwd' } }],
    ['a header that has to be understood', { header: { crit: ['x'], x: 1 } }],
    ['a key that it withdrew', { keys: [stranger] }],
  ];
  for (const [what, lies] of cases)
    await refuses(t, world, { what, code: 'OIDC_ANSWER', end: await tell(lies) });
  t.equal(other.asked.length, before, 'no address out of a token is asked');
  const end = await tell({ header: { jku: elsewhere, x5u: elsewhere } });
  t.match(principalOf(world.hub, end.browser), { name: 'Ada (u1)' }, 'they do not count at all');
});

t.test('what a token says is taken for this sign-in, of now, of this person only', async (t) => {
  const world = await startWorld(t);
  const { provider, other, tell } = world;
  await tell({});
  const used = provider.given;
  const cases: [string, Lies, string][] = [
    ['the token of an earlier sign-in', { idToken: used }, 'OIDC_ANSWER'],
    ['no token at all', { idToken: '' }, 'OIDC_ANSWER'],
    ['a token that is none', { idToken: 'a.b.c' }, 'OIDC_ANSWER'],
    ['one client, and authorised for another', { claims: { azp: 'x' } }, 'OIDC_ANSWER'],
    ['issued in the future', { claims: { iat: now() + 600, exp: now() + 900 } }, 'OIDC_CLOCK'],
    ['signed in in the future', { claims: { auth_time: now() + 3_600 } }, 'OIDC_CLOCK'],
    ['a time that is none', { claims: { auth_time: 'today' } }, 'OIDC_ANSWER'],
    ['not yet to be used', { claims: { nbf: now() + 600 } }, 'OIDC_CLOCK'],
    ['an end that is no number', { claims: { exp: 'never' } }, 'OIDC_ANSWER'],
    ['without a person', { claims: { sub: undefined } }, 'OIDC_ANSWER'],
    ['a person without a name there', { userInfo: { sub: undefined } }, 'OIDC_ANSWER'],
    ['issued by both', { back: { iss: other.issuer } }, 'OIDC_ANSWER'],
    [
      'a token endpoint of another',
      { metadata: { token_endpoint: `${other.issuer}/token` } },
      'OIDC_ANSWER',
    ],
    [
      'a role that only the userinfo raises',
      {
        claims: { roles: 'nothing' },
        userInfo: { roles: 'R5080' },
      },
      'OIDC_ROLE',
    ],
    [
      'a trust that only the userinfo changes',
      {
        claims: { trust: 'X99' },
        userInfo: { trust: 'RJE' },
      },
      'OIDC_TRUST',
    ],
  ];
  for (const [what, lies, code] of cases)
    await refuses(t, world, { what, code, end: await tell(lies) });
});

t.test('a provider that fails half-way signs nobody in', async (t) => {
  const world = await startWorld(t);
  for (const status of [{ '/userinfo': 503 }, { '/jwks': 503 }, { '/token': 500 }])
    await refuses(t, world, {
      ...{
        what: JSON.stringify(status),
        code: 'OIDC_UNREACHABLE',
        end: await world.tell({ status }),
      },
    });
  const words = { error: 'access_denied', error_description: '<script>alert(1)</script>' };
  const { page } = await world.tell({ back: { code: undefined, ...words } });
  t.match(page, /OIDC_REFUSED/);
  t.notMatch(page, /alert\(1\)/, 'what it says is not shown');
});

t.test('a return of another browser, or with more than one word, signs nobody in', async (t) => {
  const world = await startWorld(t);
  const { hub, provider } = world;
  world.use(provider.issuer);
  const bring = async (change: (own: URL, others: URL) => void) => {
    const [victim, thief] = [new Browser(), new Browser()];
    const others = new URL(await stopBefore(thief, hub));
    const own = new URL(await stopBefore(victim, hub));
    change(own, others);
    const end = await victim.go(own.href);
    return { ...end, browser: victim };
  };
  const cases: [string, (own: URL, others: URL) => void][] = [
    [
      'all of the other return',
      (own, others) => {
        own.search = others.search;
      },
    ],
    ['two codes', (own) => own.searchParams.append('code', 'other')],
    ['two states', (own) => own.searchParams.append('state', 'other')],
    ['an answer as a token', (own) => own.searchParams.set('response', 'a.b.c')],
    ['a code and an error', (own) => own.searchParams.set('error', 'access_denied')],
  ];
  for (const [what, change] of cases) {
    const end = await bring(change);
    t.match(end.page, /OIDC_(ANSWER|REFUSED)/, what);
    t.equal(end.browser.cookie(hub, 'cdip-session'), undefined, what);
  }
});

t.test(
  'keys that are changed twice between two sign-ins count, those before no more',
  async (t) => {
    const world = await startWorld(t);
    const { hub, provider, tell } = world;
    const first = { ...provider.strangerKey, kid: 'n1' };
    t.ok(principalOf(hub, (await tell({})).browser));
    const rotated = { keys: [first], signature: 'stranger', header: { kid: 'n1' } } as const;
    t.ok(principalOf(hub, (await tell(rotated)).browser), 'the new one at once');
    await refuses(t, world, {
      what: 'old',
      code: 'OIDC_ANSWER',
      end: await tell({ keys: [first] }),
    });
    t.ok(principalOf(hub, (await tell({})).browser), 'and again');
    const late = await tell({ signature: 'stranger', header: { kid: 'n1' } });
    await refuses(t, world, { what: 'the second', code: 'OIDC_ANSWER', end: late });
  },
);

t.test('the way goes back to this hub alone, whatever the address says', async (t) => {
  const world = await startWorld(t);
  const { hub, provider, tell } = world;
  for (const next of [
    ...['//evil.example', 'https://evil.example', '/\\evil.example', '/%09/evil.example'],
    ...['\\\\evil.example', 'javascript:alert(1)', '/.//evil.example', '/a/..//evil.example'],
  ]) {
    const { page, browser } = await tell({}, `/sign-in/oidc?next=${encodeURIComponent(next)}`);
    t.ok(principalOf(hub, browser));
    const to = /http-equiv="refresh" content="[^"]*url=([^"]*)"/i.exec(page)?.[1] ?? '';
    t.equal(new URL(to, hub.url).origin, new URL(hub.url).origin, `${next} → ${to}`);
  }
  world.use(provider.issuer);
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example' };
  const begun = await fetch(`${hub.url}/sign-in/oidc`, { redirect: 'manual', headers });
  const there = new URL(begun.headers.get('location') ?? '');
  t.equal(new URL(there.searchParams.get('redirect_uri') ?? '').origin, new URL(hub.url).origin);
  t.equal(there.searchParams.get('code_challenge_method'), 'S256');
});
