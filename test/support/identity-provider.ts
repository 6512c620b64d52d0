/**
 * A real OpenID provider (oidc-provider) on this machine, whose people sign in without being asked: who, and by
 * what, is what the test says. On `localhost`, so that to a browser it is another site than a hub on 127.0.0.1.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider, { type Configuration } from 'oidc-provider';

export interface SignsIn {
  /** `sub`. */
  user: string;
  /** Beside `sub`. */
  claims: Record<string, unknown>;
  /** Absent: as it was asked for. */
  acr?: string;
  amr?: string[];
}

export interface RunningProvider {
  readonly issuer: string;
  /** Changed by the test. */
  who: SignsIn;
  /** Authorisation requests that came, oldest first. */
  readonly asked: Record<string, unknown>[];
  /** Logout tokens that it sent, oldest first. */
  readonly told: string[];
  /** Takes other keys; those before are gone. */
  rotateKeys(): Promise<void>;
  stop(): Promise<void>;
}

export async function startIdentityProvider(options: {
  redirectUri: string;
  clients: Configuration['clients'];
  who: SignsIn;
  idTokenSeconds?: number;
  /** It tells `acr`, `amr` and `auth_time` to who asks for them (OIDC Core §5.5). */
  isAskedForClaims?: boolean;
}): Promise<RunningProvider> {
  let handler: (request: IncomingMessage, response: ServerResponse) => void = () => {};
  const server: Server = createServer((request, response) => handler(request, response));
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const issuer = `http://localhost:${(server.address() as { port: number }).port}`;
  const running: RunningProvider = {
    ...{ issuer, who: options.who, asked: [], told: [] },
    async rotateKeys() {
      const key = await newKey();
      handler = open(running, { ...options, key });
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  await running.rotateKeys();
  return running;
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: String(Math.random()) };
}

function open(
  running: RunningProvider,
  options: {
    clients: Configuration['clients'];
    key: JWK;
    idTokenSeconds?: number;
    isAskedForClaims?: boolean;
  },
): (request: IncomingMessage, response: ServerResponse) => void {
  const provider = new Provider(running.issuer, {
    clients: options.clients ?? [],
    jwks: { keys: [options.key as never] },
    cookies: { keys: ['a word of the test'] },
    pkce: { required: () => true },
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'RS512'] },
    acrValues: ['AAL1_USERPASS', 'AAL2_OR_AAL3_ANY', 'AAL3_ANY'],
    claims: {
      ...{ openid: ['sub', 'roles', 'trust'], profile: ['name'] },
      ...{ acr: null, amr: null, auth_time: null },
    },
    ttl: { IdToken: options.idTokenSeconds ?? 3600, Interaction: 600, Session: 3600, Grant: 3600 },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: options.isAskedForClaims === true },
    },
    async fetch(url, request) {
      const token = new URLSearchParams(String(request?.body ?? '')).get('logout_token');
      if (token !== null) running.told.push(token);
      // Its own dispatcher reaches nothing on this machine.
      const { dispatcher: _, ...plain } = { dispatcher: undefined, ...request };
      return fetch(url, plain);
    },
    findAccount: async (_context, user) => ({
      accountId: user,
      claims: async () => ({ sub: user, ...running.who.claims }),
    }),
    // Nobody is asked whether the hub may know who they are.
    async loadExistingGrant({ oidc }) {
      const { client, session } = oidc;
      const grant = new provider.Grant({
        ...{ clientId: client?.clientId ?? '', accountId: session?.accountId ?? '' },
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  const callback = provider.callback();
  return (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) {
      void callback(request, response);
      return;
    }
    void provider.interactionDetails(request, response).then(({ params }) => {
      running.asked.push(params);
      const { user, acr = String(params['acr_values'] ?? ''), amr = ['pwd', 'mfa'] } = running.who;
      const login = { accountId: user, amr, ...(acr === '' ? {} : { acr }) };
      return provider.interactionFinished(request, response, { login });
    });
  };
}
