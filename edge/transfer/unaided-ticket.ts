/**
 * Tickets that an edge signs itself while no hub answers. shared/contract/unaided.ts.
 *
 *   our delegation, our key ─► signUnaidedTicket ─► token ─► readUnaidedTicket: chain, times, own study ─► Ticket
 *
 * Whatever is not exactly as it should be opens nothing.
 */
import { type KeyObject, randomUUID } from 'node:crypto';
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  jwtVerify,
  SignJWT,
} from 'jose';
import type { Clock } from '../../shared/clock.ts';
import type { Directory } from '../../shared/contract/rpc.ts';
import {
  CLOCK_TOLERANCE_SECONDS,
  TICKET_ISSUER,
  type Ticket,
} from '../../shared/contract/ticket.ts';
import {
  DELEGATION_AUDIENCE,
  DELEGATION_TYPE,
  DelegationSchema,
  UNAIDED_TICKET_SECONDS,
  UNAIDED_TICKET_TYPE,
  type UnaidedTicket,
  UnaidedTicketSchema,
} from '../../shared/contract/unaided.ts';
import { publicKeyOf } from '../../shared/ed25519.ts';

const ALGORITHMS = ['EdDSA', 'Ed25519'];

type Wanted = Pick<UnaidedTicket, 'aud' | 'sub' | 'study' | 'home' | 'fetch' | 'by' | 'reason'>;

/** @param key the edge's own, which the delegation names */
export function signUnaidedTicket(
  { aud, sub, ...claims }: Wanted,
  { delegation, key, clock }: { delegation: string; key: KeyObject; clock: Clock },
): Promise<string> {
  const issuedAt = Math.floor(clock.now() / 1000);
  return new SignJWT({ ...claims, priority: 'urgent', delegation })
    .setProtectedHeader({ alg: 'EdDSA', typ: UNAIDED_TICKET_TYPE })
    .setIssuer(sub)
    .setSubject(sub)
    .setAudience(aud)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + UNAIDED_TICKET_SECONDS)
    .setJti(randomUUID())
    .sign(key);
}

/** Whether a token claims to be one: what it is worth is not said by that. */
export function isUnaidedTicket(token: string): boolean {
  try {
    return decodeProtectedHeader(token).typ === UNAIDED_TICKET_TYPE;
  } catch {
    return false;
  }
}

/** Until when an edge may sign tickets by it, milliseconds since the epoch; 0: it can't be read. */
export function delegatedUntil(delegation: string): number {
  try {
    return DelegationSchema.parse(decodeJwt(delegation)).exp * 1000;
  } catch {
    return 0;
  }
}

export interface ReadParts {
  readonly directory: Directory;
  readonly clock: Clock;
}

/** A ticket whose key is the one that the hub's delegation names, whatever the token says of it. */
export type OpenedUnaided = Ticket & Pick<UnaidedTicket, 'by' | 'reason'>;

/**
 * @param trust our own ODS code
 * @throws errors of jose and zod: what it is, is nothing that we take
 */
export async function readUnaidedTicket(
  token: string,
  trust: string,
  { directory, clock }: ReadParts,
): Promise<OpenedUnaided> {
  const delegation = await readDelegation(token, { directory, clock });
  const { sub, cnf, exp } = delegation;
  const { payload } = await jwtVerify(token, publicKeyOf(cnf.nkey), {
    ...{ typ: UNAIDED_TICKET_TYPE, algorithms: ALGORITHMS },
    ...{ issuer: sub, subject: sub, audience: trust },
    requiredClaims: ['exp', 'iat', 'jti'],
    // Nobody signs for longer than the hub itself does.
    maxTokenAge: UNAIDED_TICKET_SECONDS,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(clock.now()),
  });
  const { delegation: _shown, iat, ...claims } = UnaidedTicketSchema.parse(payload);
  const isShort = claims.exp - iat <= UNAIDED_TICKET_SECONDS && claims.exp <= exp;
  const isKnown = directory.trusts.some(({ ods }) => ods === sub);
  if (!isShort || !isKnown || claims.home !== trust)
    throw new Error('more than the delegation allows');
  return { ...claims, cnf };
}

async function readDelegation(token: string, { directory, clock }: ReadParts) {
  const { delegation } = UnaidedTicketSchema.pick({ delegation: true }).parse(decodeJwt(token));
  const { payload } = await jwtVerify(
    delegation,
    createLocalJWKSet(directory.ticketKeys as JSONWebKeySet),
    {
      ...{ typ: DELEGATION_TYPE, algorithms: ALGORITHMS },
      ...{ issuer: TICKET_ISSUER, audience: DELEGATION_AUDIENCE },
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: new Date(clock.now()),
    },
  );
  return DelegationSchema.parse(payload);
}
