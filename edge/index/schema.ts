/**
 * Tables of the index. Times are milliseconds since the epoch; digests and set hashes are
 * hexadecimal; dates as in DICOM. `announced_*` is the state that the outbox last told the hub.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const indexSchema: readonly Migration[] = [
  {
    name: 'patients, studies, series, instances, conflicts, deletions, callers',
    sql: `
CREATE TABLE patients (
  home TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  nhs_number TEXT, patient_name TEXT, birth_date TEXT, sex TEXT,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (home, patient_id, issuer)
) STRICT, WITHOUT ROWID;
CREATE INDEX patients_nhs ON patients (nhs_number) WHERE nhs_number IS NOT NULL;

CREATE TABLE studies (
  study_key INTEGER PRIMARY KEY,
  study_uid TEXT NOT NULL, home TEXT NOT NULL, rev INTEGER NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL, nhs_number TEXT,
  patient_name TEXT, birth_date TEXT, sex TEXT,
  study_date TEXT, study_time TEXT, study_id TEXT,
  accession_number TEXT, accession_issuer TEXT,
  description TEXT, referring_physician TEXT, institution TEXT,
  series INTEGER NOT NULL, instances INTEGER NOT NULL, bytes INTEGER NOT NULL,
  set_hash TEXT NOT NULL, conflicts INTEGER NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  announced_day TEXT, announced_hash TEXT,
  announced_series INTEGER NOT NULL DEFAULT 0, announced_instances INTEGER NOT NULL DEFAULT 0,
  UNIQUE (study_uid, home)
) STRICT;
CREATE INDEX studies_patient ON studies (patient_id, issuer);
CREATE INDEX studies_announced_day ON studies (announced_day);

CREATE TABLE series (
  series_key INTEGER PRIMARY KEY,
  study_key INTEGER NOT NULL REFERENCES studies ON DELETE CASCADE,
  series_uid TEXT NOT NULL,
  modality TEXT, series_number INTEGER, description TEXT, body_part TEXT,
  instances INTEGER NOT NULL, bytes INTEGER NOT NULL, set_hash TEXT NOT NULL,
  UNIQUE (study_key, series_uid)
) STRICT;

CREATE TABLE instances (
  instance_key INTEGER PRIMARY KEY,
  sop_uid TEXT NOT NULL, home TEXT NOT NULL,
  series_key INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
  sop_class_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
  path TEXT NOT NULL, data_set_offset INTEGER NOT NULL, data_set_bytes INTEGER NOT NULL,
  content_digest TEXT NOT NULL, home_digest TEXT NOT NULL,
  instance_number INTEGER,
  calling_ae_title TEXT NOT NULL, received_at INTEGER NOT NULL,
  -- when start-up found that the file is gone; such an object counts nowhere
  missing_since INTEGER,
  UNIQUE (sop_uid, home)
) STRICT;
CREATE INDEX instances_series ON instances (series_key);
CREATE INDEX instances_missing ON instances (missing_since) WHERE missing_since IS NOT NULL;

-- The same SOP Instance UID with other content: kept beside the current one.
CREATE TABLE instance_conflicts (
  conflict_key INTEGER PRIMARY KEY,
  sop_uid TEXT NOT NULL, home TEXT NOT NULL,
  content_digest TEXT NOT NULL, home_digest TEXT NOT NULL,
  study_uid TEXT NOT NULL, series_uid TEXT NOT NULL,
  sop_class_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
  path TEXT NOT NULL, data_set_offset INTEGER NOT NULL, data_set_bytes INTEGER NOT NULL,
  instance_number INTEGER,
  -- the study of the current one, which shows it
  study_key INTEGER NOT NULL REFERENCES studies ON DELETE CASCADE,
  calling_ae_title TEXT NOT NULL, received_at INTEGER NOT NULL,
  UNIQUE (sop_uid, home, content_digest)
) STRICT;
CREATE INDEX instance_conflicts_study ON instance_conflicts (study_key);

-- One study, two patients: the study keeps the first; somebody has to look.
CREATE TABLE patient_conflicts (
  study_key INTEGER NOT NULL REFERENCES studies ON DELETE CASCADE,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  sop_uid TEXT NOT NULL, instances INTEGER NOT NULL,
  calling_ae_title TEXT NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  PRIMARY KEY (study_key, patient_id, issuer)
) STRICT, WITHOUT ROWID;

-- Files of deleted studies that are still to be removed: start-up must not take them for lost objects.
CREATE TABLE deletions (path TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE callers (
  calling_ae_title TEXT PRIMARY KEY, last_at INTEGER NOT NULL, instances INTEGER NOT NULL
) STRICT;
`,
  },
  {
    name: 'queries: folded names, dates, accession numbers',
    sql: `
-- The name as it is compared: shared/dicom/person-name.ts.
ALTER TABLE studies ADD COLUMN name_key TEXT;
CREATE INDEX studies_name ON studies (name_key);
CREATE INDEX studies_date ON studies (study_date);
CREATE INDEX studies_accession ON studies (accession_number);
`,
  },
  {
    name: 'what the PACS holds, and what came from other trusts',
    sql: `
-- What the trust's PACS says of a study; pacs_seen_at null: no PACS is known to hold it. series, instances,
-- bytes and set_hash are of the spool alone.
ALTER TABLE studies ADD COLUMN pacs_seen_at INTEGER;
ALTER TABLE studies ADD COLUMN pacs_series INTEGER;
ALTER TABLE studies ADD COLUMN pacs_instances INTEGER;
-- distinct, sorted, a backslash between them
ALTER TABLE studies ADD COLUMN pacs_modalities TEXT;

-- Studies that were brought from other trusts, for good: the PACS may hold its copy long after ours expired,
-- and must not make it a study of this trust's own.
CREATE TABLE imports (
  study_uid TEXT NOT NULL, home TEXT NOT NULL, PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
INSERT INTO imports SELECT study_uid, home FROM studies;
`,
  },
  {
    name: 'objects that their home took back',
    sql: `
-- Named by rejection notes, whether they are here or not.
CREATE TABLE rejections (
  sop_uid TEXT NOT NULL, home TEXT NOT NULL, study_uid TEXT NOT NULL,
  code TEXT NOT NULL, note_uid TEXT NOT NULL, rejected_at INTEGER NOT NULL,
  PRIMARY KEY (sop_uid, home)
) STRICT, WITHOUT ROWID;
CREATE INDEX rejections_study ON rejections (study_uid, home);

-- What lies on the disk of them: in no answer and no count.
CREATE TABLE rejected_files (
  path TEXT PRIMARY KEY, study_uid TEXT NOT NULL, home TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX rejected_files_study ON rejected_files (study_uid, home);
`,
  },
  {
    name: 'what kind of device last called',
    sql: 'ALTER TABLE callers ADD COLUMN modality TEXT;',
  },
  {
    name: 'names with dates of birth',
    sql: `
-- A surname alone may match tens of thousands: with the date beside it only those that match are read.
DROP INDEX studies_name;
CREATE INDEX studies_name ON studies (name_key, birth_date);
`,
  },
  {
    name: 'studies that their own objects restrict',
    sql: `
-- R, V: the strictest of its objects (0040,3001)
ALTER TABLE studies ADD COLUMN confidentiality TEXT;
`,
  },
  {
    name: 'series by their UID alone',
    sql: 'CREATE INDEX series_uid ON series (series_uid);',
  },
];
