/** Why something can not be booked, offered or changed. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type SchedulingErrorCode =
  | 'RESOURCE_UNKNOWN'
  | 'DIARY_UNKNOWN'
  | 'SLOT_UNKNOWN'
  | 'REQUEST_UNKNOWN'
  | 'BOOKING_UNKNOWN'
  | 'OFFER_UNKNOWN'
  | 'TRUST_UNKNOWN'
  /** Of another trust than the caller's. */
  | 'TRUST_FORBIDDEN'
  /** Somebody else has it; another slot has to be chosen. */
  | 'SLOT_TAKEN'
  | 'SLOT_PAST'
  | 'SLOT_TOO_SHORT'
  /** Another diary has a slot of this name. */
  | 'SLOT_ID_TAKEN'
  /** A slot that is held or booked would change its time. */
  | 'DIARY_CONFLICT'
  /** The request has a booking already: say which one the new one replaces. */
  | 'REQUEST_BOOKED'
  | 'REQUEST_ENDED'
  | 'BOOKING_ENDED'
  /** The same key came with another request. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** A gate of SC-12, a capability or a preparation keeps it from being booked; `checks` says which and why. */
  | 'GATE_BLOCKED'
  | 'EXAMINATION_UNKNOWN'
  /** No referral waits for an answer with this booking. */
  | 'TRANSFER_ENDED'
  | 'RIS_REFUSED'
  | 'OFFER_ENDED'
  | 'BIRTH_DATE_WRONG'
  /** No link is sent to this patient: S-flag, or died. */
  | 'LINK_REFUSED'
  /** What is changed has to be read before; it has changed since. */
  | 'VERSION_REQUIRED'
  | 'VERSION_CHANGED'
  /** Others are writing the same diary all the time; nothing was done. */
  | 'DIARY_BUSY';

export class SchedulingError extends GatewayError {
  override readonly name = 'SchedulingError';
  readonly code: SchedulingErrorCode;
  readonly retry: Retry;
  /** Further members of the answer. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(
    code: SchedulingErrorCode,
    message: string,
    members: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    this.retry = code === 'DIARY_BUSY' ? 'safe' : 'never';
    this.members = members;
  }
}
