/** Bookings as the RIS tells them. An older telling never replaces a newer one. */
import type {
  AppointmentEvent,
  AppointmentStatus,
  EventBody,
} from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { KnownPatients, Telling } from './known-patients.ts';
import { belongsTo } from './owner.ts';
import { onto, type Told } from './told.ts';
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

  /**
   * One that a newer telling overtook adds only what was not known.
   *
   * @throws RecordError `HL7_OTHER_PATIENT`
   */
  tell(patient: PatientKey, told: AppointmentFacts, { asOf, now }: Telling): Told {
    const held = this.#statements.find.get(told.appointmentId);
    if (held !== undefined) belongsTo(this.#patients, held, patient, 'booking');
    const row = rowOf(patient, told, asOf);
    const isOvertaken = held !== undefined && asOf < held.asOf;
    const next = isOvertaken ? onto(row, held) : onto(held, row);
    // Why it was made, moved or cancelled is said of one telling alone.
    const { reason } = isOvertaken ? held : row;
    this.#statements.put.run({ ...next, reason, now });
    return isOvertaken ? 'overtaken' : 'changed';
  }

  eventOf(appointmentId: string): EventBody<AppointmentEvent> | undefined {
    const row = this.#statements.find.get(appointmentId);
    return row && this.#eventOfRow(row);
  }

  /** What a telling said that came too late to say how the booking stands. */
  overtaken(
    patient: PatientKey,
    told: AppointmentFacts,
    asOf: string,
  ): EventBody<AppointmentEvent> {
    return { ...this.#eventOfRow(rowOf(patient, told, asOf)), overtaken: true };
  }

  #eventOfRow(row: Row): EventBody<AppointmentEvent> {
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

/** A telling alone: null is what it does not say. */
const rowOf = (
  { patientId, issuer }: PatientKey,
  { procedure, resources = [], ...told }: AppointmentFacts,
  asOf: string,
): Row => ({
  ...{ patientId, issuer, appointmentId: told.appointmentId, status: told.status, asOf },
  startsAt: told.startsAt ?? null,
  minutes: told.minutes ?? null,
  code: procedure?.code ?? null,
  text: procedure?.text ?? null,
  system: procedure?.system ?? null,
  resource: told.resource ?? null,
  location: told.location ?? null,
  resources: resources.length === 0 ? null : JSON.stringify(resources),
  placerNumber: told.placerNumber ?? null,
  fillerNumber: told.fillerNumber ?? null,
  reason: told.reason ?? null,
  placerAppointmentId: told.placerAppointmentId ?? null,
});

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
