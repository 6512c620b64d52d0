/** What a failed sign-in at an identity provider is to us: openid-client's errors, and those of the network below it. */
import * as client from 'openid-client';
import { codeOf } from '../../shared/errors.ts';
import { AccessError, type AccessErrorCode } from './access-error.ts';

export const CLOCKS_DIFFER = 'its clock and the clock of this hub differ too much';
const WORDS: Readonly<Partial<Record<AccessErrorCode, string>>> = {
  OIDC_UNREACHABLE: 'it does not answer',
  OIDC_REFUSED: 'it did not sign you in',
  OIDC_SETUP: 'it does not know this hub, or not as it is configured',
  OIDC_ANSWER: 'what came back is not what it has to be',
  OIDC_CLOCK: CLOCKS_DIFFER,
};

/**
 * @returns `reason`, a stable word for the log: RFC 6749's error, or the library's code
 * @throws the error itself when it comes neither from the provider nor from the way to it
 */
export function failureOf(error: unknown): { failure: AccessError; reason: string } {
  const reason = reasonOf(error);
  if (reason === 'BUG') throw error;
  const code = ourCode(error, reason);
  const words = WORDS[code] ?? 'the sign-in failed';
  return { failure: new AccessError(code, words, { cause: error }), reason };
}

/** RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6. Whoever comes back with another word wrote it himself. */
const TOLD = new Set(
  `invalid_request unauthorized_client access_denied unsupported_response_type invalid_scope server_error
  temporarily_unavailable invalid_client invalid_grant unsupported_grant_type interaction_required login_required
  account_selection_required consent_required invalid_request_uri invalid_request_object request_not_supported
  request_uri_not_supported registration_not_supported unmet_authentication_requirements`.split(
    /\s+/,
  ),
);

/** Never a message, which may hold claims. */
function reasonOf(error: unknown): string {
  const {
    error: told,
    code,
    cause,
  } = error as { error?: unknown; code?: unknown; cause?: unknown };
  if (typeof told === 'string') return TOLD.has(told) ? told : 'other';
  if (typeof code === 'string') return code;
  return cause === undefined ? codeOf(error) : codeOf(cause);
}

const NO_ANSWER = new Set(['OAUTH_TIMEOUT', 'OAUTH_ABORT']);

function ourCode(error: unknown, reason: string): AccessErrorCode {
  if (error instanceof client.AuthorizationResponseError) return 'OIDC_REFUSED';
  if (error instanceof client.ResponseBodyError)
    return reason === 'invalid_grant' ? 'OIDC_ANSWER' : 'OIDC_SETUP';
  if (reason === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') return 'OIDC_CLOCK';
  const { cause } = error as { cause?: { status?: unknown } };
  const isDown = typeof cause?.status === 'number' && cause.status >= 500;
  const isAnswer = reason.startsWith('OAUTH_') && !NO_ANSWER.has(reason);
  return isAnswer && !isDown ? 'OIDC_ANSWER' : 'OIDC_UNREACHABLE';
}
