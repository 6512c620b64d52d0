/** Bookings as the RIS tells them. An older telling never replaces a newer one. */
import type {
  AppointmentEvent,
  AppointmentStatus,
  EventBody,
} from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { KnownPatients, Telling } from './known-patients.ts';
import { belongsTo } from './owner.ts';
import type { AppointmentFacts, PatientKey } from './types.ts';

interface Row extends PatientKey {
  readonly appointmentId: string;
  readonly status: AppointmentStatus;
  readonly startsAt: string | null;
  readonly minutes: number | null;
  readonly code: string | null;
  readonly text: string | null;
  readonly system: string | null;
  readonly resource: string | null;
  readonly location: string | null;
  /** JSON. */
  readonly resources: string | null;
  readonly placerNumber: string | null;
  readonly fillerNumber: string | null;
  readonly reason: string | null;
  readonly placerAppointmentId: string | null;
  readonly asOf: string;
}

export class Appointments {
  readonly #patients: KnownPatients;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, patients: KnownPatients) {
    this.#patients = patients;
    this.#statements = prepareStatements(db);
  }

  /** @returns true when it was taken @throws RecordError `HL7_OTHER_PATIENT` */
  tell(patient: PatientKey, told: AppointmentFacts, { asOf, now }: Telling): boolean {
    const held = this.#statements.find.get(told.appointmentId);
    if (held !== undefined) belongsTo(this.#patients, held, patient, 'booking');
    if (held !== undefined && asOf < held.asOf) return false;
    const { procedure } = told;
    this.#statements.put.run({
      ...{ patientId: patient.patientId, issuer: patient.issuer, asOf, now },
      ...{ appointmentId: told.appointmentId, status: told.status },
      startsAt: told.startsAt ?? held?.startsAt ?? null,
      minutes: told.minutes ?? held?.minutes ?? null,
      code: procedure?.code ?? held?.code ?? null,
      text: procedure?.text ?? held?.text ?? null,
      system: procedure?.system ?? held?.system ?? null,
      resource: told.resource ?? held?.resource ?? null,
      location: told.location ?? held?.location ?? null,
      resources: resourcesOf(told) ?? held?.resources ?? null,
      placerNumber: told.placerNumber ?? held?.placerNumber ?? null,
      fillerNumber: told.fillerNumber ?? held?.fillerNumber ?? null,
      reason: told.reason ?? null,
      placerAppointmentId: told.placerAppointmentId ?? held?.placerAppointmentId ?? null,
    });
    return true;
  }

  eventOf(appointmentId: string): EventBody<AppointmentEvent> | undefined {
    const row = this.#statements.find.get(appointmentId);
    if (row === undefined) return undefined;
    const { patientId, issuer, code, text, system, resources, ...told } = row;
    return {
      ...told,
      kind: 'appointment',
      ...(resources === null ? {} : { resources: JSON.parse(resources) as string[] }),
      patient: this.#patients.patientOf({ patientId, issuer }),
      procedure: code === null && text === null ? null : { code, text, system },
    };
  }

  idsAfter(after: string, limit: number): string[] {
    return this.#statements.after.pluck().all(after, limit) as string[];
  }
}

const resourcesOf = ({ resources = [] }: AppointmentFacts): string | undefined =>
  resources.length === 0 ? undefined : JSON.stringify(resources);

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], Row>(
      `SELECT appointment_id AS appointmentId, patient_id AS patientId, issuer, status,
         starts_at AS startsAt, minutes, procedure_code AS code, procedure_text AS text,
         procedure_system AS system, resource, location, resources, placer_number AS placerNumber,
         filler_number AS fillerNumber, reason, placer_appointment_id AS placerAppointmentId,
         as_of AS asOf
       FROM appointments WHERE appointment_id = ?`,
    ),
    put: db.prepare<[object]>(
      `INSERT OR REPLACE INTO appointments (appointment_id, patient_id, issuer, status, starts_at,
         minutes, procedure_code, procedure_text, procedure_system, resource, location,
         resources, placer_number, filler_number, reason, placer_appointment_id, as_of,
         updated_at)
       VALUES (@appointmentId, @patientId, @issuer, @status, @startsAt, @minutes, @code, @text,
         @system, @resource, @location, @resources, @placerNumber, @fillerNumber, @reason,
         @placerAppointmentId, @asOf,
         @now)`,
    ),
    after: db.prepare<[string, number]>(
      'SELECT appointment_id FROM appointments WHERE appointment_id > ? ORDER BY appointment_id LIMIT ?',
    ),
  };
}
