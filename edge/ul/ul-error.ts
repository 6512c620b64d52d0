/** Why an association could not be had, or was lost. */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { RejectionName } from './pdu.ts';

export type UlErrorCode =
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  /** The peer speaks no TLS, one side does not trust the other's certificate, or a file of ours is missing. */
  | 'TLS_FAILED'
  | 'ASSOCIATION_REJECTED'
  | 'ASSOCIATION_ABORTED'
  | 'ASSOCIATION_TIMEOUT'
  /** The peer sent what is no PDU, or one that does not belong there. */
  | 'PROTOCOL_ERROR'
  | 'CANCELLED';

interface UlErrorOptions extends ErrorOptions {
  readonly rejection?: RejectionName | undefined;
}

export class UlError extends GatewayError {
  override readonly name = 'UlError';
  readonly code: UlErrorCode;
  readonly retry: Retry;
  /** Of `ASSOCIATION_REJECTED`: what the peer gave as its reason, where PS3.8 names it. */
  readonly rejection: RejectionName | undefined;

  constructor(code: UlErrorCode, message: string, options?: UlErrorOptions) {
    super(message, options);
    this.code = code;
    this.rejection = options?.rejection;
    this.retry = code === 'CANCELLED' ? 'never' : 'safe';
  }
}
