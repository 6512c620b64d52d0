/**
 * An OpenID provider that is taken over, or broken: signs with its own good keys whatever the test says. What a
 * well-made one (identity-provider.ts) can't be brought to do.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export interface Lies {
  /** Of the ID token; undefined: left out. */
  readonly claims?: Record<string, unknown>;
  /** `stranger`: signed by a key that it does not publish; `none`: not at all. */
  readonly signature?: 'stranger' | 'none';
  readonly metadata?: Record<string, unknown>;
  /** Parameters of the return; undefined: left out. */
  readonly back?: Record<string, string | undefined>;
  readonly userInfo?: Record<string, unknown>;
  /** Status that the token endpoint answers with. */
  readonly tokenStatus?: number;
}

export interface LyingProvider {
  readonly issuer: string;
  lies: Lies;
  stop(): Promise<void>;
}

export async function startLyingProvider(honest: Record<string, unknown>): Promise<LyingProvider> {
  const [own, stranger] = [await generateKeyPair('RS256'), await generateKeyPair('RS256')];
  const publicKey = { ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' };
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
  const provider: LyingProvider = {
    ...{ issuer, lies: {} },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  async function answer(
    request: IncomingMessage,
  ): Promise<{ status?: number; location?: string; body?: unknown }> {
    const url = new URL(request.url ?? '/', issuer);
    const { lies } = provider;
    switch (url.pathname) {
      case '/.well-known/openid-configuration':
        return { body: { ...METADATA(issuer), ...lies.metadata } };
      case '/jwks':
        return { body: { keys: [publicKey] } };
      case '/authorize': {
        nonce = url.searchParams.get('nonce') ?? '';
        const back = new URL(url.searchParams.get('redirect_uri') ?? issuer);
        const told = { code: 'c', state: url.searchParams.get('state') ?? '', iss: issuer };
        for (const [name, value] of Object.entries({ ...told, ...lies.back }))
          if (value !== undefined) back.searchParams.set(name, value);
        return { status: 303, location: back.href };
      }
      case '/token':
        return {
          status: lies.tokenStatus ?? 200,
          body: { access_token: 'a', token_type: 'Bearer', id_token: await idToken() },
        };
      case '/userinfo':
        return { body: { sub: 'u1', ...lies.userInfo } };
      default:
        return { status: 404 };
    }
  }

  async function idToken(): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      ...{ iss: issuer, aud: 'cdip', sub: 'u1', nonce, iat: now, exp: now + 300, auth_time: now },
      ...{ ...honest, ...provider.lies.claims },
    };
    const payload = JSON.parse(JSON.stringify(claims)) as JWTPayload;
    if (provider.lies.signature === 'none') {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      return `${part({ alg: 'none' })}.${part(payload)}.`;
    }
    const key = provider.lies.signature === 'stranger' ? stranger : own;
    return new SignJWT(payload)
      .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
      .sign(key.privateKey);
  }
  return provider;
}

const METADATA = (issuer: string): Record<string, unknown> => ({
  ...{ issuer, authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` },
  ...{ jwks_uri: `${issuer}/jwks`, userinfo_endpoint: `${issuer}/userinfo` },
  ...{ response_types_supported: ['code'], subject_types_supported: ['public'] },
  ...{ id_token_signing_alg_values_supported: ['RS256'], scopes_supported: ['openid'] },
  authorization_response_iss_parameter_supported: true,
});
