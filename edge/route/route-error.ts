/** What a destination that is no DICOM peer could not do, and what a rule or a project forbids. */
import { GatewayError, type Retry } from '../../shared/errors.ts';
import { DestinationError } from '../deliver/destination.ts';

export class RouteError extends GatewayError {
  override readonly name = 'RouteError';
  readonly retry: Retry = 'never';
  /** What was kept of a project's pseudonyms does not open with its key. */
  readonly code = 'PSEUDONYMS_UNREADABLE';
}

export type ServiceErrorCode =
  /** The folder can't be written: missing, full, not allowed. */
  | 'FOLDER_IO'
  /** The DICOMweb service does not answer. */
  | 'STOW_UNREACHABLE'
  /** It answers that it does not work now, or that we may not. */
  | 'STOW_REFUSED'
  /** The file with the token, or of who may have signed, can't be read. */
  | 'STOW_SECRET';

export class ServiceError extends DestinationError {
  override readonly name = 'ServiceError';
  readonly retry: Retry = 'safe';
  readonly code: ServiceErrorCode;
  readonly isDown: boolean;

  constructor(
    code: ServiceErrorCode,
    message: string,
    { isDown, ...options }: ErrorOptions & { readonly isDown: boolean },
  ) {
    super(message, options);
    this.code = code;
    this.isDown = isDown;
  }
}
