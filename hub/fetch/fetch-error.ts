/** Why a fetch is not ordered, or not changed. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type FetchErrorCode =
  | 'STUDY_UNKNOWN'
  | 'SERIES_UNKNOWN'
  | 'TRUST_UNKNOWN'
  | 'FETCH_UNKNOWN'
  | 'HOME_AMBIGUOUS'
  | 'DESTINATION_IS_HOME'
  /** Nobody but the destination holds the study. */
  | 'NO_SOURCE'
  | 'DESTINATION_FORBIDDEN'
  /** The trust has no edge yet, so nothing can be brought there, or from there. */
  | 'EDGE_NOT_ENROLLED'
  | 'FETCH_ENDED'
  | 'FETCH_NOT_HELD';

export class FetchError extends GatewayError {
  override readonly name = 'FetchError';
  readonly code: FetchErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: FetchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
