/** What can be wrong with a support bundle, or with who brings or asks for one. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type SupportErrorCode =
  | 'BUNDLE_UNKNOWN'
  | 'TRUST_UNKNOWN'
  /** Not this hub's, not this edge's, too old, or used. */
  | 'SUPPORT_TOKEN_REFUSED'
  /** It came damaged, or is too large. */
  | 'BUNDLE_DAMAGED';

export class SupportError extends GatewayError {
  override readonly name = 'SupportError';
  readonly retry: Retry = 'never';
  readonly code: SupportErrorCode;

  constructor(code: SupportErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
