/** A question about measures that can't be answered, and what to ask instead. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type MeasureErrorCode =
  | 'MEASURE_UNKNOWN'
  | 'MEASURE_DIMENSION'
  | 'MEASURE_VERSION'
  | 'MEASURES_NOT_BUILT'
  | 'MEASURES_ENDED'
  | 'MEASURE_ROWS_FORBIDDEN'
  | 'BACKLOAD_COLUMNS'
  | 'SQL_REFUSED'
  | 'SQL_PURPOSE'
  | 'SQL_TOO_LONG'
  | 'SQL_BUSY'
  | 'SUBSCRIPTION_ADDRESS'
  | 'SUBSCRIPTION_UNKNOWN'
  | 'SUBSCRIPTION_MANY'
  | 'SUBSCRIPTION_OFF';

const SAFE: readonly MeasureErrorCode[] = ['MEASURES_NOT_BUILT', 'MEASURES_ENDED', 'SQL_BUSY'];

export class MeasureError extends GatewayError {
  override readonly name = 'MeasureError';
  readonly code: MeasureErrorCode;

  constructor(code: MeasureErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get retry(): Retry {
    return SAFE.includes(this.code) ? 'safe' : 'never';
  }
}
