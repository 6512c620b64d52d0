/** What an event of the trail is called in DICOM. PS3.15 A.5.1, PS3.16 CID 400 to 403 (coding scheme DCM). */
import type { AuditEvent } from './entry.ts';

export interface Code {
  readonly code: string;
  readonly display: string;
}

const code = (value: string, display: string): Code => ({ code: value, display });

/** EventID. */
export const EVENT_ID: Readonly<Record<AuditEvent, Code>> = {
  search: code('110112', 'Query'),
  look: code('110103', 'DICOM Instances Accessed'),
  fetch: code('110104', 'DICOM Instances Transferred'),
  booking: code('110109', 'Order Record'),
  identity: code('110110', 'Patient Record'),
  export: code('110106', 'Export'),
  'sign-in': code('110114', 'User Authentication'),
  'sign-out': code('110114', 'User Authentication'),
  account: code('110113', 'Security Alert'),
  enrolment: code('110113', 'Security Alert'),
  fleet: code('110100', 'Application Activity'),
  configuration: code('110113', 'Security Alert'),
  'break-glass': code('110113', 'Security Alert'),
  restriction: code('110113', 'Security Alert'),
  'mdt-list': code('110110', 'Patient Record'),
  teaching: code('110103', 'DICOM Instances Accessed'),
  audit: code('110101', 'Audit Log Used'),
};

/** EventTypeCode, where the EventID alone does not tell. */
export const EVENT_TYPE: Partial<Readonly<Record<AuditEvent, Code>>> = {
  'sign-in': code('110122', 'Login'),
  'sign-out': code('110123', 'Logout'),
  account: code('110137', 'User Security Attributes Changed'),
  enrolment: code('110129', 'Security Configuration'),
  configuration: code('110131', 'Software Configuration'),
  'break-glass': code('110127', 'Emergency Override Started'),
  restriction: code('110136', 'Security Roles Changed'),
};
