/** Why a DICOMweb request is not answered with what it asked for. PS3.18 §8.5. */
import { GatewayError, type Retry } from '../../shared/errors.ts';

export type DicomWebErrorCode =
  | 'INVALID_QUERY'
  | 'INVALID_RANGE'
  | 'RANGE_NOT_SATISFIABLE'
  | 'RESOURCE_NOT_FOUND'
  | 'RESOURCE_GONE'
  | 'NO_PIXELS'
  | 'FRAME_NOT_FOUND'
  | 'NOT_ACCEPTABLE'
  | 'MEDIA_TYPE_UNSUPPORTED'
  | 'MULTIPART_MALFORMED'
  | 'STUDY_CONFLICT'
  | 'PIXELS_UNREADABLE';

const STATUS: Readonly<Record<DicomWebErrorCode, number>> = {
  INVALID_QUERY: 400,
  INVALID_RANGE: 400,
  MULTIPART_MALFORMED: 400,
  RESOURCE_NOT_FOUND: 404,
  NO_PIXELS: 404,
  FRAME_NOT_FOUND: 404,
  NOT_ACCEPTABLE: 406,
  STUDY_CONFLICT: 409,
  RESOURCE_GONE: 410,
  MEDIA_TYPE_UNSUPPORTED: 415,
  RANGE_NOT_SATISFIABLE: 416,
  PIXELS_UNREADABLE: 422,
};

export class DicomWebError extends GatewayError {
  override readonly name = 'DicomWebError';
  readonly code: DicomWebErrorCode;
  readonly retry: Retry = 'never';

  constructor(code: DicomWebErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get httpStatus(): number {
    return STATUS[this.code];
  }
}
