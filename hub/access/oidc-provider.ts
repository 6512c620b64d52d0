/**
 * Signing in at an identity provider: OpenID Connect Core 1.0, authorisation code with PKCE (RFC 7636); the
 * issuer of each answer is checked (RFC 9207).
 *
 *   begin ─► browser goes to the provider ─► comes back with a code ─► finish ─► ID token checked ─► Identity
 *
 * A sign-in that was begun is finished once, in the browser that began it, within ten minutes. Its keys are asked
 * for anew each time, so that one that was withdrawn counts no more.
 */
import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, errors, importPKCS8, type JWTVerifyGetKey } from 'jose';
import * as client from 'openid-client';
import type { Clock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { OidcConfig } from '../config-sign-in.ts';
import { AccessError } from './access-error.ts';
import {
  isForClient,
  type Logout,
  LogoutTokenError,
  type ProviderSession,
  providerSessionOf,
  readLogoutToken,
} from './logout-token.ts';
import { type Identity, readIdentity } from './oidc-claims.ts';
import { CLOCKS_DIFFER, failureOf } from './oidc-failures.ts';
import { hashOf, secret } from './secrets.ts';
import type { StepUpRule } from './step-up.ts';

const PENDING_MS = 10 * 60_000;
/** Whoever begins sign-ins by the thousand pushes out the oldest, and fills nothing. */
const MOST_PENDING = 10_000;
const METADATA_MS = 3_600_000;
const ANSWER_SECONDS = 10;
const LOGOUT_KEYS_MS = 10_000;
/** What jose says of a token, not of the way to the keys. */
const TOKEN_FAULTS = /^ERR_(JWS|JWT|JOSE_(ALG|NOT)|JWKS_(NO_MATCHING|MULTIPLE))/;
/** Who proved at the provider who they are longer ago than a session lasts is asked there again. */
const LONGEST_PROOF_SECONDS = 12 * 3600;

/** What a sign-in is for; `confirm`: who has this session proves again who they are. */
export type Purpose =
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'confirm'; readonly session: string; readonly rule: StepUpRule };

interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly redirectUri: string;
  readonly beganAt: number;
  readonly purpose: Purpose;
  readonly next: string;
}

export interface Finished extends Identity {
  /** When the provider last saw a proof, in milliseconds; 0: it does not tell. */
  readonly authenticatedAt: number;
  /** As the provider will name it when it signs the person out. */
  readonly provider: ProviderSession;
  readonly purpose: Purpose;
  readonly next: string;
}

export interface ProviderParts {
  readonly config: OidcConfig;
  /** ODS codes of the network. */
  readonly trusts: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

export class IdentityProvider {
  readonly #parts: ProviderParts;
  readonly #pending = new Map<string, Pending>();
  #keys: { readonly address: string; readonly get: JWTVerifyGetKey } | undefined;
  #metadata: { readonly server: client.ServerMetadata; readonly at: number } | undefined;

  constructor(parts: ProviderParts) {
    this.#parts = parts;
  }

