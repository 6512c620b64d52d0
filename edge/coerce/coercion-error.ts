/** Why an object can't be given the local identity. The message never holds a value of a patient. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type CoercionErrorCode =
  /** The local Patient ID can't stand in an object: empty, or with a backslash or control character. */
  | 'PATIENT_ID_UNUSABLE'
  /** The local Patient ID has characters that this object's character set has not. */
  | 'PATIENT_ID_NOT_ENCODABLE'
  /** Nothing to restore: no change of ours is recorded in the object. */
  | 'NOT_COERCED';

export class CoercionError extends GatewayError {
  override readonly name = 'CoercionError';
  readonly code: CoercionErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: CoercionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
