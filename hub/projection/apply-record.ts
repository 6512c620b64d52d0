/** What a trust's RIS and PAS told, put into rows; within the transaction that moves the cursor. */
import type {
  AppointmentEvent,
  EncounterEvent,
  OrderEvent,
  PatientEvent,
  ReportEvent,
} from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { IdentityKey } from '../identity/identities.ts';
import { noteMerge } from '../identity/merges.ts';
import { reviewIdentity } from '../identity/reviews.ts';
import type { Change } from './change.ts';

export type RecordEvent =
  | PatientEvent
  | OrderEvent
  | ReportEvent
  | AppointmentEvent
  | EncounterEvent;
export type RecordStatements = ReturnType<typeof prepareRecords>;

/** The event is its subject's whole state; of a report, one version. */
export function applyRecord(statements: RecordStatements, event: RecordEvent, now: string): Change {
  const { trust } = event;
  const { patientId, issuer, nhsNumber } = event.patient;
  const common = { trust, patientId, issuer, nhsNumber };
  switch (event.kind) {
    case 'patient':
      statements.noteMerge(event);
      applyPatient(statements, event);
      statements.review({ trust, patientId, issuer }, now);
      break;
    case 'order': {
      const happensAt = event.scheduledAt ?? event.requestedAt ?? event.asOf;
      const { orderId, status } = event;
      statements.order.run({ ...common, orderId, status, happensAt, body: JSON.stringify(event) });
      statements.orderLevel(event);
      break;
    }
    case 'report':
      applyReport(statements, event, common);
      return { kind: 'record', trust, record: 'report', reportId: event.reportId };
    case 'appointment': {
      const happensAt = event.startsAt ?? event.asOf;
      const { appointmentId, status } = event;
      const body = JSON.stringify(event);
      statements.appointment.run({ ...common, appointmentId, status, happensAt, body });
      break;
    }
    case 'encounter': {
      const { encounterId, status, beganAt, endedAt } = event;
      const times = { beganAt, endedAt, body: JSON.stringify(event) };
      statements.encounter.run({ ...common, encounterId, status, ...times });
    }
  }
  const appointment = event.kind === 'appointment' ? { appointmentId: event.appointmentId } : {};
  const order = event.kind === 'order' ? { orderId: event.orderId } : {};
  return { kind: 'record', trust, record: event.kind, ...appointment, ...order };
}

function applyPatient(statements: RecordStatements, event: PatientEvent): void {
  const { trust, patient, mergedInto } = event;
  statements.patient.run({
    ...patient,
    ...{ trust, nhsStatus: event.nhsNumberStatus, postcode: event.postcode, asOf: event.asOf },
    deceased: Number(event.deceased),
    restricted: Number(event.restricted),
    deleted: Number(event.deleted),
    mergedIntoId: mergedInto?.patientId ?? null,
    mergedIntoIssuer: mergedInto?.issuer ?? null,
  });
}

function applyReport(statements: RecordStatements, event: ReportEvent, common: object): void {
  const { trust, reportId, version, status, issuedAt } = event;
  statements.report.run({
    ...{ ...common, reportId, version, status, issuedAt },
    body: JSON.stringify(event),
  });
  for (const number of event.accessionNumbers)
    statements.subject.run(trust, 'accession', number, reportId);
  for (const uid of event.studyInstanceUIDs) statements.subject.run(trust, 'study', uid, reportId);
}

/** How close an examination is kept, for the decision on its study; what is not restricted has no row. */
function noteOrderLevel(db: Sqlite, event: OrderEvent): void {
  const { trust, orderId, accessionNumber, studyInstanceUID, confidentiality } = event;
  if (confidentiality !== 'R' && confidentiality !== 'V') {
    db.prepare('DELETE FROM order_levels WHERE trust = ? AND order_id = ?').run(trust, orderId);
    return;
  }
  db.prepare('INSERT OR REPLACE INTO order_levels VALUES (?, ?, ?, ?, ?)').run(
    ...[trust, orderId, accessionNumber, studyInstanceUID, confidentiality],
  );
}

export function prepareRecords(db: Sqlite) {
  return {
    noteMerge: (event: PatientEvent) => noteMerge(db, event),
    review: (key: IdentityKey, now: string) => reviewIdentity(db, key, now),
    patient: db.prepare<[object]>(
      `INSERT OR REPLACE INTO patients VALUES (@trust, @patientId, @issuer, @nhsNumber, @nhsStatus,
         @name, @birthDate, @sex, @postcode, @deceased, @restricted, @deleted, @mergedIntoId,
         @mergedIntoIssuer, @asOf)`,
    ),
    order: db.prepare<[object]>(
      `INSERT OR REPLACE INTO orders VALUES (@trust, @orderId, @patientId, @issuer, @nhsNumber,
         @status, @happensAt, @body)`,
    ),
    encounter: db.prepare<[object]>(
      `INSERT OR REPLACE INTO encounters VALUES (@trust, @encounterId, @patientId, @issuer, @status,
         @beganAt, @endedAt, @body)`,
    ),
    orderLevel: (event: OrderEvent) => noteOrderLevel(db, event),
    report: db.prepare<[object]>(
      `INSERT OR REPLACE INTO report_versions VALUES (@trust, @reportId, @version, @patientId,
         @issuer, @nhsNumber, @status, @issuedAt, @body)`,
    ),
    subject: db.prepare<[string, string, string, string]>(
      'INSERT OR IGNORE INTO report_subjects VALUES (?, ?, ?, ?)',
    ),
    appointment: db.prepare<[object]>(
      `INSERT OR REPLACE INTO appointments VALUES (@trust, @appointmentId, @patientId, @issuer,
         @nhsNumber, @status, @happensAt, @body)`,
    ),
  };
}
