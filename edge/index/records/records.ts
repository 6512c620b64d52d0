/**
 * What RIS and PAS tell, taken into the index: the rows change and the hub's events are appended in one
 * transaction, which is the caller's.
 *
 *   RecordChange ─► patients, orders, reports, appointments, encounters ─► append(event)
 */
import type { RecordEventBody } from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import { Appointments } from './appointments.ts';
import { Encounters } from './encounters.ts';
import { KnownPatients, type Telling } from './known-patients.ts';
import { Orders } from './orders.ts';
import { Reports } from './reports.ts';
import type { PatientFacts, PatientKey, RecordChange } from './types.ts';

export class Records {
  readonly patients: KnownPatients;
  readonly orders: Orders;
  readonly reports: Reports;
  readonly appointments: Appointments;
  readonly encounters: Encounters;
  readonly #append: (body: RecordEventBody) => void;

  /** @param append what the hub is told, in the transaction that is open */
  constructor(db: Sqlite, append: (body: RecordEventBody) => void) {
    this.patients = new KnownPatients(db);
    this.orders = new Orders(db, this.patients);
    this.reports = new Reports(db, this.patients);
    this.appointments = new Appointments(db, this.patients);
    this.encounters = new Encounters(db, this.patients);
    this.#append = append;
  }

  /** @throws RecordError; then the caller's transaction, or savepoint, has to be undone */
  apply(change: RecordChange, telling: Telling): void {
    switch (change.kind) {
      case 'patient':
        this.#tellPatient(change.patient, telling);
        break;
      case 'merge': {
        this.#tellPatient(change.survivor, telling);
        const { survivor, prior } = change;
        for (const key of this.patients.merge(keyOf(survivor), keyOf(prior), telling))
          this.#say(key);
        break;
      }
      case 'unmerge':
        for (const key of this.patients.unmerge(keyOf(change.first), keyOf(change.second), telling))
          this.#say(key);
        break;
      case 'order': {
        this.#tellPatient(change.patient, telling);
        const { patient, order } = change;
        const told = this.orders.tell(patient, order, telling);
        if (told === 'overtaken') this.#append(this.orders.overtaken(patient, order, telling.asOf));
        // Behind one that was overtaken stands again how it is.
        if (told !== 'same') this.#sayIf(this.orders.eventOf(order.orderId));
        break;
      }
      case 'report': {
        this.#tellPatient(change.patient, telling);
        const { reportId } = change.report;
        const version = this.reports.tell(change.patient, change.report, telling.now);
        if (version !== undefined) this.#sayIf(this.reports.eventOf(reportId, version));
        break;
      }
      case 'appointment': {
        this.#tellPatient(change.patient, telling);
        const { patient, appointment } = change;
        const told = this.appointments.tell(patient, appointment, telling);
        if (told === 'overtaken')
          this.#append(this.appointments.overtaken(patient, appointment, telling.asOf));
        this.#sayIf(this.appointments.eventOf(appointment.appointmentId));
        break;
      }
      case 'encounter': {
        this.#tellPatient(change.patient, telling);
        const isNew = this.encounters.tell(change.patient, change.encounter, telling);
        if (isNew) this.#sayIf(this.encounters.eventOf(change.encounter.encounterId));
      }
    }
  }

  /** All that is held, as events, in chunks: a hub that lost everything is told again. */
  *everything(chunk: number): Generator<RecordEventBody[]> {
    let key: PatientKey | undefined = { patientId: '', issuer: '' };
    while (key !== undefined) {
      const keys: PatientKey[] = this.patients.keysAfter(key, chunk);
      yield keys.map((one) => this.patients.eventOf(one)).filter((body) => body !== undefined);
      key = keys.at(-1);
    }
    yield* this.#chunks(chunk, this.orders, (id) => [this.orders.eventOf(id)]);
    yield* this.#chunks(chunk, this.reports, (id) =>
      this.reports.versionsOf(id).map(({ version }) => this.reports.eventOf(id, version)),
    );
    yield* this.#chunks(chunk, this.appointments, (id) => [this.appointments.eventOf(id)]);
    yield* this.#chunks(chunk, this.encounters, (id) => [this.encounters.eventOf(id)]);
  }

  *#chunks(
    size: number,
    table: { idsAfter(after: string, limit: number): string[] },
    bodies: (id: string) => (RecordEventBody | undefined)[],
  ): Generator<RecordEventBody[]> {
    let after: string | undefined = '';
    while (after !== undefined) {
      const ids: string[] = table.idsAfter(after, size);
      yield ids.flatMap(bodies).filter((body) => body !== undefined);
      after = ids.at(-1);
    }
  }

  #tellPatient(facts: PatientFacts, telling: Telling): void {
    if (this.patients.tell(facts, telling)) this.#say(facts);
  }

  #say(key: PatientKey): void {
    this.#sayIf(this.patients.eventOf(key));
  }

  #sayIf(body: RecordEventBody | undefined): void {
    if (body !== undefined) this.#append(body);
  }
}

const keyOf = ({ patientId, issuer }: PatientKey): PatientKey => ({ patientId, issuer });
