/** Why a study could not be brought from the PACS, or not in this way. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RetrieveErrorCode =
  /** The PACS takes no such request. */
  | 'RETRIEVE_NOT_ACCEPTED'
  /** It refuses the request. */
  | 'RETRIEVE_REFUSED'
  /** The PACS does not know where our AE title is (A801H). */
  | 'RETRIEVE_DESTINATION_UNKNOWN'
  /** It says that all went well, and nothing came. */
  | 'RETRIEVE_NOTHING_CAME'
  /** Nothing more came for too long. */
  | 'RETRIEVE_STALLED'
  /** It took longer than it may. */
  | 'RETRIEVE_DEADLINE'
  /** Some objects came, others did not. */
  | 'RETRIEVE_PARTIAL'
  /** Nobody waits for it any more. */
  | 'RETRIEVE_CANCELLED';

export class RetrieveError extends GatewayError {
  override readonly name = 'RetrieveError';
  readonly code: RetrieveErrorCode;
  readonly retry: Retry = 'safe';

  constructor(code: RetrieveErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
