/** Why a study is not taken as a teaching file, or a file is not shown or withdrawn. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type TeachingErrorCode =
  /** There is none, or none any more, or not for the asker. */
  | 'TEACHING_UNKNOWN'
  | 'TEACHING_FORBIDDEN'
  /** The note names the patient. */
  | 'NOTE_NAMES_PATIENT'
  /** It is kept closer than others. */
  | 'TEACHING_RESTRICTED'
  | 'TEACHING_ENDED'
  /** Several trusts claim the study. */
  | 'HOME_AMBIGUOUS';

export class TeachingError extends GatewayError {
  override readonly name = 'TeachingError';
  readonly retry: Retry = 'never';
  readonly code: TeachingErrorCode;

  constructor(code: TeachingErrorCode, detail: string) {
    super(detail);
    this.code = code;
  }
}
