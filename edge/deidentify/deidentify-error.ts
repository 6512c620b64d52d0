/** Why a run of the de-identifier can't begin, or go on. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type DeidentifyErrorCode =
  /** Others than its owner may read the project's key. */
  | 'KEY_FILE_EXPOSED'
  /** No key, or it stands where the objects go. */
  | 'KEY_FILE_INVALID'
  | 'PROJECT_NAME'
  | 'INPUT_MISSING'
  /** One of the two folders is the other, or lies in it. */
  | 'FOLDERS_OVERLAP'
  /** The folder holds something that this project's runs did not make. */
  | 'OUTPUT_IN_USE'
  /** The disk is full, or failed; the same again goes on. */
  | 'OUTPUT_FAILED'
  | 'MASKS_INVALID';

export class DeidentifyError extends GatewayError {
  override readonly name = 'DeidentifyError';
  readonly code: DeidentifyErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: DeidentifyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
