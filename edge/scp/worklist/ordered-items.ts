/**
 * Scheduled procedure steps from the orders that the RIS told. PS3.4 Annex K.6, IHE SWF.b RAD-5.
 *
 *   orders that are to be done ─► with the patient in force ─► worklist items
 */
import { createHash } from 'node:crypto';
import {
  type Entry,
  readSmallDataSet,
  type SmallDataSet,
  writeSmallDataSet,
} from '../../../shared/dicom/small-data-set.ts';
import { Tag } from '../../../shared/dicom/tag.ts';
import { localDateTime, type ZonedClock } from '../../../shared/time-zone.ts';
import type { OrderRow } from '../../index/records/orders.ts';
import type { Records } from '../../index/records/records.ts';

const EXPLICIT_LITTLE_ENDIAN = '1.2.840.10008.1.2.1';
const DAY_MS = 86_400_000;
const BEHIND_MS = DAY_MS;
const AHEAD_MS = 30 * DAY_MS;
/** A request without a time is good for so long. */
const UNSCHEDULED_MS = 30 * DAY_MS;
const MAX_ITEMS = 5_000;

const WorklistTag = {
  RequestingPhysician: 0x0032_1032,
  RequestedProcedureDescription: 0x0032_1060,
  RequestedProcedureCodeSequence: 0x0032_1064,
  CurrentPatientLocation: 0x0038_0300,
  ScheduledStationAETitle: 0x0040_0001,
  ScheduledProcedureStepStartDate: 0x0040_0002,
  ScheduledProcedureStepStartTime: 0x0040_0003,
  ScheduledProcedureStepDescription: 0x0040_0007,
  ScheduledProcedureStepID: 0x0040_0009,
  ScheduledProcedureStepLocation: 0x0040_0011,
  ScheduledProcedureStepSequence: 0x0040_0100,
  RequestedProcedureID: 0x0040_1001,
  ReasonForTheRequestedProcedure: 0x0040_1002,
  RequestedProcedurePriority: 0x0040_1003,
  PlacerOrderNumber: 0x0040_2016,
  FillerOrderNumber: 0x0040_2017,
  CodeValue: 0x0008_0100,
  CodingSchemeDesignator: 0x0008_0102,
  CodeMeaning: 0x0008_0104,
} as const;

