/** Why data on the disk can not be used by this version of the program. Nothing was changed. */
import { GatewayError, type Retry } from '../errors.ts';

export type DataErrorCode =
  /** A newer version has changed its form. */
  | 'DATA_NEWER'
  /** Its form has to be changed, and there is no room for the copy that is made before. */
  | 'DATA_COPY_NO_ROOM';

export class DataError extends GatewayError {
  override readonly name = 'DataError';
  readonly code: DataErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: DataErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
