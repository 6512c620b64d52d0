/** SIU: bookings. HL7 2.5 chapter 10. */
import type { AppointmentFacts, AppointmentStatus, RecordChange } from '../index/records/types.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Message, Segment } from './message.ts';
import { readPatient } from './patient.ts';
import { codedOf, firstFilled } from './read-order.ts';
import { type Reading, timeOf } from './reading.ts';

const BY_EVENT: Readonly<Record<string, AppointmentStatus>> = {
  ...{ S15: 'cancelled', S16: 'cancelled', S17: 'deleted', S26: 'missed' },
};
/** SCH-25, HL7 table 0278. */
const BY_STATUS: Readonly<Record<string, AppointmentStatus>> = {
  ...{ CANCELLED: 'cancelled', DC: 'cancelled', DELETED: 'deleted', NOSHOW: 'missed' },
  ...{ COMPLETE: 'attended', STARTED: 'attended' },
};

/** @throws Hl7Error `HL7_PATIENT_MISSING`, `HL7_NUMBER_MISSING` */
export function readAppointment(message: Message, reading: Reading): RecordChange[] {
  const { segments, event } = message;
  const named = (name: string): Segment | undefined => segments.find((one) => one.name === name);
  const sch = named('SCH');
  const appointmentId = firstFilled(sch?.text(2), sch?.text(1));
  if (sch === undefined || appointmentId === undefined)
    throw new Hl7Error('HL7_NUMBER_MISSING', 'the booking has no number in SCH-1 or SCH-2');
  const { zone } = reading;
  const [ais, aig, ail] = [named('AIS'), named('AIG'), named('AIL')];
  const startsAt =
    timeOf(named('TQ1'), 7, zone) ??
    timeOf(sch, 11, zone, 4) ??
    timeOf(ais, 4, zone) ??
    timeOf(aig, 8, zone);
  const appointment: AppointmentFacts = {
    appointmentId: appointmentId.slice(0, 64),
    status: BY_EVENT[event] ?? BY_STATUS[sch.text(25).toUpperCase()] ?? 'booked',
    startsAt,
    minutes: minutesTold(segments, { sch, startsAt, zone }),
    procedure: codedOf(ais, 3) ?? codedOf(sch, 8),
    resource: firstFilled(aig?.text(3, 2), aig?.text(3)),
    location: firstFilled(ail?.text(3, 4), ail?.text(3)),
    resources: resourcesNamed(segments),
    placerNumber: firstFilled(sch.text(26)),
    fillerNumber: firstFilled(sch.text(27)),
    reason: firstFilled(sch.text(6, 2), sch.text(6)),
    placerAppointmentId: firstFilled(sch.text(1))?.slice(0, 64),
  };
  return [{ kind: 'appointment', patient: readPatient(segments, reading), appointment }];
}

/**
 * All that AIG-3 and AIL-3 name: which of them is the scanner, and which a person or a site, each RIS orders otherwise.
 */
function resourcesNamed(segments: readonly Segment[]): string[] {
  const names = segments.flatMap((segment) => {
    if (segment.name === 'AIG') return [segment.text(3, 2), segment.text(3)];
    if (segment.name === 'AIL') return [segment.text(3, 4), segment.text(3), segment.text(3, 2)];
    return [];
  });
  return [...new Set(names.filter((name) => name !== ''))].slice(0, MAX_NAMES);
}

const MAX_NAMES = 20;
/** Where a part of the appointment has its start, how long it is, and the unit of that. */
const PARTS: Readonly<Record<string, readonly [number, number, number]>> = {
  ...{ AIS: [4, 7, 8], AIG: [8, 11, 12], AIL: [6, 9, 10] },
};

/**
 * As the whole is said to last; else to the end that is told; else to the end of its last part. What nobody tells is
 * left to the diary's slots.
 */
function minutesTold(
  segments: readonly Segment[],
  { sch, startsAt, zone }: Pick<Reading, 'zone'> & { sch: Segment; startsAt: string | undefined },
): number | undefined {
  const tq1 = segments.find(({ name }) => name === 'TQ1');
  const whole =
    minutesOf(sch.text(9), sch.text(10)) ??
    minutesOf(tq1?.text(6), tq1?.text(6, 2)) ??
    minutesOfTiming(sch.text(11, 3));
  if (whole !== undefined || startsAt === undefined) return whole;
  const begins = Date.parse(startsAt);
  const end = timeOf(tq1, 8, zone) ?? timeOf(sch, 11, zone, 5);
  const ends = segments.flatMap((segment) => {
    const [start = 0, duration = 0, unit = 0] = PARTS[segment.name] ?? [];
    const minutes = start === 0 ? undefined : minutesOf(segment.text(duration), segment.text(unit));
    if (minutes === undefined) return [];
    return Date.parse(timeOf(segment, start, zone) ?? startsAt) + minutes * MINUTE_MS;
  });
  const minutes =
    (Math.max(...(end === undefined ? ends : [Date.parse(end)])) - begins) / MINUTE_MS;
  return minutes >= 1 && minutes <= DAY_MINUTES ? Math.round(minutes) : undefined;
}

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1_440;

/** TQ-3: a number with its unit before it, `M30`; without one, minutes. HL7 2.5 §2.A.81. */
function minutesOfTiming(text: string): number | undefined {
  const [, unit = '', number] = /^([SMH]?)(\d{1,5})$/i.exec(text) ?? [];
  return minutesOf(number, unit);
}

function minutesOf(duration: string | undefined, unit = ''): number | undefined {
  const number = Number(duration);
  if (duration === undefined || duration === '' || !Number.isFinite(number) || number <= 0)
    return undefined;
  const letter = unit.toLowerCase();
  if (letter.startsWith('s')) return Math.max(1, Math.round(number / 60));
  return Math.round(letter.startsWith('h') ? number * 60 : number);
}
