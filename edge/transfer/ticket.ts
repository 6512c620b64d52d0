/**
 * Whether a transfer ticket opens what is asked for. RFC 7519; shared/contract/ticket.ts.
 *
 *   Authorization: Bearer … ──signature, expiry, audience──study, home──reader's proof──once──► Ticket
 *
 * The hub's public keys come from the cached directory, so that this works while the hub is down. Then an edge may
 * have signed its ticket itself (unaided-ticket.ts): that is written down before anything is read.
 * 401: the ticket is no valid one. 403: it is, for something else.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Clock } from '../../shared/clock.ts';
import type { Directory } from '../../shared/contract/rpc.ts';
import {
  CLOCK_TOLERANCE_SECONDS,
  HUB_READER,
  TICKET_ISSUER,
  type Ticket,
  TicketSchema,
} from '../../shared/contract/ticket.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { verifyProof } from './proof.ts';
import { isUnaidedTicket, type OpenedUnaided, readUnaidedTicket } from './unaided-ticket.ts';

export type TicketErrorCode =
  | 'TICKET_MISSING'
  | 'TICKET_MALFORMED'
  | 'TICKET_EXPIRED'
  | 'TICKET_SIGNATURE'
  | 'TICKET_KEY_UNKNOWN'
  /** It opened what it is for before. */
  | 'TICKET_USED'
  /** It is bound to an edge's key, and the request proves nothing. */
  | 'TICKET_PROOF_MISSING'
  /** The request was not made by the edge that it was made out to, or is another one. */
  | 'TICKET_OTHER_EDGE'
  /** The key of its reader was taken back. */
  | 'TICKET_REVOKED'
  /** TLS without a client certificate of the hub's authority, where one is asked for. */
  | 'CERTIFICATE_MISSING'
  /** An edge signed it itself, and this edge takes none of those, or no more of them. */
  | 'TICKET_UNAIDED'
  | 'TICKET_OTHER_TRUST'
  | 'TICKET_OTHER_STUDY'
  | 'TICKET_OTHER_HOME';

export class TicketError extends GatewayError {
  override readonly name = 'TicketError';
  readonly code: TicketErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: TicketErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  /** 401 for no valid ticket, 403 for one that opens something else, or nothing to this reader. RFC 9110 §15.5. */
  get httpStatus(): 401 | 403 {
    return this.code.startsWith('TICKET_OTHER_') || FORBIDDEN.has(this.code) ? 403 : 401;
  }
}

const FORBIDDEN: ReadonlySet<TicketErrorCode> = new Set(['TICKET_REVOKED', 'TICKET_UNAIDED']);

/** What a ticket is presented for. */
export interface TicketUse {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** The header `PROOF_HEADER`. */
  readonly proof: string | undefined;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Our own ODS code. */
  readonly trust: string;
  readonly studyInstanceUID: string;
  readonly home: string;
}

export interface TicketParts {
  readonly directory: Directory | undefined;
  readonly clock: Clock;
  /** Counts the request. @throws TicketError `TICKET_USED` */
  readonly used: { use(ticket: Ticket, proof: string | null): void };
  /** Writes down what is read without the hub. Absent: nothing is. @throws TicketError `TICKET_UNAIDED` */
  readonly unaided?: { opened(ticket: OpenedUnaided): void } | undefined;
}

/**
 * Lets one request in, which counts as its use.
 *
 * @throws TicketError
 */
export async function openTicket(use: TicketUse, parts: TicketParts): Promise<Ticket> {
  const { directory } = parts;
  const token = /^Bearer +(\S+) *$/i.exec(use.authorization ?? '')?.[1];
  if (token === undefined) throw new TicketError('TICKET_MISSING', 'a transfer ticket is needed');
  if (directory === undefined)
    throw new TicketError('TICKET_KEY_UNKNOWN', 'this edge has no directory of the network yet');
  const isUnaided = isUnaidedTicket(token);
  const reading = { directory, clock: parts.clock };
  const ticket = isUnaided
    ? await readUnaided(token, use.trust, { ...reading, unaided: parts.unaided })
    : await readClaims(token, use.trust, reading);
  if (ticket.study !== use.studyInstanceUID)
    throw new TicketError('TICKET_OTHER_STUDY', 'the ticket is for another study');
  if (ticket.home !== use.home)
    throw new TicketError('TICKET_OTHER_HOME', 'the ticket is for the study of another home');
  const proof = await proofOf(ticket, { ...use, ticket: token }, directory);
  if (isUnaided) parts.unaided?.opened(ticket as OpenedUnaided);
  parts.used.use(ticket, proof);
  return ticket;
}

async function readUnaided(
  token: string,
  trust: string,
  { unaided, ...reading }: { directory: Directory; clock: Clock } & Pick<TicketParts, 'unaided'>,
): Promise<OpenedUnaided> {
  if (unaided === undefined)
    throw new TicketError('TICKET_UNAIDED', 'nothing is read here without the hub');
  try {
    return await readUnaidedTicket(token, trust, reading);
  } catch (cause) {
    throw refusalOf(cause);
  }
}

/** @returns the proof's id; null for the hub, which has a ticket for each request @throws TicketError */
async function proofOf(
  { cnf, sub }: Ticket,
  presented: TicketUse & { readonly ticket: string },
  directory: Directory,
): Promise<string | null> {
  if (cnf === undefined) {
    if (sub === HUB_READER) return null;
    throw new TicketError('TICKET_MALFORMED', 'the ticket is bound to no key of its reader');
  }
  if (directory.revokedKeys?.includes(cnf.nkey))
    throw new TicketError('TICKET_REVOKED', "the reader's key was taken back");
  if (presented.proof === undefined)
    throw new TicketError('TICKET_PROOF_MISSING', 'the reader has to prove that the ticket is its');
  const proof = await verifyProof(presented.proof, presented, cnf.nkey);
  if (proof === null)
    throw new TicketError('TICKET_OTHER_EDGE', 'the ticket was made out to another edge');
  return proof;
}

async function readClaims(
  token: string,
  trust: string,
  { directory, clock }: { directory: Directory; clock: Clock },
): Promise<Ticket> {
  try {
    const { payload } = await jwtVerify(
      token,
      createLocalJWKSet(directory.ticketKeys as JSONWebKeySet),
      {
        issuer: TICKET_ISSUER,
        audience: trust,
        algorithms: ['EdDSA', 'Ed25519'],
        requiredClaims: ['exp', 'iat'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
      },
    );
    return TicketSchema.parse(payload);
  } catch (cause) {
    throw refusalOf(cause);
  }
}

function refusalOf(cause: unknown): TicketError {
  if (cause instanceof errors.JWTExpired)
    return new TicketError('TICKET_EXPIRED', 'the ticket has expired', { cause });
  if (cause instanceof errors.JWTClaimValidationFailed && cause.claim === 'aud')
    return new TicketError('TICKET_OTHER_TRUST', 'the ticket is for another trust', { cause });
  if (cause instanceof errors.JWSSignatureVerificationFailed)
    return new TicketError('TICKET_SIGNATURE', "the ticket's signature is wrong", { cause });
  if (cause instanceof errors.JWKSNoMatchingKey)
    return new TicketError('TICKET_KEY_UNKNOWN', 'the ticket is signed with an unknown key', {
      cause,
    });
  return new TicketError('TICKET_MALFORMED', 'this is no transfer ticket', { cause });
}
