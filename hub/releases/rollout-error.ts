/** What can be wrong with a release, or with what somebody wants of a rollout. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RolloutErrorCode =
  | 'RELEASE_UNKNOWN'
  /** It is no package of an edge, or can't be read. */
  | 'RELEASE_REFUSED'
  | 'ROLLOUT_UNKNOWN'
  /** It is not in a state in which that can be done; or another one is under way. */
  | 'ROLLOUT_STATE'
  /** Whoever proposes does not approve. */
  | 'APPROVAL_FORBIDDEN'
  /** Edges of all trusts are the network's matter. */
  | 'ROLLOUT_FORBIDDEN'
  | 'TRUST_UNKNOWN';

export class RolloutError extends GatewayError {
  override readonly name = 'RolloutError';
  readonly retry: Retry = 'never';
  readonly code: RolloutErrorCode;

  constructor(code: RolloutErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
