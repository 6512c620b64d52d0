/** Why the hub does not relay a request. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RelayErrorCode =
  /** The source's edge has no connection waiting here: it is down, or does not dial this hub. */
  | 'RELAY_NOT_WAITING'
  /** The waiting connection ended before it answered. */
  | 'RELAY_CUT'
  /** The ticket or pass is not one of ours, is over, or is for something else. */
  | 'RELAY_TOKEN_REFUSED';

export class RelayError extends GatewayError {
  override readonly name = 'RelayError';
  readonly code: RelayErrorCode;
  readonly retry: Retry;

  constructor(code: RelayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = code === 'RELAY_TOKEN_REFUSED' ? 'never' : 'safe';
  }
}
