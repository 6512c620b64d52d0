/**
 * Signs transfer tickets. RFC 7519, Ed25519 (RFC 8037); shared/contract/ticket.ts.
 *
 *   TicketClaims ─► private key of access.sqlite ─► JWT          publicKeys() ─► directory of every edge
 */
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import type { Clock } from '../../shared/clock.ts';
import { TICKET_ISSUER, TICKET_SECONDS, type TicketClaims } from '../../shared/contract/ticket.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';

export interface TicketSigner {
  sign(claims: TicketClaims): Promise<string>;
  /** RFC 7517. */
  publicKeys(): { readonly keys: Record<string, unknown>[] };
}

/** Makes the first key when there is none. */
export async function openTicketSigner(db: Sqlite, clock: Clock): Promise<TicketSigner> {
  const keys = readKeys(db);
  const newest = keys[0] ?? (await makeKey(db, clock));
  const privateKey = await importJWK(newest, 'EdDSA');
  const all = keys.length > 0 ? keys : [newest];
  return {
    async sign({ aud, sub, ...claims }) {
      const issuedAt = Math.floor(clock.now() / 1000);
      return new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'EdDSA', kid: newest.kid ?? '', typ: 'JWT' })
        .setIssuer(TICKET_ISSUER)
        .setAudience(aud)
        .setSubject(sub)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + TICKET_SECONDS)
        .setJti(randomUUID())
        .sign(privateKey);
    },
    publicKeys: () => ({
      keys: all.map(({ kty, crv, x, kid }) => ({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' })),
    }),
  };
}

/** The newest first. */
function readKeys(db: Sqlite): JWK[] {
  const rows = db.prepare('SELECT jwk FROM ticket_keys ORDER BY created_at DESC').pluck().all();
  return rows.map((row) => JSON.parse(String(row)) as JWK);
}

async function makeKey(db: Sqlite, clock: Clock): Promise<JWK> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const kid = randomUUID();
  const jwk = { ...(await exportJWK(privateKey)), kid };
  commitDurably(db, () =>
    db
      .prepare('INSERT INTO ticket_keys VALUES (?, ?, ?)')
      .run(kid, JSON.stringify(jwk), clock.now()),
  );
  return jwk;
}
