/** Orders as the RIS tells them; what worklist and prefetch ask. An older telling never replaces a newer one. */
import type { EventBody, OrderEvent, OrderStatus } from '../../../shared/contract/events.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { KnownPatients, Telling } from './known-patients.ts';
import { belongsTo } from './owner.ts';
import { onto, type Told } from './told.ts';
import type { OrderFacts, PatientKey } from './types.ts';

export interface OrderRow extends PatientKey {
  readonly orderId: string;
  readonly accessionNumber: string | null;
  readonly accessionIssuer: string | null;
  readonly placerNumber: string | null;
  readonly fillerNumber: string | null;
  readonly status: OrderStatus;
  readonly procedureCode: string | null;
  readonly procedureText: string | null;
  readonly procedureSystem: string | null;
  readonly modality: string | null;
  readonly priority: string | null;
  readonly scheduledAt: string | null;
  readonly requestedAt: string | null;
  readonly referrer: string | null;
  readonly location: string | null;
  readonly stationAETitle: string | null;
  readonly reason: string | null;
  readonly studyInstanceUID: string | null;
  readonly stepId: string | null;
  readonly requestedProcedureId: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly patientClass: string | null;
  readonly confidentiality: 'N' | 'R' | 'V' | null;
  readonly asOf: string;
}

export class Orders {
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
  tell(patient: PatientKey, order: OrderFacts, { asOf, now }: Telling): Told {
    const held = this.find(order.orderId);
    if (held !== undefined) belongsTo(this.#patients, held, patient, 'order');
    const told = rowOf(patient, order, asOf);
    const isOvertaken = held !== undefined && asOf < held.asOf;
    const next = isOvertaken ? onto(told, held) : onto(held, told);
    this.#statements.put.run({ ...next, now });
    if (isOvertaken) return 'overtaken';
    const said = { ...next, asOf: '' };
    const isChanged =
      held === undefined || JSON.stringify(said) !== JSON.stringify({ ...said, ...held, asOf: '' });
    return isChanged ? 'changed' : 'same';
  }

  find(orderId: string): OrderRow | undefined {
    return this.#statements.find.get(orderId);
  }

  /**
   * Examinations that are to be made: those scheduled between `from` and `to`, and those without a time that
   * were asked for since `since`. RFC 3339.
   */
  toBeDone(when: { from: string; to: string; since: string; limit: number }): OrderRow[] {
    return this.#statements.toBeDone.all(when);
  }

  eventOf(orderId: string): EventBody<OrderEvent> | undefined {
    const row = this.find(orderId);
    return row && this.#eventOfRow(row);
  }

  /** What a telling said that came too late to say how the order stands. */
  overtaken(patient: PatientKey, order: OrderFacts, asOf: string): EventBody<OrderEvent> {
    return { ...this.#eventOfRow(rowOf(patient, order, asOf)), overtaken: true };
  }

  #eventOfRow(row: OrderRow): EventBody<OrderEvent> {
    const { patientId, issuer } = row;
    const { procedureCode: code, procedureText: text, procedureSystem: system } = row;
    const { stationAETitle: _s, stepId: _p, requestedProcedureId: _r, ...facts } = row;
    const {
      patientId: _i,
      issuer: _u,
      procedureCode: _c,
      procedureText: _t,
      procedureSystem: _y,
      ...told
    } = facts;
    return {
      ...told,
      kind: 'order',
      patient: this.#patients.patientOf({ patientId, issuer }),
      procedure: code === null && text === null ? null : { code, text, system },
    };
  }

  idsAfter(after: string, limit: number): string[] {
    return this.#statements.after.pluck().all(after, limit) as string[];
  }
}

/** A telling alone: null is what it does not say. */
function rowOf({ patientId, issuer }: PatientKey, order: OrderFacts, asOf: string): OrderRow {
  const { orderId, status, procedure } = order;
  const said: { [K in keyof Said]: Said[K] | undefined } = {
    ...{ accessionNumber: order.accessionNumber, accessionIssuer: order.accessionIssuer },
    ...{ placerNumber: order.placerNumber, fillerNumber: order.fillerNumber },
    ...{ procedureCode: procedure?.code, procedureText: procedure?.text },
    ...{ procedureSystem: procedure?.system, modality: order.modality },
    ...{ priority: order.priority, scheduledAt: order.scheduledAt },
    ...{ requestedAt: order.requestedAt, referrer: order.referrer, location: order.location },
    ...{ stationAETitle: order.stationAETitle, reason: order.reason },
    ...{ studyInstanceUID: order.studyInstanceUID, stepId: order.stepId },
    ...{ requestedProcedureId: order.requestedProcedureId, startedAt: order.startedAt },
    ...{ endedAt: order.endedAt, patientClass: order.patientClass },
    confidentiality: order.confidentiality,
  };
  const row = Object.entries(said).map(([name, value]) => [name, value ?? null]);
  return { patientId, issuer, orderId, status, asOf, ...(Object.fromEntries(row) as Said) };
}

type Said = Omit<OrderRow, 'patientId' | 'issuer' | 'orderId' | 'status' | 'asOf'>;

const COLUMNS = `order_id AS orderId, patient_id AS patientId, issuer,
  accession_number AS accessionNumber, accession_issuer AS accessionIssuer,
  placer_number AS placerNumber, filler_number AS fillerNumber, status,
  procedure_code AS procedureCode, procedure_text AS procedureText,
  procedure_system AS procedureSystem, modality, priority, scheduled_at AS scheduledAt,
  requested_at AS requestedAt, referrer, location, station_ae_title AS stationAETitle, reason,
  study_uid AS studyInstanceUID, step_id AS stepId,
  requested_procedure_id AS requestedProcedureId, started_at AS startedAt, ended_at AS endedAt,
  patient_class AS patientClass, confidentiality, as_of AS asOf`;

function prepareStatements(db: Sqlite) {
  return {
    find: db.prepare<[string], OrderRow>(`SELECT ${COLUMNS} FROM orders WHERE order_id = ?`),
    toBeDone: db.prepare<[{ from: string; to: string; since: string; limit: number }], OrderRow>(
      `SELECT ${COLUMNS} FROM orders WHERE status IN ('requested', 'scheduled', 'in-progress')
         AND (scheduled_at BETWEEN @from AND @to
           OR (scheduled_at IS NULL AND coalesce(requested_at, as_of) >= @since))
       ORDER BY coalesce(scheduled_at, requested_at, as_of), order_id LIMIT @limit`,
    ),
    put: db.prepare<[object]>(
      `INSERT OR REPLACE INTO orders (order_id, patient_id, issuer, accession_number,
         accession_issuer, placer_number, filler_number, status, procedure_code, procedure_text,
         procedure_system, modality, priority, scheduled_at, requested_at, referrer, location,
         station_ae_title, reason, study_uid, step_id, requested_procedure_id,
         started_at, ended_at, patient_class, confidentiality, as_of, updated_at)
       VALUES (@orderId, @patientId, @issuer, @accessionNumber, @accessionIssuer, @placerNumber,
         @fillerNumber, @status, @procedureCode, @procedureText, @procedureSystem, @modality,
         @priority, @scheduledAt, @requestedAt, @referrer, @location, @stationAETitle, @reason,
         @studyInstanceUID, @stepId, @requestedProcedureId,
         @startedAt, @endedAt, @patientClass, @confidentiality, @asOf, @now)`,
    ),
    after: db.prepare<[string, number]>(
      'SELECT order_id FROM orders WHERE order_id > ? ORDER BY order_id LIMIT ?',
    ),
  };
}
