/** A timetable or a list of postcodes that can't be used. */
import { GatewayError } from '../../../shared/errors.ts';

export type TravelDataErrorCode =
  | 'TRAVEL_DATA_UNREADABLE'
  | 'TRAVEL_DATA_COLUMN'
  | 'TRAVEL_DATA_REFERENCE'
  | 'TRAVEL_DATA_EMPTY';

const WORDS: Readonly<Record<TravelDataErrorCode, string>> = {
  TRAVEL_DATA_UNREADABLE: 'This file can not be read as CSV',
  TRAVEL_DATA_COLUMN: 'A column is missing',
  TRAVEL_DATA_REFERENCE: 'Something is named that no other file has',
  TRAVEL_DATA_EMPTY: 'Nothing in it can be used',
};

export class TravelDataError extends GatewayError {
  override readonly name = 'TravelDataError';
  readonly retry = 'never';
  readonly code: TravelDataErrorCode;

  /** @param where file, and what of it */
  constructor(code: TravelDataErrorCode, where: string, options?: ErrorOptions) {
    super(`${WORDS[code]}: ${where}`, options);
    this.code = code;
  }
}
