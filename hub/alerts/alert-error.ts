/** What can be wrong with a request about alerts or maintenance. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type AlertErrorCode =
  | 'ALERT_UNKNOWN'
  | 'ALERT_ENDED'
  | 'MAINTENANCE_UNKNOWN'
  | 'ALERT_FORBIDDEN';

export class AlertError extends GatewayError {
  override readonly name = 'AlertError';
  readonly retry: Retry = 'never';
  readonly code: AlertErrorCode;

  constructor(code: AlertErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
