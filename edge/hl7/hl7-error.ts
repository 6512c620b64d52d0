/** What is wrong with an HL7 message. The code stands with its dead letter; it names no patient. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type Hl7ErrorCode =
  | 'HL7_NOT_A_MESSAGE'
  | 'HL7_TOO_LARGE'
  | 'HL7_CUT'
  | 'HL7_VERSION'
  | 'HL7_TYPE_MISSING'
  | 'HL7_PATIENT_MISSING'
  | 'HL7_PRIOR_MISSING'
  | 'HL7_NUMBER_MISSING'
  | 'HL7_NEEDS_PERSON'
  | 'HL7_NOT_APPLIED';

export class Hl7Error extends GatewayError {
  override readonly name = 'Hl7Error';
  readonly retry: Retry = 'never';
  readonly code: Hl7ErrorCode;

  /** @param message what to do about it, without a value of the message */
  constructor(code: Hl7ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
