/** An event of a trust as rows of what was told: patients under keys, times in UTC, words in the network's terms. */
import type {
  AppointmentEvent,
  DoseEvent,
  OrderEvent,
  Patient,
  PatientEvent,
  ReportEvent,
  StudyEvent,
} from '../../shared/contract/events.ts';
import { utcOfLocal, zoneOf } from '../../shared/time-zone.ts';
import type { CountedEvent } from '../projection/measure-inbox.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import type { KindName, ToldRow } from './told.ts';

export interface KindRow {
  readonly kind: KindName;
  readonly row: ToldRow;
}

/** Clocks on the walls of the network's sites. BI-02. */
const LONDON = zoneOf('Europe/London');
/** Objects that come along and say nothing of what was imaged. */
const BESIDE: ReadonlySet<string> = new Set(['SR', 'PR', 'KO', 'DOC', 'SEG', 'REG', 'OT', 'AU']);

/** None: nothing of it is counted. */
export function rowsOfEvent(event: CountedEvent, keys: Pseudonyms): KindRow[] {
  if (event.kind === 'dose') return doseRows(event).map((row) => ({ kind: 'dose', row }));
  const who = whoOf(event.trust, event.patient, keys);
  switch (event.kind) {
    case 'patient':
      return [{ kind: 'patient', row: { ...who, ...patientRow(event, keys) } }];
    case 'order':
      return [{ kind: 'order', row: { ...who, ...orderRow(event) } }];
    case 'report':
      return [{ kind: 'report', row: { ...who, ...reportRow(event) } }];
    case 'appointment':
      return [{ kind: 'appointment', row: { ...who, ...appointmentRow(event) } }];
    case 'study':
      // A copy is no examination of the trust that holds it.
      return event.home === event.trust
        ? [{ kind: 'study', row: { ...who, ...studyRow(event) } }]
        : [];
  }
}

const whoOf = (trust: string, patient: Patient, keys: Pseudonyms): ToldRow => ({
  trust,
  patient_key: keys.ofPatient(trust, patient),
  nhs_key: keys.ofNhsNumber(patient.nhsNumber),
});

const patientRow = (event: PatientEvent, keys: Pseudonyms): ToldRow => ({
  as_of: event.asOf,
  nhs_status: event.nhsNumberStatus,
  birth_month: monthOf(event.patient.birthDate),
  sex: event.patient.sex,
  restricted: event.restricted,
  deleted: event.deleted,
  merged_into: event.mergedInto && keys.ofPatient(event.trust, event.mergedInto),
});

const orderRow = (event: OrderEvent): ToldRow => ({
  exam: event.accessionNumber ?? event.orderId,
  as_of: event.asOf,
  status: event.status,
  placer: event.placerNumber,
  filler: event.fillerNumber,
  requested_at: event.requestedAt,
  scheduled_at: event.scheduledAt,
  started_at: event.startedAt,
  ended_at: event.endedAt,
  code: event.procedure?.code,
  code_system: event.procedure?.system,
  modality: event.modality?.toUpperCase(),
  priority: event.priority,
  setting: settingOf(event.patientClass),
  site: event.location,
  study_uid: event.studyInstanceUID,
});

const reportRow = (event: ReportEvent): ToldRow => ({
  report_id: event.reportId,
  version: event.version,
  status: event.status,
  issued_at: event.issuedAt,
  exams: event.accessionNumbers,
  study_uids: event.studyInstanceUIDs,
  started_at: event.startedAt,
  ended_at: event.endedAt,
  provider: event.authorOrganisation,
});

const appointmentRow = (event: AppointmentEvent): ToldRow => ({
  appointment_id: event.appointmentId,
  as_of: event.asOf,
  status: event.status,
  starts_at: event.startsAt,
  minutes: event.minutes,
  resource: event.resource,
  placer: event.placerNumber,
  filler: event.fillerNumber,
  reason: event.reason,
});

const studyRow = (event: StudyEvent): ToldRow => ({
  study_uid: event.studyInstanceUID,
  as_of: event.at,
  exam: event.accessionNumber,
  started_at: momentOf(event.studyDate, event.studyTime),
  modality: imagedBy(event),
  region: event.series.find(({ bodyPart }) => bodyPart !== null)?.bodyPart?.toUpperCase(),
  deleted: event.deleted,
  performed_started_at: event.performed?.startedAt,
  performed_ended_at: event.performed?.endedAt,
});

const doseRows = ({ trust, irradiations, ...report }: DoseEvent): ToldRow[] =>
  irradiations.map((one) => ({
    trust,
    exam: report.accessionNumber ?? report.studyInstanceUID,
    event_uid: one.eventUID,
    as_of: one.startedAt,
    modality: report.modality,
    protocol: one.protocol,
    device: report.device,
    ctdivol_mgy: one.isLocaliser ? null : one.ctdivolMGy,
    dlp_mgycm: one.dlpMGyCm,
    dap_gycm2: one.dapGyCm2,
    reference_point_mgy: one.referencePointMGy,
    fluoro_seconds: one.fluoroSeconds,
    glandular_mgy: one.glandularMGy,
    activity_mbq: one.activityMBq,
    study_uid: report.studyInstanceUID,
  }));

function imagedBy({ series, nearline }: StudyEvent): string | undefined {
  const all = [...series.map(({ modality }) => modality), ...(nearline?.modalities ?? [])];
  const imaged = all.filter((one) => one !== null && !BESIDE.has(one));
  return imaged.toSorted()[0] ?? undefined;
}

/** PV1-2, HL7 table 0004, as the settings that measures are split by. */
export function settingOf(patientClass: string | null | undefined): string | null {
  switch (patientClass?.toUpperCase()) {
    case 'I':
      return 'inpatient';
    case 'E':
      return 'emergency';
    case 'O':
    case 'R':
    case 'P':
      return 'outpatient';
    default:
      return null;
  }
}

const monthOf = (date: string | null): string | null =>
  date === null || !/^\d{8}$/.test(date) ? null : `${date.slice(0, 4)}-${date.slice(4, 6)}-01`;

/** StudyDate and StudyTime by the clock on the wall; in the hour that comes twice, the first. */
export function momentOf(date: string | null, time: string | null): string | null {
  if (date === null || !/^\d{8}$/.test(date)) return null;
  const clock = /^(\d{2})(\d{2})(\d{2})?/.exec(time ?? '');
  if (clock === null) return null;
  const [, hours = '', minutes = '', seconds = '00'] = clock;
  const day = `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`;
  const wall = Date.parse(`${day}T${hours}:${minutes}:${seconds}Z`);
  if (Number.isNaN(wall)) return null;
  return new Date(utcOfLocal(wall, LONDON)).toISOString();
}
