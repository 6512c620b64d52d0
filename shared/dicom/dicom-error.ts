/** Why bytes are no data set. The message names tags and offsets, never a value. */
import { GatewayError, type Retry } from '../errors.ts';

export type DicomErrorCode =
  /** The bytes end within an element, an item or a sequence. */
  | 'DATASET_TRUNCATED'
  /** What stands there can't be an element in this transfer syntax. */
  | 'DATASET_MALFORMED'
  /** More than 500,000 sequences within each other. */
  | 'DATASET_TOO_DEEP'
  /** No element at all. */
  | 'DATASET_EMPTY'
  /** An element that is to be changed is too large to be held. */
  | 'ELEMENT_TOO_LARGE'
  /** The deflated stream is broken. PS3.5 §A.5. */
  | 'DEFLATE_CORRUPT'
  /** No file of PS3.10 §7.1: "DICM" or the file meta information is missing. */
  | 'NOT_PART10';

export class DicomError extends GatewayError {
  override readonly name = 'DicomError';
  readonly code: DicomErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: DicomErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
