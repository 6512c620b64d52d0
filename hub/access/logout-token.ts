/**
 * A logout token: an identity provider says by itself that somebody signed out there. OpenID Connect Back-Channel
 * Logout 1.0 §2.4 and §2.6.
 *
 *   token ─► signature by the provider's keys ─► issuer, audience, time ─► event, no nonce ─► who, or which session
 *
 * Pure but for the keys. An ID token is never taken for one: it has no event, and a nonce.
 */
import { decodeJwt, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { hashOf } from './secrets.ts';

export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Older ones are not taken, so that used ones are to be remembered for so long alone. */
const LONGEST_SECONDS = 600;
const LONGEST_TOKEN = 16_384;
/** Only those of key pairs: whoever knows the client's secret could make others himself. */
const ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];

/** Whom a provider knows by an identifier, as it stands with the sessions here. */
export interface ProviderSession {
  /** SHA-256 of issuer and `sub`. */
  readonly subjectHash: string;
  /** SHA-256 of issuer and `sid`; null: the provider tells none. */
  readonly sidHash: string | null;
}

export interface Logout {
  /** Null: only the session is named. */
  readonly subjectHash: string | null;
  /** Null: all of the person's sessions end. */
  readonly sidHash: string | null;
  /** Counts once. */
  readonly token: { readonly hash: string; readonly untilMs: number };
}

export const hashAt = (issuer: string, what: 'sub' | 'sid', value: string): string =>
  hashOf(`${what} ${issuer} ${value}`);

/** @param claims of an ID token that was checked */
export function providerSessionOf(claims: {
  readonly iss: string;
  readonly sub: string;
  readonly sid?: unknown;
}): ProviderSession {
  const { iss, sub, sid } = claims;
  return {
    subjectHash: hashAt(iss, 'sub', sub),
    sidHash: typeof sid === 'string' && sid !== '' ? hashAt(iss, 'sid', sid) : null,
  };
}

export class LogoutTokenError extends Error {
  override readonly name = 'LogoutTokenError';
}

/** As it says itself: nothing of it is believed yet. */
export function isForClient(token: string, clientId: string): boolean {
  if (token.length > LONGEST_TOKEN) return false;
  try {
    return [decodeJwt(token).aud].flat().includes(clientId);
  } catch {
    return false;
  }
}

/**
 * @param asked.now milliseconds since the epoch
 * @throws LogoutTokenError; errors of jose for signature, issuer, audience and time
 */
export async function readLogoutToken(
  token: string,
  keys: JWTVerifyGetKey,
  asked: { issuer: string; clientId: string; now: number; toleranceSeconds: number },
): Promise<Logout> {
  const { issuer, clientId: audience, now, toleranceSeconds } = asked;
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    ...{ issuer, audience, algorithms: ALGORITHMS, currentDate: new Date(now) },
    ...{ clockTolerance: toleranceSeconds, maxTokenAge: LONGEST_SECONDS },
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  const typ = protectedHeader.typ?.toLowerCase().replace(/^application\//, '');
  if (typ !== undefined && typ !== 'logout+jwt' && typ !== 'jwt')
    throw new LogoutTokenError('it is a token of another kind');
  const { sub, sid, jti, events } = payload;
  if (!isObject(events) || !isObject(events[LOGOUT_EVENT]))
    throw new LogoutTokenError('it tells of no logout');
  if ('nonce' in payload) throw new LogoutTokenError('a nonce makes it a token of a sign-in');
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  if (!isText(jti)) throw new LogoutTokenError('it has no identifier');
  if ((sub !== undefined && !isText(sub)) || (sid !== undefined && !isText(sid)))
    throw new LogoutTokenError('whom it is of can not be read');
  if (sub === undefined && sid === undefined) throw new LogoutTokenError('it names nobody');
  return {
    subjectHash: isText(sub) ? hashAt(issuer, 'sub', sub) : null,
    sidHash: isText(sid) ? hashAt(issuer, 'sid', sid) : null,
    token: {
      hash: hashOf(`logout ${issuer} ${jti}`),
      untilMs: now + (LONGEST_SECONDS + 2 * toleranceSeconds) * 1000,
    },
  };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
