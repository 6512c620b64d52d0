/**
 * A client that proves itself by a key instead of a secret: `private_key_jwt`, RFC 7523 §2.2 and §3. The secret
 * never leaves the machine; each assertion lives for minutes, is for this hub, and counts once.
 *
 *   client ─ JWT signed with its key ─► signature, audience, time ─► jti not seen before ─► client id
 */
import type { JSONWebKeySet } from 'jose';
import type { Clock } from '../../shared/clock.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { AccessError } from './access-error.ts';
import { hashOf } from './secrets.ts';

/** Only those of key pairs: with a shared secret the hub could make assertions itself. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'EdDSA',
];
const LONGEST_SECONDS = 300;
const TOLERANCE_SECONDS = 30;

/** @throws AccessError `KEYS_INVALID` for what is no set of public keys (RFC 7517) */
export function readKeySet(text: string): string {
  const fault = (why: string): AccessError => new AccessError('KEYS_INVALID', why);
  let told: { keys?: unknown; kty?: unknown };
  try {
    told = (JSON.parse(text) ?? {}) as typeof told;
  } catch {
    throw fault('the file is no JSON: a JWK Set with public keys (RFC 7517) is needed');
  }
  const keys = told.kty === undefined ? told.keys : [told];
  if (!Array.isArray(keys) || keys.length === 0) throw fault('the file has no keys');
  for (const key of keys as Record<string, unknown>[]) {
    if (key['d'] !== undefined)
      throw fault('the file has a private key: give its public part only');
    if (!['RSA', 'EC', 'OKP'].includes(String(key['kty'])))
      throw fault('each key is RSA, EC or OKP');
  }
  return JSON.stringify({ keys });
}

export class ClientAssertions {
  readonly #db: Sqlite;
  readonly #clock: Clock;

  constructor(db: Sqlite, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /**
   * @param audiences what names this hub: its address, and that of its token endpoint
   * @returns the id of the client
   * @throws AccessError `CLIENT_INVALID`
   */
  async prove(assertion: string, audiences: readonly string[]): Promise<string> {
    // Not with the module: the commands that give out keys load this too, and prove nothing.
    const { createLocalJWKSet, decodeJwt, jwtVerify } = await import('jose');
    const id = issuerOf(assertion, decodeJwt);
    const keys = this.#db
      .prepare<[string]>('SELECT jwks FROM clients WHERE id = ? AND jwks IS NOT NULL')
      .pluck()
      .get(id) as string | undefined;
    if (keys === undefined) throw invalid();
    const now = this.#clock.now();
    try {
      const keySet = createLocalJWKSet(JSON.parse(keys) as JSONWebKeySet);
      const { payload } = await jwtVerify(assertion, keySet, {
        ...{ issuer: id, subject: id, audience: [...audiences], algorithms: ALGORITHMS },
        ...{ requiredClaims: ['exp', 'jti', 'sub'], currentDate: new Date(now) },
        clockTolerance: TOLERANCE_SECONDS,
      });
      const { exp = 0, jti = '' } = payload;
      if (exp > now / 1000 + LONGEST_SECONDS + TOLERANCE_SECONDS)
        throw new AccessError('CLIENT_INVALID', 'an assertion lives for five minutes at most');
      this.#useUp(hashOf(`${id} ${jti}`), (exp + TOLERANCE_SECONDS) * 1000);
    } catch (error) {
      if (error instanceof AccessError) throw error;
      throw invalid(error);
    }
    return id;
  }

  #useUp(hash: string, untilMs: number): void {
    const isNew = commitDurably(this.#db, () => {
      this.#db.prepare('DELETE FROM used_assertions WHERE until <= ?').run(this.#clock.now());
      const insert = this.#db.prepare('INSERT OR IGNORE INTO used_assertions VALUES (?, ?)');
      return insert.run(hash, untilMs).changes > 0;
    });
    if (!isNew) throw new AccessError('CLIENT_INVALID', 'this assertion was used: sign a new one');
  }
}

const invalid = (cause?: unknown): AccessError =>
  new AccessError(
    'CLIENT_INVALID',
    'the assertion is not of a key of this client, not for this hub, or not of this time',
    { cause },
  );

/** Which client it says that it is of; nothing of it is believed yet. */
function issuerOf(assertion: string, decodeJwt: (jwt: string) => { iss?: string }): string {
  try {
    return decodeJwt(assertion).iss ?? '';
  } catch (cause) {
    throw invalid(cause);
  }
}
