/**
 * An OpenID provider that is taken over, or broken: signs with its own good keys whatever the test says. What a
 * well-made one (identity-provider.ts) can't be brought to do.
 */
import { createHmac, type webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

export interface Lies {
  /** Of the ID token; undefined: left out. */
  readonly claims?: Record<string, unknown>;
  /** `stranger`: signed by a key that it does not publish; `none`: not at all; `public`: HS256 with the published key. */
  readonly signature?: 'stranger' | 'none' | 'public';
  /** Of the ID token's header. */
  readonly header?: Record<string, unknown>;
  /** An ID token of another time. */
  readonly idToken?: string;
  /** Published beside its own key. */
  readonly moreKeys?: readonly JWK[];
  /** In place of its own key. */
  readonly keys?: readonly JWK[];
  readonly metadata?: Record<string, unknown>;
  /** Parameters of the return; undefined: left out. */
  readonly back?: Record<string, string | undefined>;
  readonly userInfo?: Record<string, unknown>;
  /** Status that an endpoint answers with, by its path. */
  readonly status?: Readonly<Record<string, number>>;
}

export interface LyingProvider {
  readonly issuer: string;
  lies: Lies;
  /** The ID token that it gave last. */
  readonly given: string;
  /** Of the key that it signs as a stranger with. */
  readonly strangerKey: JWK;
  /** Paths that were asked for. */
  readonly asked: string[];
  stop(): Promise<void>;
}

interface Keys {
  readonly own: webcrypto.CryptoKeyPair;
  readonly stranger: webcrypto.CryptoKeyPair;
}

export async function startLyingProvider(honest: Record<string, unknown>): Promise<LyingProvider> {
  const keys = {
    own: await generateKeyPair('RS256'),
    stranger: await generateKeyPair('RS256'),
  };
  const published = async (key: webcrypto.CryptoKey): Promise<JWK> => ({
    ...{ ...(await exportJWK(key)), alg: 'RS256', use: 'sig' },
  });
  const publicKey = { ...(await published(keys.own.publicKey)), kid: 'k1' };
  let nonce = '';
  const server = createServer((request, response) => {
    void answer(request).then(({ status = 200, location, body }) => {
      const headers = location === undefined ? {} : { location };
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body ?? {}));
    });
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as { port: number }).port}`;
  const provider = {
    ...{ issuer, lies: {} as Lies, given: '', asked: [] as string[] },
    strangerKey: await published(keys.stranger.publicKey),
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const tokens: Record<string, () => Promise<unknown> | unknown> = {
    '/.well-known/openid-configuration': () => ({ ...METADATA(issuer), ...provider.lies.metadata }),
    '/jwks': () => {
      const { keys: instead = [publicKey], moreKeys = [] } = provider.lies;
      return { keys: [...instead, ...moreKeys] };
    },
    '/token': async () => {
      provider.given =
        provider.lies.idToken ?? (await idToken({ issuer, nonce, honest }, provider.lies, keys));
      return { access_token: 'a', token_type: 'Bearer', id_token: provider.given };
    },
    '/userinfo': () => ({ sub: 'u1', ...provider.lies.userInfo }),
  };

  async function answer(
    request: IncomingMessage,
  ): Promise<{ status?: number; location?: string; body?: unknown }> {
    const url = new URL(request.url ?? '/', issuer);
    const { pathname, searchParams } = url;
    provider.asked.push(pathname);
    if (pathname !== '/authorize') {
      const body = await tokens[pathname]?.();
      return { status: provider.lies.status?.[pathname] ?? (body === undefined ? 404 : 200), body };
    }
    nonce = searchParams.get('nonce') ?? '';
    const back = new URL(searchParams.get('redirect_uri') ?? issuer);
    const told = { code: 'c', state: searchParams.get('state') ?? '', iss: issuer };
    for (const [name, value] of Object.entries({ ...told, ...provider.lies.back }))
      if (value !== undefined) back.searchParams.set(name, value);
    return { status: 303, location: back.href };
  }
  return provider;
}

async function idToken(
  { issuer, nonce, honest }: { issuer: string; nonce: string; honest: Record<string, unknown> },
  { claims: told, signature, header }: Lies,
  { own, stranger }: Keys,
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: issuer, aud: 'cdip', sub: 'u1', nonce, iat: now, exp: now + 300, auth_time: now },
    ...{ ...honest, ...told },
  };
  const payload = JSON.parse(JSON.stringify(claims)) as JWTPayload;
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  if (signature === 'none') return `${part({ alg: 'none' })}.${part(payload)}.`;
  if (signature === 'public') {
    const signed = `${part({ alg: 'HS256', kid: 'k1', ...header })}.${part(payload)}`;
    const pem = await exportSPKI(own.publicKey);
    return `${signed}.${createHmac('sha256', pem).update(signed).digest('base64url')}`;
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'RS256', kid: 'k1', ...header })
    .sign((signature === 'stranger' ? stranger : own).privateKey, { crit: { x: true } });
}

const METADATA = (issuer: string): Record<string, unknown> => ({
  ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
  ...{ jwks_uri: `${issuer}/jwks`, userinfo_endpoint: `${issuer}/userinfo` },
  ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
  ...{ id_token_signing_alg_values_supported: ['RS256'], scopes_supported: ['openid'] },
  authorization_response_iss_parameter_supported: true,
});
