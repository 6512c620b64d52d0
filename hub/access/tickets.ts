/**
 * Signs transfer tickets. RFC 7519, Ed25519 (RFC 8037); shared/contract/ticket.ts.
 *
 *   TicketClaims ─► private key of access.sqlite ─► JWT          publicKeys() ─► directory of every edge
 */
import { randomUUID } from 'node:crypto';
import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose';
import { HUB_TRAIL } from '../../shared/audit/anchors.ts';
import type { Clock } from '../../shared/clock.ts';
import {
  RELAY_AUDIENCE,
  RELAY_PASS_SECONDS,
  RelayPassSchema,
} from '../../shared/contract/relay.ts';
import {
  SUPPORT_AUDIENCE,
  SUPPORT_TICKET_SECONDS,
  type SupportTicket,
  SupportTicketSchema,
} from '../../shared/contract/support.ts';
import {
  HUB_READER,
  HUB_TICKET_SECONDS,
  TICKET_ISSUER,
  TICKET_SECONDS,
  type TicketClaims,
  TicketClaimsSchema,
} from '../../shared/contract/ticket.ts';
import {
  DELEGATION_AUDIENCE,
  DELEGATION_SECONDS,
  DELEGATION_STEP_SECONDS,
  DELEGATION_TYPE,
} from '../../shared/contract/unaided.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';

const ANCHOR_AUDIENCE = 'cdip-audit-anchor';
/** As long as a record is kept, and longer. */
const ANCHOR_SECONDS = 50 * 366 * 86_400;

export interface TicketSigner {
  sign(claims: TicketClaims): Promise<string>;
  /** The trust that a ticket of ours is for. Rejects for any other token. */
  audienceOf(ticket: string): Promise<string>;
  /** The trust that such a ticket lets read. Rejects for any other token. */
  readerOf(ticket: string): Promise<string>;
  /** What lets an edge sign urgent tickets itself for some hours. The same one for an hour. */
  signDelegation(ods: string, nkey: string): Promise<string>;
  /** What an edge waits with at the relay. */
  signPass(ods: string): Promise<string>;
  /** The trust that a pass was signed for. Rejects for any other token. */
  holderOf(pass: string): Promise<string>;
  /** What an edge brings one support bundle with. */
  signUpload(ods: string, bundle: string): Promise<string>;
  /** What such a ticket is for. Rejects for any other token. */
  uploadOf(ticket: string): Promise<SupportTicket>;
  /** Proves that this hub said so; `sub` is what it is of. */
  signAnchor(anchor: { readonly seq: number; readonly digest: string }): Promise<string>;
  /** RFC 7517. */
  publicKeys(): { readonly keys: Record<string, unknown>[] };
}

/** Makes the first key when there is none. */
export async function openTicketSigner(db: Sqlite, clock: Clock): Promise<TicketSigner> {
  const keys = readKeys(db);
  const newest = keys[0] ?? (await makeKey(db, clock));
  const privateKey = await importJWK(newest, 'EdDSA');
  const all = keys.length > 0 ? keys : [newest];
  const publicKeys = all.map(({ kty, crv, x, kid }) => ({
    kty,
    crv,
    x,
    kid,
    alg: 'EdDSA',
    use: 'sig',
  }));
  const keySet = createLocalJWKSet({ keys: publicKeys as JWK[] });
  const signed = (claims: object, { aud, sub, seconds }: Addressed): Promise<string> => {
    const issuedAt = Math.floor(clock.now() / 1000);
    return new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: newest.kid ?? '', typ: 'JWT' })
      .setIssuer(TICKET_ISSUER)
      .setAudience(aud)
      .setSubject(sub)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + seconds)
      .setJti(randomUUID())
      .sign(privateKey);
  };
  const verified = async (token: string): Promise<unknown> => {
    const options = {
      issuer: TICKET_ISSUER,
      requiredClaims: ['exp', 'aud'],
      currentDate: new Date(clock.now()),
    };
    return (await jwtVerify(token, keySet, options)).payload;
  };
  return {
    sign: ({ aud, sub, ...claims }) =>
      signed(claims, {
        aud,
        sub,
        seconds: sub === HUB_READER ? HUB_TICKET_SECONDS : TICKET_SECONDS,
      }),
    audienceOf: async (ticket) => TicketClaimsSchema.parse(await verified(ticket)).aud,
    readerOf: async (ticket) => TicketClaimsSchema.parse(await verified(ticket)).sub,
    signDelegation: (ods, nkey) => {
      const now = Math.floor(clock.now() / 1000);
      const issuedAt = now - (now % DELEGATION_STEP_SECONDS);
      return new SignJWT({ cnf: { nkey } })
        .setProtectedHeader({ alg: 'EdDSA', kid: newest.kid ?? '', typ: DELEGATION_TYPE })
        .setIssuer(TICKET_ISSUER)
        .setAudience(DELEGATION_AUDIENCE)
        .setSubject(ods)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + DELEGATION_SECONDS)
        .sign(privateKey);
    },
    signPass: (ods) => signed({}, { aud: RELAY_AUDIENCE, sub: ods, seconds: RELAY_PASS_SECONDS }),
    holderOf: async (pass) => RelayPassSchema.parse(await verified(pass)).sub,
    signUpload: (sub, bundle) =>
      signed({ bundle }, { aud: SUPPORT_AUDIENCE, sub, seconds: SUPPORT_TICKET_SECONDS }),
    uploadOf: async (ticket) => SupportTicketSchema.parse(await verified(ticket)),
    signAnchor: (anchor) =>
      signed(anchor, { aud: ANCHOR_AUDIENCE, sub: HUB_TRAIL, seconds: ANCHOR_SECONDS }),
    publicKeys: () => ({ keys: publicKeys }),
  };
}

interface Addressed {
  readonly aud: string;
  readonly sub: string;
  readonly seconds: number;
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
