/** Why a telling of RIS or PAS can't be taken into the records; stands with the message's dead letter. */
import { GatewayError, type Retry } from '../../../shared/errors.ts';

export class RecordError extends GatewayError {
  override readonly name = 'RecordError';
  readonly retry: Retry = 'never';
  readonly code = 'HL7_OTHER_PATIENT' as const;
}
