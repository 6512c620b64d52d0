/** What a destination that is no DICOM peer could not do, and what a rule or a project forbids. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RouteErrorCode =
  /** The folder can't be written: missing, full, not allowed. */
  | 'FOLDER_IO'
  /** The DICOMweb service does not answer. */
  | 'STOW_UNREACHABLE'
  /** It answers that it does not work now, or that we may not. */
  | 'STOW_REFUSED'
  /** The file with the token, or of who may have signed, can't be read. */
  | 'STOW_SECRET'
  /** What was kept of a project's pseudonyms does not open with its key. */
  | 'PSEUDONYMS_UNREADABLE';

export class RouteError extends GatewayError {
  override readonly name = 'RouteError';
  readonly code: RouteErrorCode;
  readonly retry: Retry;

  constructor(code: RouteErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = code === 'PSEUDONYMS_UNREADABLE' ? 'never' : 'safe';
  }
}
