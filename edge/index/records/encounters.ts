/** Admissions as the PAS tells them. An older telling never replaces a newer one. */
import type {
  EncounterEvent,
  EncounterStatus,
  EventBody,
} from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { KnownPatients, Telling } from './known-patients.ts';
import { belongsTo } from './owner.ts';
import type { EncounterFacts, PatientKey } from './types.ts';

interface Row extends PatientKey {
  readonly encounterId: string;
  readonly status: EncounterStatus;
  readonly patientClass: string | null;
  readonly beganAt: string;
  readonly endedAt: string | null;
  readonly asOf: string;
}

export class Encounters {
  readonly #patients: KnownPatients;
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite, patients: KnownPatients) {
    this.#patients = patients;
    this.#statements = prepareStatements(db);
  }

  /** @returns true when it was taken @throws RecordError `HL7_OTHER_PATIENT` */
  tell(patient: PatientKey, told: EncounterFacts, { asOf, now }: Telling): boolean {
    const held = this.#statements.find.get(told.encounterId);
    if (held !== undefined) belongsTo(this.#patients, held, patient, 'admission');
    if (held !== undefined && asOf < held.asOf) return false;
    const isOver = told.status === 'ended';
    this.#statements.put.run({
      ...{ encounterId: told.encounterId, status: told.status, asOf, now },
      ...{ patientId: patient.patientId, issuer: patient.issuer },
      patientClass: told.patientClass ?? held?.patientClass ?? null,
      beganAt: told.beganAt ?? held?.beganAt ?? asOf,
      // A discharge that is taken back leaves no end.
      endedAt: isOver ? (told.endedAt ?? asOf) : null,
    });
    return true;
  }

  eventOf(encounterId: string): EventBody<EncounterEvent> | undefined {
    const row = this.#statements.find.get(encounterId);
    if (row === undefined) return undefined;
    const { patientId, issuer, ...told } = row;
    const patient = this.#patients.patientOf({ patientId, issuer });
    return { ...told, kind: 'encounter', patient };
  }

  idsAfter(after: string, limit: number): string[] {
    return this.#statements.after.pluck().all(after, limit) as string[];
  }
}

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], Row>(
      `SELECT encounter_id AS encounterId, patient_id AS patientId, issuer, status,
         patient_class AS patientClass, began_at AS beganAt, ended_at AS endedAt, as_of AS asOf
       FROM encounters WHERE encounter_id = ?`,
    ),
    put: db.prepare<[object]>(
      `INSERT OR REPLACE INTO encounters VALUES (@encounterId, @patientId, @issuer, @status,
         @patientClass, @beganAt, @endedAt, @asOf, @now)`,
    ),
    after: db.prepare<[string, number]>(
      'SELECT encounter_id FROM encounters WHERE encounter_id > ? ORDER BY encounter_id LIMIT ?',
    ),
  };
}
