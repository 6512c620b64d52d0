/** What can go wrong between two edges, as the receiving one sees it. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type TransferErrorCode =
  /** The source can't be reached. */
  | 'SOURCE_UNREACHABLE'
  /** The source answered with a failure of its own. */
  | 'SOURCE_FAILED'
  /** The source brings it from its PACS first. */
  | 'SOURCE_RETRIEVING'
  /** The source does not hold the study. */
  | 'STUDY_NOT_FOUND'
  /** The connection ended before the end frame, or nothing came for too long. */
  | 'TRANSFER_CUT'
  /** What came is no stream of frames. */
  | 'TRANSFER_MALFORMED'
  /** The ticket has run out; a fresh one helps. */
  | 'TICKET_EXPIRED'
  /** The source does not take the ticket. */
  | 'TICKET_REFUSED'
  /** The caller gave up. */
  | 'TRANSFER_CANCELLED';

const RETRY: Readonly<Record<TransferErrorCode, Retry>> = {
  SOURCE_UNREACHABLE: 'safe',
  SOURCE_FAILED: 'safe',
  SOURCE_RETRIEVING: 'safe',
  STUDY_NOT_FOUND: 'never',
  TRANSFER_CUT: 'safe',
  TRANSFER_MALFORMED: 'safe',
  TICKET_EXPIRED: 'safe',
  TICKET_REFUSED: 'never',
  TRANSFER_CANCELLED: 'never',
};

export class TransferError extends GatewayError {
  override readonly name = 'TransferError';
  readonly code: TransferErrorCode;
  readonly retry: Retry;

  constructor(code: TransferErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = RETRY[code];
  }
}