export interface OrderedItemsOptions {
  readonly trust: string;
  readonly records: Pick<Records, 'orders' | 'patients'>;
  readonly zone: ZonedClock;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** @returns gives the items as the orders are when it is called */
export function orderedItems(options: OrderedItemsOptions): () => SmallDataSet[] {
  return () => {
    const now = options.now();
    const at = (ms: number): string => new Date(ms).toISOString();
    const orders = options.records.orders.toBeDone({
      ...{ from: at(now - BEHIND_MS), to: at(now + AHEAD_MS), since: at(now - UNSCHEDULED_MS) },
      limit: MAX_ITEMS,
    });
    return orders.map((order) => itemOf(order, options));
  };
}

function itemOf(order: OrderRow, options: OrderedItemsOptions): SmallDataSet {
  const entries = [...patientEntries(order, options), ...requestEntries(order, options.trust)];
  const steps: Entry = [WorklistTag.ScheduledProcedureStepSequence, [stepEntries(order, options)]];
  return readSmallDataSet(
    EXPLICIT_LITTLE_ENDIAN,
    writeSmallDataSet(EXPLICIT_LITTLE_ENDIAN, [...entries, steps]),
  );
}

/** Under the number in force, so that what the modality sends is filed where it belongs. */
function patientEntries(order: OrderRow, { records: { patients } }: OrderedItemsOptions): Entry[] {
  const patient = patients.patientOf(patients.inForce(order));
  const nhs: Entry[] = [
    [Tag.PatientID, patient.nhsNumber ?? ''],
    [Tag.IssuerOfPatientID, 'NHS'],
    [Tag.TypeOfPatientID, 'TEXT'],
  ];
  return [
    [Tag.PatientName, patient.name ?? ''],
    [Tag.PatientID, patient.patientId],
    [Tag.IssuerOfPatientID, patient.issuer],
    [Tag.PatientBirthDate, patient.birthDate ?? ''],
    [Tag.PatientSex, patient.sex ?? ''],
    ...(patient.nhsNumber === null ? [] : [[Tag.OtherPatientIDsSequence, [nhs]] as Entry]),
  ];
}

function requestEntries(order: OrderRow, trust: string): Entry[] {
  const { procedureCode, procedureSystem, procedureText } = order;
  const code: Entry[] = [
    [WorklistTag.CodeValue, (procedureCode ?? '').slice(0, 16)],
    [WorklistTag.CodingSchemeDesignator, (procedureSystem ?? '99LOCAL').slice(0, 16)],
    [WorklistTag.CodeMeaning, (procedureText ?? procedureCode ?? '').slice(0, 64)],
  ];
  return [
    [Tag.AccessionNumber, order.accessionNumber ?? ''],
    [Tag.ReferringPhysicianName, order.referrer ?? ''],
    [Tag.StudyInstanceUID, order.studyInstanceUID ?? studyUIDOf(order, trust)],
    [WorklistTag.RequestingPhysician, order.referrer ?? ''],
    [
      WorklistTag.RequestedProcedureDescription,
      (procedureText ?? procedureCode ?? '').slice(0, 64),
    ],
    ...(procedureCode === null
      ? []
      : [[WorklistTag.RequestedProcedureCodeSequence, [code]] as Entry]),
    [WorklistTag.CurrentPatientLocation, (order.location ?? '').slice(0, 64)],
    [WorklistTag.RequestedProcedureID, (order.requestedProcedureId ?? order.orderId).slice(0, 16)],
    [WorklistTag.ReasonForTheRequestedProcedure, (order.reason ?? '').slice(0, 64)],
    [WorklistTag.RequestedProcedurePriority, priorityOf(order.priority)],
    [WorklistTag.PlacerOrderNumber, order.placerNumber ?? ''],
    [WorklistTag.FillerOrderNumber, order.fillerNumber ?? ''],
  ];
}

/** What has no time is to be done as soon as it can: today. */
function stepEntries(order: OrderRow, { zone, now }: OrderedItemsOptions): Entry[] {
  const when = order.scheduledAt ?? new Date(now()).toISOString();
  const { date, time } = localDateTime(when, zone);
  const { procedureText, procedureCode } = order;
  return [
    [Tag.Modality, order.modality ?? ''],
    [WorklistTag.ScheduledStationAETitle, (order.stationAETitle ?? '').slice(0, 16)],
    [WorklistTag.ScheduledProcedureStepStartDate, date],
    [WorklistTag.ScheduledProcedureStepStartTime, order.scheduledAt === null ? '' : time],
    [
      WorklistTag.ScheduledProcedureStepDescription,
      (procedureText ?? procedureCode ?? '').slice(0, 64),
    ],
    [WorklistTag.ScheduledProcedureStepID, (order.stepId ?? order.orderId).slice(0, 16)],
    [WorklistTag.ScheduledProcedureStepLocation, (order.location ?? '').slice(0, 16)],
  ];
}

/** HL7 table 0027 and words, to the terms of (0040,1003). */
function priorityOf(priority: string | null): string {
  const letter = (priority ?? '').toUpperCase();
  if (/^(S|STAT|IMMEDIATE)$/.test(letter)) return 'STAT';
  if (/^(A|U|URGENT|ASAP|HIGH|H|2WW)$/.test(letter)) return 'HIGH';
  return 'ROUTINE';
}

/** The RIS gave none: always the same for the same order. PS3.5 Annex B.2. */
function studyUIDOf({ orderId }: OrderRow, trust: string): string {
  const digest = createHash('sha256').update(`order\0${trust}\0${orderId}`).digest('hex');
  return `2.25.${BigInt(`0x${digest.slice(0, 32)}`)}`;
}
