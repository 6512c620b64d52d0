/** Why an emergency access, a restriction or a list of a meeting is not taken. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RelationErrorCode =
  /** Nobody who is known is under what was asked. */
  | 'PATIENT_UNKNOWN'
  /** All that there is may be seen as it is. */
  | 'GLASS_NOT_NEEDED'
  | 'GLASS_FORBIDDEN'
  | 'GLASS_UNKNOWN'
  /** Nobody reviews what they did themselves. */
  | 'REVIEW_FORBIDDEN'
  | 'REVIEW_ENDED'
  | 'RESTRICTION_FORBIDDEN'
  | 'MDT_LIST_UNKNOWN'
  | 'MDT_LIST_FORBIDDEN';

export class RelationError extends GatewayError {
  override readonly name = 'RelationError';
  readonly retry: Retry = 'never';
  readonly code: RelationErrorCode;

  constructor(code: RelationErrorCode, detail: string) {
    super(detail);
    this.code = code;
  }
}
