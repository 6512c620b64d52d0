/**
 * Command sets: implicit VR little endian, group 0000. PS3.7 §6.3, §9.3, Annex E.
 *
 *   bytes ─► decodeCommand ─► CommandSet            fields by keyword ─► encodeCommand ─► bytes
 */
import { trimUID } from '../../shared/dicom/part10.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';

export class DimseError extends GatewayError {
  override readonly name = 'DimseError';
  readonly code: DimseErrorCode;
  readonly retry: Retry;

  constructor(code: DimseErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = RETRY[code];
  }
}

export type DimseErrorCode =
  | 'COMMAND_MALFORMED'
  | 'RESPONSE_TIMEOUT'
  | 'RESPONSE_MALFORMED'
  | 'ASSOCIATION_ENDED'
  | 'CONTEXT_NOT_ACCEPTED'
  /** What was to be sent could not be read to its end. */
  | 'SOURCE_FAILED'
  | 'IDENTIFIER_MALFORMED';

/** A peer whose answer did not come may have done what it was asked for. */
const RETRY: Readonly<Record<DimseErrorCode, Retry>> = {
  COMMAND_MALFORMED: 'never',
  RESPONSE_TIMEOUT: 'unsure',
  RESPONSE_MALFORMED: 'unsure',
  ASSOCIATION_ENDED: 'unsure',
  CONTEXT_NOT_ACCEPTED: 'never',
  SOURCE_FAILED: 'safe',
  IDENTIFIER_MALFORMED: 'never',
};

/** Command fields of requests; a response has bit 15 as well. PS3.7 table E.1-1. */
export const CommandField = {
  cStoreRQ: 0x0001,
  cGetRQ: 0x0010,
  cFindRQ: 0x0020,
  cMoveRQ: 0x0021,
  cEchoRQ: 0x0030,
  nEventReportRQ: 0x0100,
  nGetRQ: 0x0110,
  nSetRQ: 0x0120,
  nActionRQ: 0x0130,
  nCreateRQ: 0x0140,
  nDeleteRQ: 0x0150,
  cCancelRQ: 0x0fff,
} as const;
export const RESPONSE_BIT = 0x8000;

/** (0000,0800) when no data set follows. */
export const NO_DATA_SET = 0x0101;
const WITH_DATA_SET = 0x0001;

/** Elements by keyword: their number and form. */
const ELEMENTS = {
  AffectedSOPClassUID: [0x0002, 'UI'],
  RequestedSOPClassUID: [0x0003, 'UI'],
  CommandField: [0x0100, 'US'],
  MessageID: [0x0110, 'US'],
  MessageIDBeingRespondedTo: [0x0120, 'US'],
  MoveDestination: [0x0600, 'AE'],
  Priority: [0x0700, 'US'],
  CommandDataSetType: [0x0800, 'US'],
  Status: [0x0900, 'US'],
  ErrorComment: [0x0902, 'LO'],
  AffectedSOPInstanceUID: [0x1000, 'UI'],
  RequestedSOPInstanceUID: [0x1001, 'UI'],
  EventTypeID: [0x1002, 'US'],
  ActionTypeID: [0x1008, 'US'],
  NumberOfRemainingSuboperations: [0x1020, 'US'],
  NumberOfCompletedSuboperations: [0x1021, 'US'],
  NumberOfFailedSuboperations: [0x1022, 'US'],
  NumberOfWarningSuboperations: [0x1023, 'US'],
  MoveOriginatorApplicationEntityTitle: [0x1030, 'AE'],
  MoveOriginatorMessageID: [0x1031, 'US'],
} as const;
type Keyword = keyof typeof ELEMENTS;
type ValueOf<K extends Keyword> = (typeof ELEMENTS)[K][1] extends 'US' ? number : string;
export type CommandFields = { readonly [K in Keyword]?: ValueOf<K> | undefined };

/** A command that was received. Absent text is '', an absent number undefined. */
export interface CommandSet {
  text(keyword: Keyword): string;
  number(keyword: Keyword): number | undefined;
  readonly hasDataSet: boolean;
}

/** @throws DimseError `COMMAND_MALFORMED` */
export function decodeCommand(bytes: Buffer): CommandSet {
  const values = new Map<number, Buffer>();
  let at = 0;
  while (at + 8 <= bytes.length) {
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (bytes.readUInt16LE(at) !== 0 || end > bytes.length) throw malformed();
    values.set(bytes.readUInt16LE(at + 2), bytes.subarray(at + 8, end));
    at = end;
  }
  if (at !== bytes.length) throw malformed();
  const number = (keyword: Keyword): number | undefined => {
    const value = values.get(ELEMENTS[keyword][0]);
    return value !== undefined && value.length >= 2 ? value.readUInt16LE(0) : undefined;
  };
  return {
    number,
    text: (keyword) => trimUID(values.get(ELEMENTS[keyword][0])?.toString('latin1') ?? ''),
    hasDataSet: (number('CommandDataSetType') ?? NO_DATA_SET) !== NO_DATA_SET,
  };
}

const malformed = (): DimseError =>
  new DimseError('COMMAND_MALFORMED', 'a command set that can not be read');

/** In the order of their tags, with the group length in front. Undefined fields are left out. */
export function encodeCommand(fields: CommandFields, hasDataSet: boolean): Buffer {
  const all = { ...fields, CommandDataSetType: hasDataSet ? WITH_DATA_SET : NO_DATA_SET };
  const elements = (Object.entries(all) as [Keyword, string | number | undefined][])
    .filter(([, value]) => value !== undefined)
    .map(([keyword, value]) => ({
      number: ELEMENTS[keyword][0],
      value: encodedValue(keyword, value),
    }))
    .sort((a, b) => a.number - b.number)
    .map(({ number, value }) => element(number, value));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(elements.reduce((sum, { length }) => sum + length, 0));
  return Buffer.concat([element(0x0000, length), ...elements]);
}

function encodedValue(keyword: Keyword, value: string | number | undefined): Buffer {
  const [, vr] = ELEMENTS[keyword];
  if (vr === 'US') {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(Number(value));
    return bytes;
  }
  const text = String(value);
  const pad = vr === 'UI' ? '\0' : ' ';
  return Buffer.from(text.length % 2 === 0 ? text : `${text}${pad}`, 'latin1');
}

function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}
