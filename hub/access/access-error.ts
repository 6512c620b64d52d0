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
  | 'KEYS_INVALID'
  | 'PASSWORD_WEAK'
  | 'CODE_WRONG'
  // --- what came of a sign-in at an identity provider
  | 'OIDC_UNREACHABLE'
  /** It says no: cancelled, not allowed, or not as surely as was asked for. */
  | 'OIDC_REFUSED'
  /** It does not know this hub, or not as configured. */
  | 'OIDC_SETUP'
  /** The return belongs to no sign-in that was begun in this browser, or was used. */
  | 'OIDC_STATE'
  /** What came is not from it, not for this hub, not for this sign-in, or not whole. */
  | 'OIDC_ANSWER'
  | 'OIDC_CLOCK'
  | 'OIDC_CLAIM_MISSING'
  | 'OIDC_CLAIM_UNVERIFIED'
  | 'OIDC_ROLE'
  | 'OIDC_TRUST'
  | 'OIDC_ASSURANCE'
  | 'OIDC_OTHER_PERSON'
  /** Says that somebody signed out there, but is not from it, not for this hub, not of now, or was used. */
  | 'OIDC_LOGOUT_TOKEN'
  /** There is nothing to take back. */
  | 'EDGE_NOT_ENROLLED'
  /** A key that is not in force, or that some edge had before. */
  | 'EDGE_KEY_UNKNOWN'
  | 'EDGE_KEY_KNOWN';

export class AccessError extends GatewayError {
  override readonly name = 'AccessError';
  readonly code: AccessErrorCode;
  get retry(): Retry {
    return this.code === 'OIDC_UNREACHABLE' ? 'safe' : 'never';
  }

  constructor(code: AccessErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
