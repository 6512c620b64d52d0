/**
 * ORM^O01, OMG^O19, OMI^O23: examinations that are asked for, and how they stand. HL7 2.5 chapter 4.
 *
 *   each OBR with its ORC ─► order: number, status, procedure, time
 */
import { readConfidentiality } from '../../shared/confidentiality.ts';
import type { Coded, OrderFacts, OrderStatus, RecordChange } from '../index/records/types.ts';
import { Hl7Error } from './hl7-error.ts';
import type { Message, Segment } from './message.ts';
import { type OrderGroup, orderGroups } from './order-groups.ts';
import { personName, readPatient } from './patient.ts';
import { type Reading, timeOf } from './reading.ts';
import { firstValue } from './source.ts';

/** ORC-1, HL7 table 0119: what decides whatever ORC-5 says. */
const BY_CONTROL: Readonly<Record<string, OrderStatus>> = {
  ...{
    CA: 'cancelled',
    OC: 'cancelled',
    CR: 'cancelled',
    DC: 'cancelled',
    OD: 'cancelled',
    DR: 'cancelled',
  },
  ...{ HD: 'held', OH: 'held', HR: 'held', RL: 'requested', OE: 'requested' },
};
/** ORC-5, HL7 table 0038. */
const BY_STATUS: Readonly<Record<string, OrderStatus>> = {
  ...{ SC: 'scheduled', IP: 'in-progress', A: 'in-progress', CM: 'completed', CA: 'cancelled' },
  ...{ DC: 'cancelled', RP: 'cancelled', HD: 'held', ER: 'held' },
};

/** @throws Hl7Error `HL7_PATIENT_MISSING`, `HL7_NUMBER_MISSING` */
export function readOrders(message: Message, reading: Reading): RecordChange[] {
  const patient = readPatient(message.segments, reading);
  const groups = orderGroups(message);
  if (groups.length === 0)
    throw new Hl7Error('HL7_NUMBER_MISSING', 'there is no ORC and no OBR in the order');
  // PV1 stands with the patient, before the orders.
  const visit = message.segments.find(({ name }) => name === 'PV1');
  return groups.map((group) => ({
    kind: 'order',
    patient,
    order: readOrder(group, reading, visit),
  }));
}

function readOrder(group: OrderGroup, reading: Reading, visit: Segment | undefined): OrderFacts {
  const { segments } = group;
  const { zone, source } = reading;
  const named = (name: string): Segment | undefined => segments.find((one) => one.name === name);
  const [orc, obr, ipc] = [named('ORC'), named('OBR'), named('IPC')];
  const pv1 = named('PV1') ?? visit;
  const accessionNumber = firstValue(segments, source.accession);
  const placerNumber = firstFilled(orc?.text(2), obr?.text(2));
  const orderId = accessionNumber ?? placerNumber;
  if (orderId === undefined)
    throw new Hl7Error(
      'HL7_NUMBER_MISSING',
      'the order has no accession, filler or placer number; see hl7.accession',
    );
  const scheduledAt =
    timeOf(named('TQ1'), 7, zone) ?? timeOf(orc, 7, zone, 4) ?? timeOf(obr, 36, zone);
  const status = statusOf(orc, scheduledAt);
  return {
    orderId: orderId.slice(0, 64),
    accessionNumber: accessionNumber?.slice(0, 64),
    accessionIssuer: firstFilled(orc?.text(3, 2)),
    placerNumber,
    fillerNumber: firstFilled(orc?.text(3), obr?.text(3)),
    status,
    ...madeAt(obr, status, zone),
    patientClass: firstFilled(pv1?.text(2)),
    confidentiality: readConfidentiality(orc?.text(28) ?? ''),
    procedure: codedOf(obr, 4),
    modality: firstFilled(ipc?.text(5), obr?.text(24)),
    priority: firstFilled(named('TQ1')?.text(9), obr?.text(5), obr?.text(27, 6), orc?.text(7, 6)),
    scheduledAt,
    requestedAt: timeOf(orc, 9, zone) ?? timeOf(obr, 6, zone),
    referrer: obr && (personName(obr, 16, 0, 2) ?? (orc && personName(orc, 12, 0, 2))),
    location: firstFilled(pv1?.text(3, 4), orc?.text(13)),
    stationAETitle: firstFilled(ipc?.text(9)),
    reason: firstFilled(obr?.text(31, 2), obr?.text(31), obr?.text(13)),
    studyInstanceUID: studyUID(segments),
    stepId: firstFilled(ipc?.text(4), obr?.text(20)),
    requestedProcedureId: firstFilled(ipc?.text(2), obr?.text(19)),
  };
}

/** OBR-7 and OBR-8: of an examination that was not made yet they are a wish. */
function madeAt(
  obr: Segment | undefined,
  status: OrderStatus,
  zone: Reading['zone'],
): Pick<OrderFacts, 'startedAt' | 'endedAt'> {
  if (status !== 'completed' && status !== 'in-progress') return {};
  return { startedAt: timeOf(obr, 7, zone), endedAt: timeOf(obr, 8, zone) };
}

function statusOf(orc: Segment | undefined, scheduledAt: string | undefined): OrderStatus {
  const byControl = BY_CONTROL[orc?.text(1).toUpperCase() ?? ''];
  const byStatus = BY_STATUS[orc?.text(5).toUpperCase() ?? ''];
  return byControl ?? byStatus ?? (scheduledAt === undefined ? 'requested' : 'scheduled');
}

export function codedOf(segment: Segment | undefined, field: number): Coded | undefined {
  if (segment === undefined || segment.whole(field) === '') return undefined;
  const part = (component: number): string | null => segment.text(field, component) || null;
  return { code: part(1) ?? part(4), text: part(2) ?? part(5), system: part(3) ?? part(6) };
}

/** ZDS-1 (IHE RAD-4), IPC-3. */
export function studyUID(segments: readonly Segment[]): string | undefined {
  const zds = segments.find(({ name }) => name === 'ZDS')?.text(1);
  const ipc = segments.find(({ name }) => name === 'IPC')?.text(3);
  const uid = firstFilled(zds, ipc);
  return uid !== undefined && /^[0-9.]{3,64}$/.test(uid) ? uid : undefined;
}

export function firstFilled(...texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((text) => text !== undefined && text !== '');
}
