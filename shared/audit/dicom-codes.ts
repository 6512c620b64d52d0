/** What an event of the trail is called in DICOM. PS3.15 A.5.1, PS3.16 CID 400 to 405 (coding scheme DCM). */
import type { AuditEntry, AuditEvent } from './entry.ts';

export interface Code {
  readonly code: string;
  readonly display: string;
}

const code = (value: string, display: string): Code => ({ code: value, display });

const SECURITY_ALERT = code('110113', 'Security Alert');

/** EventID. */
export const EVENT_ID: Readonly<Record<AuditEvent, Code>> = {
  search: code('110112', 'Query'),
  look: code('110103', 'DICOM Instances Accessed'),
  // An order is no transfer: the edges tell of those.
  fetch: code('110109', 'Order Record'),
  'transfer-begun': code('110102', 'Begin Transferring DICOM Instances'),
  transfer: code('110104', 'DICOM Instances Transferred'),
  import: code('110107', 'Import'),
  deletion: code('110105', 'DICOM Study Deleted'),
  booking: code('110109', 'Order Record'),
  identity: code('110110', 'Patient Record'),
  export: code('110106', 'Export'),
  'sign-in': code('110114', 'User Authentication'),
  'sign-out': code('110114', 'User Authentication'),
  account: SECURITY_ALERT,
  enrolment: SECURITY_ALERT,
  fleet: SECURITY_ALERT,
  configuration: SECURITY_ALERT,
  'break-glass': SECURITY_ALERT,
  restriction: SECURITY_ALERT,
  'mdt-list': code('110110', 'Patient Record'),
  teaching: code('110103', 'DICOM Instances Accessed'),
  audit: code('110101', 'Audit Log Used'),
  start: code('110100', 'Application Activity'),
  stop: code('110100', 'Application Activity'),
};

const USE_OF_RESTRICTED_FUNCTION = code('110132', 'Use of Restricted Function');

const EVENT_TYPE: Partial<Readonly<Record<AuditEvent, Code>>> = {
  'sign-in': code('110122', 'Login'),
  'sign-out': code('110123', 'Logout'),
  account: code('110137', 'User Security Attributes Changed'),
  enrolment: code('110129', 'Security Configuration'),
  fleet: USE_OF_RESTRICTED_FUNCTION,
  configuration: code('110131', 'Software Configuration'),
  'break-glass': code('110127', 'Emergency Override Started'),
  restriction: code('110135', 'Object Security Attributes Changed'),
  start: code('110120', 'Application Start'),
  stop: code('110121', 'Application Stop'),
};

/** What only reads or closes what the type tells of. */
const isReview = ({ action, what }: Pick<AuditEntry, 'action' | 'what'>): boolean =>
  action === 'R' || what.endsWith('/review');

/** EventTypeCode, where the EventID alone does not tell. */
export function eventType(entry: Pick<AuditEntry, 'event' | 'action' | 'what'>): Code | undefined {
  const type = EVENT_TYPE[entry.event];
  const isAlert = EVENT_ID[entry.event] === SECURITY_ALERT;
  return isAlert && isReview(entry) ? USE_OF_RESTRICTED_FUNCTION : type;
}

/** EventActionCode that A.5.3 has for every event of a kind, whatever was called for it. */
const ACTION: Readonly<Record<string, AuditEntry['action']>> = {
  '110100': 'E',
  '110101': 'R',
  '110102': 'E',
  '110105': 'D',
  '110106': 'R',
  '110107': 'C',
  '110112': 'E',
  '110113': 'E',
  '110114': 'E',
};

export const eventAction = ({ event, action }: Pick<AuditEntry, 'event' | 'action'>) =>
  ACTION[EVENT_ID[event].code] ?? action;

/** RoleIDCode. CID 402. */
export const ROLE = {
  application: code('110150', 'Application'),
  destination: code('110152', 'Destination Role ID'),
  source: code('110153', 'Source Role ID'),
  destinationMedia: code('110154', 'Destination Media'),
} as const;

/** MediaType. CID 405. */
export const MEDIA = { email: code('110031', 'E-mail'), folder: code('110037', 'URI') } as const;
