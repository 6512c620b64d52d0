/** Why a pseudonymised object does not get its identity back. The message names tags, never a value. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type RestoreErrorCode =
  /** A pseudonym stands where it can't be replaced, or would still stand there. */
  'PSEUDONYM_LEFT';

export class RestoreError extends GatewayError {
  override readonly name = 'RestoreError';
  readonly code: RestoreErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: RestoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
