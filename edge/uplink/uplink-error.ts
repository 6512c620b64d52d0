/** Why the hub could not be asked. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type UplinkErrorCode =
  /** There is no connection now, or no hub answered in time. */
  | 'HUB_UNAVAILABLE'
  /** What came is no answer of this version. */
  | 'HUB_ANSWER'
  /** The hub does not take this key, or knows the one in use no more. */
  | 'KEY_REFUSED';

export class UplinkError extends GatewayError {
  override readonly name = 'UplinkError';
  readonly code: UplinkErrorCode;
  readonly retry: Retry = 'safe';

  constructor(code: UplinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
