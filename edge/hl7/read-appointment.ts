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
    minutes: minutesOf(sch.text(9), sch.text(10)) ?? minutesOf(ais?.text(7), ais?.text(8)),
    procedure: codedOf(ais, 3) ?? codedOf(sch, 8),
    resource: firstFilled(aig?.text(3, 2), aig?.text(3)),
    location: firstFilled(ail?.text(3, 4), ail?.text(3)),
    placerNumber: firstFilled(sch.text(26)),
    fillerNumber: firstFilled(sch.text(27)),
    reason: firstFilled(sch.text(6, 2), sch.text(6)),
    placerAppointmentId: firstFilled(sch.text(1))?.slice(0, 64),
  };
  return [{ kind: 'appointment', patient: readPatient(segments, reading), appointment }];
}

function minutesOf(duration: string | undefined, unit = ''): number | undefined {
  const number = Number(duration);
  if (duration === undefined || duration === '' || !Number.isFinite(number) || number <= 0)
    return undefined;
  const letter = unit.toLowerCase();
  if (letter.startsWith('s')) return Math.max(1, Math.round(number / 60));
  return Math.round(letter.startsWith('h') ? number * 60 : number);
}
