/**
 * Tables of what RIS and PAS tell. Times are RFC 3339 UTC, but for `updated_at`: milliseconds since the
 * epoch. `as_of` is when the sender says it was so.
 */
import type { Migration } from '../../../shared/sqlite/open.ts';

export const recordsSchema: readonly Migration[] = [
  {
    name: 'patients as the PAS tells them, merges, orders, reports, appointments',
    sql: `
-- A merge is a pointer: nothing else moves, so that it can be undone.
CREATE TABLE known_patients (
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  nhs_number TEXT, nhs_status TEXT, patient_name TEXT, birth_date TEXT, sex TEXT, postcode TEXT,
  is_deceased INTEGER NOT NULL DEFAULT 0, is_restricted INTEGER NOT NULL DEFAULT 0,
  is_deleted INTEGER NOT NULL DEFAULT 0,
  merged_into_id TEXT, merged_into_issuer TEXT, merged_as_of TEXT,
  as_of TEXT NOT NULL, updated_at INTEGER NOT NULL,
  PRIMARY KEY (patient_id, issuer)
) STRICT, WITHOUT ROWID;
CREATE INDEX known_patients_nhs ON known_patients (nhs_number) WHERE nhs_number IS NOT NULL;
CREATE INDEX known_patients_merged ON known_patients (merged_into_id, merged_into_issuer)
  WHERE merged_into_id IS NOT NULL;

-- What was merged and taken apart again, and when.
CREATE TABLE patient_merges (
  merge_key INTEGER PRIMARY KEY,
  prior_id TEXT NOT NULL, prior_issuer TEXT NOT NULL,
  survivor_id TEXT NOT NULL, survivor_issuer TEXT NOT NULL,
  kind TEXT NOT NULL, as_of TEXT NOT NULL, told_at INTEGER NOT NULL
) STRICT;

CREATE TABLE orders (
  order_id TEXT PRIMARY KEY,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  accession_number TEXT, accession_issuer TEXT, placer_number TEXT, filler_number TEXT,
  status TEXT NOT NULL,
  procedure_code TEXT, procedure_text TEXT, procedure_system TEXT,
  modality TEXT, priority TEXT, scheduled_at TEXT, requested_at TEXT, referrer TEXT, location TEXT,
  station_ae_title TEXT, reason TEXT, study_uid TEXT, step_id TEXT, requested_procedure_id TEXT,
  as_of TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_accession ON orders (accession_number) WHERE accession_number IS NOT NULL;
CREATE INDEX orders_scheduled ON orders (scheduled_at) WHERE scheduled_at IS NOT NULL;

CREATE TABLE reports (
  report_key INTEGER PRIMARY KEY,
  report_id TEXT NOT NULL UNIQUE,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL
) STRICT;

CREATE TABLE report_accessions (
  report_key INTEGER NOT NULL REFERENCES reports ON DELETE CASCADE,
  accession_number TEXT NOT NULL,
  PRIMARY KEY (report_key, accession_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_accessions_number ON report_accessions (accession_number);

CREATE TABLE report_studies (
  report_key INTEGER NOT NULL REFERENCES reports ON DELETE CASCADE,
  study_uid TEXT NOT NULL,
  PRIMARY KEY (report_key, study_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_studies_uid ON report_studies (study_uid);

-- Every version is kept. The number is that of its coming; which one is in force: reports.ts.
CREATE TABLE report_versions (
  report_key INTEGER NOT NULL REFERENCES reports ON DELETE CASCADE,
  version INTEGER NOT NULL,
  status TEXT NOT NULL, issued_at TEXT NOT NULL, title TEXT, author TEXT, text TEXT NOT NULL,
  media_type TEXT, document BLOB,
  digest TEXT NOT NULL, received_at INTEGER NOT NULL,
  PRIMARY KEY (report_key, version),
  UNIQUE (report_key, digest)
) STRICT;

CREATE TABLE appointments (
  appointment_id TEXT PRIMARY KEY,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  status TEXT NOT NULL, starts_at TEXT, minutes INTEGER,
  procedure_code TEXT, procedure_text TEXT, procedure_system TEXT,
  resource TEXT, location TEXT, placer_number TEXT, filler_number TEXT,
  as_of TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'when examinations began and ended, for whom they are reported, why bookings change',
    sql: `
ALTER TABLE orders ADD COLUMN started_at TEXT;
ALTER TABLE orders ADD COLUMN ended_at TEXT;
ALTER TABLE orders ADD COLUMN patient_class TEXT;
ALTER TABLE report_versions ADD COLUMN author_organisation TEXT;
ALTER TABLE report_versions ADD COLUMN started_at TEXT;
ALTER TABLE report_versions ADD COLUMN ended_at TEXT;
ALTER TABLE appointments ADD COLUMN reason TEXT;
`,
  },
  {
    name: "bookings: the placer's own number",
    sql: 'ALTER TABLE appointments ADD COLUMN placer_appointment_id TEXT;',
  },
  {
    name: 'admissions; how close an examination is kept',
    sql: `
CREATE TABLE encounters (
  encounter_id TEXT PRIMARY KEY,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  status TEXT NOT NULL, patient_class TEXT, began_at TEXT NOT NULL, ended_at TEXT,
  as_of TEXT NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE orders ADD COLUMN confidentiality TEXT;
`,
  },
  {
    name: 'all that an appointment needs',
    sql: 'ALTER TABLE appointments ADD COLUMN resources TEXT;',
  },
  {
    name: 'orders by when they were last told',
    sql: 'CREATE INDEX orders_updated ON orders (updated_at);',
  },
];
