/** A hub that leads to an identity provider, and a browser that goes there and back. */
import type { Test } from 'tap';
import { IdentityProvider } from '../../hub/access/oidc-provider.ts';
import { type OidcConfig, SignInSchema } from '../../hub/config-sign-in.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLog } from '../../shared/log.ts';
import { type FakeHub, startFakeHub } from '../unit/hub/http/fake-hub.ts';

const TRUSTS = ['RRK', 'RJE', 'RXK'];
const OIDC = {
  ...{ name: 'NHS CIS2', clientId: 'cdip', roleClaim: 'roles', userClaim: 'sub' },
  roles: { R5080: 'radiologist', R8000: 'clinician' },
  ...{ acrValues: 'AAL2_OR_AAL3_ANY', stepUpAcrValues: 'AAL3_ANY', leastAssurance: 2 },
};
export type Tap = Pick<Test, 'teardown'>;

export interface World {
  readonly hub: FakeHub;
  readonly clock: { aheadMs: number };
  /** Points the hub at a provider, as a start with that configuration does. */
  use(issuer: string, more?: object): void;
}

export async function startHub(t: Tap): Promise<World> {
  const clock = { aheadMs: 0 };
  let provider: IdentityProvider | undefined;
  const now = (): IdentityProvider => provider as IdentityProvider;
  const hub = await startFakeHub({
    principals: new Map(),
    config: { signIn: { oidc: { ...OIDC, issuer: 'https://idp.example' } } },
    provider: {
      begin: (given) => now().begin(given),
      finish: (ticket, query) => now().finish(ticket, query),
      signOutUrl: (backTo) => now().signOutUrl(backTo),
      readLogout: (token) => now().readLogout(token),
    },
  });
  t.teardown(() => hub.stop());
  return {
    ...{ hub, clock },
    use(issuer, more = {}) {
      const { oidc } = SignInSchema.parse({ oidc: { ...OIDC, issuer, ...more } });
      provider = new IdentityProvider({
        ...{ config: oidc as OidcConfig, trusts: TRUSTS, log: silentLog },
        clock: { ...systemClock, now: () => Date.now() + clock.aheadMs },
      });
    },
  };
}

/** Follows redirects over both sites, with a jar for each. */
export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();
  /** Every address that was asked for. */
  readonly went: string[] = [];

  async go(
    address: string,
    method = 'GET',
    form?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; url: URL; page: string }> {
    let url = new URL(address);
    let verb = method;
    for (let hops = 0; hops < 12; hops += 1) {
      this.went.push(url.href);
      const headers = { cookie: this.#cookies(url), 'sec-fetch-site': 'same-origin' };
      const body = verb === 'GET' ? null : new URLSearchParams(form);
      const answer = await fetch(url, { method: verb, headers, redirect: 'manual', body });
      this.#keep(url, answer);
      const location = answer.headers.get('location');
      if (location === null) return { status: answer.status, url, page: await answer.text() };
      url = new URL(location, url);
      verb = 'GET';
    }
    throw new Error('it goes round in circles');
  }

  cookie(hub: FakeHub, name: string): string | undefined {
    return this.#jars.get(new URL(hub.url).host)?.get(name);
  }

  /** Signed out there. */
  forget(site: string): void {
    this.#jars.delete(new URL(site).host);
  }

  #cookies(url: URL): string {
    const jar = this.#jars.get(url.host) ?? new Map<string, string>();
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  #keep(url: URL, answer: Response): void {
    const jar = this.#jars.get(url.host) ?? new Map<string, string>();
    this.#jars.set(url.host, jar);
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      if (value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(one)) jar.delete(name);
      else jar.set(name, value);
    }
  }
}

export const principalOf = (hub: FakeHub, browser: Browser) =>
  hub.access.authenticate({ session: browser.cookie(hub, 'cdip-session') ?? '' });
export const newest = ({ audit }: FakeHub) => audit.find({}, { limit: 1, offset: 0 }).events[0];

/** The address that the provider sends the browser back to, not yet gone to. */
export async function stopBefore(browser: Browser, hub: FakeHub): Promise<string> {
  const real = globalThis.fetch;
  let found = '';
  globalThis.fetch = async (input, init) => {
    const url = String(input);
    if (!url.includes('/callback?')) return real(input, init);
    found = url;
    return new Response('');
  };
  try {
    await browser.go(`${hub.url}/sign-in/oidc`);
  } finally {
    globalThis.fetch = real;
  }
  return found;
}
