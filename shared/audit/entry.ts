/** One event of the audit trail: who did what to whose data. ATNA, DICOM PS3.15 A.5; FHIR R4 AuditEvent. */

/** What was done. */
export type AuditEvent =
  | 'search'
  | 'look'
  | 'fetch'
  | 'booking'
  /** A trust told that two of its numbers are one person's, or are not any more. */
  | 'identity'
  | 'export'
  | 'sign-in'
  | 'sign-out'
  | 'account'
  | 'enrolment'
  | 'fleet'
  | 'configuration'
  /** An emergency access was opened, or reviewed. */
  | 'break-glass'
  /** What a trust keeps closer than the rest. */
  | 'restriction'
  | 'mdt-list'
  /** A study was marked for teaching, or a teaching file was looked at or withdrawn. */
  | 'teaching'
  | 'audit';

/** Create, read, update, delete, execute. PS3.15 A.5.2, EventActionCode. */
export type AuditAction = 'C' | 'R' | 'U' | 'D' | 'E';

/** Success, minor failure (a request that can't be carried out), serious failure (refused), major failure. */
export type AuditOutcome = 0 | 4 | 8 | 12;

/** Whose data came into sight, or was changed. */
export interface AuditSubjects {
  /** NHS numbers, or `number^^^issuer` where a patient has none. */
  readonly patients: readonly string[];
  /** Study Instance UIDs. */
  readonly studies: readonly string[];
  /** The trusts whose data it is. */
  readonly homes: readonly string[];
}

export interface AuditEntry extends AuditSubjects {
  readonly event: AuditEvent;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  /** A stable code: why it was refused or failed; null on success. */
  readonly code: string | null;
  /** The person or machine; empty: not known. */
  readonly user: string;
  readonly role: string;
  /** The trust that the user works for; null: the network's own. */
  readonly trust: string | null;
  /** What was called: `GET /api/studies`, `cdip hub key`. */
  readonly what: string;
  /** Network access point of the user; null: none. */
  readonly address: string | null;
  readonly purpose: string | null;
  /** What was asked for, as it was asked (IS-50: query payload). Never what a report says. */
  readonly query: Readonly<Record<string, unknown>>;
  /** Why the asker was shown what is named here: own record, a relationship, an emergency access (IS-51). */
  readonly basis?: readonly string[];
  /** How many studies and records were asked for and not shown. Absent: none. */
  readonly withheld?: number;
}

/** A patient as the trail names them. */
export function auditedPatient(patient: {
  readonly nhsNumber: string | null;
  readonly patientId: string;
  readonly issuer: string;
}): string {
  return patient.nhsNumber ?? `${patient.patientId}^^^${patient.issuer}`;
}
