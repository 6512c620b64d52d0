/** Why somebody is not let in. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type AccessErrorCode =
  /** An enrolment token that is unknown, used, too old, or of another trust. */
  | 'TOKEN_INVALID'
  | 'TRUST_UNKNOWN'
  | 'ROLE_UNKNOWN'
  | 'NAME_INVALID'
  | 'TTL_INVALID'
  | 'SCOPE_UNKNOWN'
  | 'CLIENT_INVALID'
  | 'PASSWORD_WEAK'
  | 'CODE_WRONG';

export class AccessError extends GatewayError {
  override readonly name = 'AccessError';
  readonly code: AccessErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: AccessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