  /**
   * @param given.redirectUri this hub's, as the provider has it registered
   * @returns where the browser goes, and what it has to bring back in a cookie
   * @throws AccessError `OIDC_UNREACHABLE`, `OIDC_SETUP`
   */
  async begin(given: {
    redirectUri: string;
    purpose: Purpose;
    next: string;
  }): Promise<{ url: URL; ticket: string; seconds: number }> {
    const configuration = await this.#configuration();
    const ticket = secret();
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const claims = claimsWanted(this.#parts.config);
    const url = client.buildAuthorizationUrl(configuration, {
      ...{ redirect_uri: given.redirectUri, scope: this.#parts.config.scopes.join(' ') },
      ...{ state, nonce, code_challenge_method: 'S256' },
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      ...this.#asked(given.purpose),
      ...(configuration.serverMetadata().claims_parameter_supported === true ? { claims } : {}),
    });
    this.#keep(ticket, { ...given, state, nonce, verifier, beganAt: this.#parts.clock.now() });
    return { url, ticket, seconds: PENDING_MS / 1000 };
  }

  /**
   * @param ticket from the cookie
   * @param query of the address that the browser came back to, with its question mark
   * @throws AccessError one of those that begin with `OIDC_`
   */
  async finish(ticket: string | undefined, query: string): Promise<Finished> {
    const pending = this.#take(ticket);
    const configuration = await this.#configuration();
    const { purpose, next } = pending;
    try {
      const tokens = await client.authorizationCodeGrant(
        configuration,
        new URL(`${pending.redirectUri}${query}`),
        {
          ...{ expectedState: pending.state, expectedNonce: pending.nonce, idTokenExpected: true },
          pkceCodeVerifier: pending.verifier,
          ...(purpose.kind === 'confirm' ? { maxAge: purpose.rule.maxAgeSeconds } : {}),
        },
      );
      const signed = tokens.claims();
      if (signed === undefined) throw new AccessError('OIDC_ANSWER', 'no ID token came');
      this.#requireForUs(signed.azp);
      this.#requireNotOfTheFuture(signed.iat);
      if (typeof signed.auth_time === 'number') this.#requireNotOfTheFuture(signed.auth_time);
      const more = await this.#userInfo(configuration, tokens.access_token, signed.sub);
      const { config, trusts } = this.#parts;
      const identity = readIdentity({ signed, all: { ...more, ...signed } }, config, trusts);
      const authenticatedAt = Math.min((signed.auth_time ?? 0) * 1000, this.#parts.clock.now());
      if (purpose.kind === 'confirm') this.#requireFresh(authenticatedAt, pending.beganAt);
      const provider = providerSessionOf(signed);
      return { ...identity, authenticatedAt, provider, purpose, next };
    } catch (error) {
      throw this.#inOurWords(error);
    }
  }

  /**
   * Whom the provider signs out by itself.
   *
   * @param token as it sent it
   * @throws AccessError `OIDC_LOGOUT_TOKEN`, `OIDC_UNREACHABLE`
   */
  async readLogout(token: string): Promise<Logout> {
    const { config, clock } = this.#parts;
    // What is none at first sight does not make the hub ask the provider anything.
    if (!isForClient(token, config.clientId))
      throw this.#logoutRefused(new LogoutTokenError('it is for another client'));
    const { issuer, jwks_uri: keysAt } = await this.#server();
    if (keysAt === undefined) throw new AccessError('OIDC_SETUP', 'it publishes no keys');
    try {
      return await readLogoutToken(token, this.#keysFrom(keysAt), {
        ...{ issuer, clientId: config.clientId, now: clock.now() },
        toleranceSeconds: config.clockToleranceSeconds,
      });
    } catch (error) {
      throw this.#logoutRefused(error);
    }
  }

  /** Where somebody signs out of the provider too; null: it has no such place, or was not reached yet. */
  signOutUrl(backTo: string): string | null {
    const server = this.#metadata?.server;
    if (server?.end_session_endpoint === undefined) return null;
    const url = new URL(server.end_session_endpoint);
    url.searchParams.set('client_id', this.#parts.config.clientId);
    url.searchParams.set('post_logout_redirect_uri', backTo);
    return url.href;
  }

  /** Anybody may send a token: whatever comes, the provider is asked for keys every few seconds at most. */
  #keysFrom(address: string): JWTVerifyGetKey {
    if (this.#keys?.address !== address)
      this.#keys = {
        address,
        get: createRemoteJWKSet(new URL(address), {
          ...{ timeoutDuration: ANSWER_SECONDS * 1000, cacheMaxAge: LOGOUT_KEYS_MS },
          cooldownDuration: LOGOUT_KEYS_MS,
        }),
      };
    return this.#keys.get;
  }

  /** @throws what is neither the token's fault nor the provider's, but a bug */
  #logoutRefused(error: unknown): AccessError {
    if (error instanceof AccessError) return error;
    const reason = codeOf(error);
    const isToken = error instanceof LogoutTokenError || TOKEN_FAULTS.test(reason);
    const isKeys = error instanceof errors.JOSEError || error instanceof TypeError;
    if (!isToken && !isKeys) throw error;
    const code = isToken ? 'OIDC_LOGOUT_TOKEN' : 'OIDC_UNREACHABLE';
    this.#parts.log.warn('oidc.failed', { code, reason });
    const words = isToken ? 'it is no logout token of this provider for this hub' : 'no keys came';
    return new AccessError(code, words, { cause: error });
  }

  #asked(purpose: Purpose): Record<string, string> {
    const { acrValues, stepUpAcrValues } = this.#parts.config;
    // A provider that tells the time of the proof only when asked for an age tells it so.
    const age = { max_age: String(LONGEST_PROOF_SECONDS) };
    if (purpose.kind === 'sign-in')
      return acrValues === undefined ? age : { ...age, acr_values: acrValues };
    const acr = stepUpAcrValues ?? acrValues;
    return { prompt: 'login', max_age: '0', ...(acr === undefined ? {} : { acr_values: acr }) };
  }

  /** The library looks at it where there are several audiences. OpenID Connect Core §3.1.3.7, 5. */
  #requireForUs(authorisedParty: unknown): void {
    if (authorisedParty === undefined || authorisedParty === this.#parts.config.clientId) return;
    throw new AccessError('OIDC_ANSWER', 'what came back was given to another client');
  }

