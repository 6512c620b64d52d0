/** One event of the audit trail: who did what to whose data. ATNA, DICOM PS3.15 A.5; FHIR R4 AuditEvent. */

/** What was done. */
export type AuditEvent =
  | 'search'
  | 'look'
  /** An order to bring a study from one trust to another. What moves for it is `transfer`. */
  | 'fetch'
  /** Objects begin to go from one node to another, and have gone, as far as they did. */
  | 'transfer-begun'
  | 'transfer'
  /** What came from another organisation was filed here. */
  | 'import'
  | 'deletion'
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
  | 'audit'
  /** The program that keeps the trail began to run, or ends. */
  | 'start'
  | 'stop';

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

/** Somebody or something that took part beside the user and the program that keeps the trail. */
export interface AuditNode {
  readonly kind: 'application-entity' | 'program' | 'email' | 'folder' | 'web';
  /** An AE title, `edge of RJE`, what the configuration calls it. */
  readonly id: string;
  /** Host, e-mail address, folder or URL; null: not known. */
  readonly address: string | null;
}

/** One end of what went: who did it, the program that keeps the trail, or another one. */
export type AuditEnd = 'user' | 'here' | AuditNode;

/** PS3.15 A.5.3: each transfer, query, import and export has one source and one destination. */
export interface AuditMove {
  readonly from: AuditEnd;
  readonly to: AuditEnd;
}

/** What of a study it was. */
export interface AuditContent {
  readonly study: string;
  readonly accession: string | null;
  /** How many instances, by SOP Class UID; '' where only their number is known. */
  readonly instances: Readonly<Record<string, number>>;
  /** The patient was taken out of them. */
  readonly isAnonymous?: true;
}

/** A C-FIND as it came. */
export interface AuditIdentifier {
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
  /** The data set, base64; '' when it is longer than a trail should hold. */
  readonly dataSet: string;
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
  readonly moved?: AuditMove;
  readonly contents?: readonly AuditContent[];
  readonly identifier?: AuditIdentifier;
}

/** The program itself, as the user of what it does of its own accord. */
export const OWN_USERS: ReadonlySet<string> = new Set(['edge', 'hub']);

/** As one program calls another. */
export const edgeOf = (trust: string): string => `edge of ${trust}`;

/** A patient as the trail names them. */
export function auditedPatient(patient: {
  readonly nhsNumber: string | null;
  readonly patientId: string;
  readonly issuer: string;
}): string {
  return patient.nhsNumber ?? `${patient.patientId}^^^${patient.issuer}`;
}
