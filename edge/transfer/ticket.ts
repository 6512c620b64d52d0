/**
 * Whether a transfer ticket opens what is asked for. RFC 7519; shared/contract/ticket.ts.
 *
 *   Authorization: Bearer … ──signature, expiry, audience──study, home, series──► TicketScope
 *
 * The hub's public keys come from the cached directory, so that this works while the hub is down.
 * 401: the ticket is no valid one. 403: it is, for something else.
 */
import { createLocalJWKSet, errors, type JSONWebKeySet, jwtVerify } from 'jose';
import type { Clock } from '../../shared/clock.ts';
import type { Directory } from '../../shared/contract/rpc.ts';
import {
  TICKET_ISSUER,
  type TicketClaims,
  TicketClaimsSchema,
} from '../../shared/contract/ticket.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';

/** Clocks of two trusts may differ so much. */
const CLOCK_TOLERANCE_SECONDS = 30;

export type TicketErrorCode =
  | 'TICKET_MISSING'
  | 'TICKET_MALFORMED'
  | 'TICKET_EXPIRED'
  | 'TICKET_SIGNATURE'
  | 'TICKET_KEY_UNKNOWN'
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

  /** 401 for no valid ticket, 403 for one that opens something else. RFC 9110 §15.5. */
  get httpStatus(): 401 | 403 {
    return this.code.startsWith('TICKET_OTHER_') ? 403 : 401;
  }
}

/** What a ticket is presented for. */
export interface TicketUse {
  /** The `Authorization` header. */
  readonly authorization: string | undefined;
  /** Our own ODS code. */
  readonly trust: string;
  readonly studyInstanceUID: string;
  readonly home: string;
}

/** @throws TicketError */
export async function verifyTicket(
  use: TicketUse,
  { directory, clock }: { directory: Directory | undefined; clock: Clock },
): Promise<TicketClaims> {
  const token = /^Bearer +(\S+) *$/i.exec(use.authorization ?? '')?.[1];
  if (token === undefined) throw new TicketError('TICKET_MISSING', 'a transfer ticket is needed');
  if (directory === undefined)
    throw new TicketError('TICKET_KEY_UNKNOWN', 'this edge has no directory of the network yet');
  const claims = await readClaims(token, use.trust, { directory, clock });
  if (claims.study !== use.studyInstanceUID)
    throw new TicketError('TICKET_OTHER_STUDY', 'the ticket is for another study');
  if (claims.home !== use.home)
    throw new TicketError('TICKET_OTHER_HOME', 'the ticket is for the study of another home');
  return claims;
}

async function readClaims(
  token: string,
  trust: string,
  { directory, clock }: { directory: Directory; clock: Clock },
): Promise<TicketClaims> {
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
    return TicketClaimsSchema.parse(payload);
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