  /**
   * The library looks at the end of a token and the age of a proof alone: one of the future would live for longer.
   *
   * @param seconds since the epoch
   */
  #requireNotOfTheFuture(seconds: number): void {
    const { clock, config } = this.#parts;
    if (seconds <= clock.now() / 1000 + config.clockToleranceSeconds) return;
    throw new AccessError('OIDC_CLOCK', CLOCKS_DIFFER);
  }

  /** The proof was given after it was asked for: an older one, however good, is none. */
  #requireFresh(authenticatedAt: number, beganAt: number): void {
    const toleranceMs = this.#parts.config.clockToleranceSeconds * 1000;
    if (authenticatedAt + toleranceMs >= beganAt) return;
    throw new AccessError('OIDC_ASSURANCE', 'it did not ask you again who you are');
  }

  #keep(ticket: string, pending: Pending): void {
    this.#pending.set(hashOf(ticket), pending);
    const [oldest] = this.#pending.keys();
    if (this.#pending.size > MOST_PENDING && oldest !== undefined) this.#pending.delete(oldest);
  }

  /** Used up, whatever becomes of it. */
  #take(ticket: string | undefined): Pending {
    const key = hashOf(ticket ?? '');
    const pending = this.#pending.get(key);
    this.#pending.delete(key);
    if (pending !== undefined && pending.beganAt + PENDING_MS > this.#parts.clock.now())
      return pending;
    throw new AccessError(
      'OIDC_STATE',
      'this sign-in was not begun here, took longer than ten minutes, or was used',
    );
  }

  async #userInfo(
    configuration: client.Configuration,
    accessToken: string,
    subject: string,
  ): Promise<object> {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return client.fetchUserInfo(configuration, accessToken, subject);
  }

  /** A new one each time: it keeps the provider's keys for as long as it lives. */
  async #configuration(): Promise<client.Configuration> {
    const { config, clock } = this.#parts;
    const server = await this.#server();
    const configuration = new client.Configuration(
      server,
      config.clientId,
      {
        [client.clockTolerance]: config.clockToleranceSeconds,
        [client.clockSkew]: Math.round((clock.now() - Date.now()) / 1000),
      },
      await clientAuthentication(config),
    );
    this.#prepare(configuration);
    return configuration;
  }

  async #server(): Promise<client.ServerMetadata> {
    const now = this.#parts.clock.now();
    const kept = this.#metadata;
    if (kept !== undefined && kept.at + METADATA_MS > now) return kept.server;
    const { issuer, clientId } = this.#parts.config;
    try {
      const found = await client.discovery(new URL(issuer), clientId, undefined, client.None(), {
        ...{
          timeout: ANSWER_SECONDS,
          execute: this.#isPlain ? [client.allowInsecureRequests] : [],
        },
      });
      const server = found.serverMetadata();
      this.#metadata = { server, at: now };
      return server;
    } catch (error) {
      throw this.#inOurWords(error);
    }
  }

  #prepare(configuration: client.Configuration): void {
    configuration.timeout = ANSWER_SECONDS;
    client.enableNonRepudiationChecks(configuration);
    if (this.#isPlain) client.allowInsecureRequests(configuration);
  }

  /** The configuration allows http to this machine itself alone. */
  get #isPlain(): boolean {
    return this.#parts.config.issuer.startsWith('http:');
  }

  /** @throws what is no failure of a provider, but a bug */
  #inOurWords(error: unknown): AccessError {
    if (error instanceof AccessError) return error;
    const { failure, reason } = failureOf(error);
    this.#parts.log.warn('oidc.failed', { code: failure.code, reason });
    return failure;
  }
}

/** Some providers tell how and when somebody signed in only if they are asked. OIDC Core §5.5. */
function claimsWanted({ assuranceClaims }: OidcConfig): string {
  const names = ['auth_time', ...assuranceClaims.filter((claim) => !claim.includes('.'))];
  return JSON.stringify({ id_token: Object.fromEntries(names.map((name) => [name, null])) });
}

async function clientAuthentication(config: OidcConfig): Promise<client.ClientAuth> {
  const { clientSecretFile, privateKeyFile, privateKeyAlgorithm, privateKeyId: kid } = config;
  try {
    if (privateKeyFile !== undefined) {
      const key = await importPKCS8(readFileSync(privateKeyFile, 'utf8'), privateKeyAlgorithm);
      return client.PrivateKeyJwt(kid === undefined ? key : { key, kid });
    }
    if (clientSecretFile === undefined) return client.None();
    return client.ClientSecretPost(readFileSync(clientSecretFile, 'utf8').trim());
  } catch (cause) {
    const words = `the key or secret of signIn.oidc can not be read (${codeOf(cause)})`;
    throw new AccessError('OIDC_SETUP', words, { cause });
  }
}
