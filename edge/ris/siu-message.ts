/** A booking of the hub as the RIS takes it: SIU^S12 and SIU^S15, HL7 2.5 chapter 10. Pure. */
import { createHash } from 'node:crypto';
import type { BookingCommand } from '../../shared/contract/commands.ts';

export interface SiuParts {
  readonly command: BookingCommand;
  readonly trust: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly receiver: { readonly application: string; readonly facility: string };
}

/** The same for every try, so that the RIS knows a message that comes again. MSH-10 has 20 characters. */
export const controlIdOf = (commandId: string): string =>
  createHash('sha256').update(commandId).digest('hex').slice(0, 20).toUpperCase();

/** In UTF-8, segments ended by CR. */
export function siuMessage({ command, trust, now, receiver }: SiuParts): string {
  const { action, bookingId, appointmentId, minutes, procedure, resource, placerNumber } = command;
  const [event, status] = action === 'book' ? ['S12', 'Booked'] : ['S15', 'Cancelled'];
  const start = stamp(Date.parse(command.start));
  const end = stamp(Date.parse(command.start) + minutes * 60_000);
  const exam = [procedure.code, procedure.text, 'NICIP'].map(escaped).join('^');
  const sch: Record<number, string> = {
    ...{ 1: escaped(bookingId), 2: escaped(appointmentId ?? '') },
    ...{ 6: escaped(command.reason), 7: exam, 9: String(minutes), 10: 'min' },
    ...{ 11: `^^${minutes}^${start}^${end}`, 16: 'CDIP', 20: 'CDIP' },
    ...{ 25: status, 26: escaped(placerNumber ?? '') },
  };
  const aig: Record<number, string> = {
    1: '1',
    3: escaped(resource),
    8: start,
    11: String(minutes),
    12: 'min',
  };
  const ais: Record<number, string> = { 1: '1', 3: exam, 4: start, 7: String(minutes), 8: 'min' };
  return [
    mshOf({ command, trust, now, receiver, event: event ?? '' }),
    segment('SCH', sch),
    pidOf(command),
    segment('RGS', { 1: '1' }),
    segment('AIS', ais),
    segment('AIG', aig),
    '',
  ].join('\r');
}

function mshOf({ command, trust, now, receiver, event }: SiuParts & { event: string }): string {
  const { application, facility } = receiver;
  const sender = ['CDIP', trust, application, facility].map(escaped);
  return [
    ...['MSH', '^~\\&', ...sender, stamp(now), '', `SIU^${event}^SIU_S12`],
    ...[controlIdOf(command.id), 'P', '2.5', '', '', '', '', '', 'UNICODE UTF-8'],
  ].join('|');
}

/** The patient's own number first, then the NHS number: HL7 table 0203, MR and NH. */
function pidOf({ patient }: BookingCommand): string {
  const { patientId, issuer, nhsNumber, patientName = '', birthDate = '', sex = '' } = patient;
  const numbers = [
    `${escaped(patientId)}^^^${escaped(issuer)}^MR`,
    ...(nhsNumber === undefined ? [] : [`${nhsNumber}^^^NHS^NH`]),
  ];
  // PN has prefix and suffix the other way round than XPN; PS3.5 §6.2.1.2.
  const [family = '', given = '', middle = '', prefix = '', suffix = ''] = patientName
    .split('=')[0]
    ?.split('^') ?? [''];
  const name = [family, given, middle, suffix, prefix].map(escaped).join('^').replace(/\^+$/, '');
  return segment('PID', { 1: '1', 3: numbers.join('~'), 5: name, 7: birthDate, 8: sex });
}

function segment(name: string, fields: Readonly<Record<number, string>>): string {
  const last = Math.max(...Object.keys(fields).map(Number));
  return [name, ...Array.from({ length: last }, (_, at) => fields[at + 1] ?? '')]
    .join('|')
    .replace(/\|+$/, '');
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ '|': '\\F\\', '^': '\\S\\', '&': '\\T\\', '~': '\\R\\', '\\': '\\E\\' },
};

/** No character of a value ends its field or its segment. */
const escaped = (text: string): string =>
  text.replace(/[|^&~\\]/g, (one) => ESCAPES[one] ?? '').replace(/[\r\n]+/g, ' ');

/** With the offset: the receiver's clock may be set otherwise. */
const stamp = (ms: number): string =>
  `${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14)}+0000`;
