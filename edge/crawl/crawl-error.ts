/** Why a PACS could not be asked, or did not answer. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type CrawlErrorCode =
  /** It takes no queries: neither Study Root nor Patient Root. */
  | 'FIND_NOT_ACCEPTED'
  /** It answers queries with a failure. */
  | 'FIND_REFUSED'
  /** It ends queries without an answer, however little is asked. */
  | 'FIND_UNANSWERED';

export class CrawlError extends GatewayError {
  override readonly name = 'CrawlError';
  readonly code: CrawlErrorCode;
  readonly retry: Retry = 'safe';

  constructor(code: CrawlErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
