/**
 * Rows of what makes somebody concerned with a patient, and of what is restricted: admissions that trusts tell,
 * lists of meetings, emergency accesses and restrictions that people decide. `body` is what was told or decided.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const orderLevelsSchema: Migration = {
  name: 'examinations that their order restricts',
  sql: `
CREATE TABLE order_levels (
  trust TEXT NOT NULL, order_id TEXT NOT NULL, accession_number TEXT, study_uid TEXT, level TEXT NOT NULL,
  PRIMARY KEY (trust, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX order_levels_accession ON order_levels (trust, accession_number)
  WHERE accession_number IS NOT NULL;
CREATE INDEX order_levels_study ON order_levels (study_uid) WHERE study_uid IS NOT NULL;
`,
};

export const studyLevelsSchema: Migration = {
  name: 'studies that their own objects restrict',
  sql: `
-- R, V, as its trust told; null: not by its objects
ALTER TABLE studies ADD COLUMN level TEXT;
`,
};

export const relationsSchema: Migration = {
  name: 'admissions, lists of meetings, emergency accesses, restrictions',
  sql: `
CREATE TABLE encounters (
  trust TEXT NOT NULL, encounter_id TEXT NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  status TEXT NOT NULL, began_at TEXT NOT NULL, ended_at TEXT, body TEXT NOT NULL,
  PRIMARY KEY (trust, encounter_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX encounters_patient ON encounters (trust, patient_id, issuer);

CREATE TABLE mdt_lists (
  list_id TEXT PRIMARY KEY, trust TEXT NOT NULL, meets_on TEXT NOT NULL,
  stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX mdt_lists_trust ON mdt_lists (trust, meets_on);
-- concerned: one of the trusts that meet
CREATE TABLE mdt_patients (
  list_id TEXT NOT NULL, concerned TEXT NOT NULL,
  trust TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  PRIMARY KEY (trust, patient_id, issuer, concerned, list_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mdt_patients_list ON mdt_patients (list_id);

CREATE TABLE glass (
  id TEXT PRIMARY KEY, by_name TEXT NOT NULL, by_trust TEXT NOT NULL,
  opened_at TEXT NOT NULL, until TEXT NOT NULL,
  stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX glass_by ON glass (by_name, by_trust, until);
-- Reviews that are still owed, one for each trust.
CREATE TABLE glass_reviews (
  trust TEXT NOT NULL, id TEXT NOT NULL, opened_at TEXT NOT NULL,
  PRIMARY KEY (trust, id)
) STRICT, WITHOUT ROWID;

-- Of a patient of a trust, or of one study (study_uid); level R or V.
CREATE TABLE restrictions (
  id TEXT PRIMARY KEY, trust TEXT NOT NULL,
  patient_id TEXT, issuer TEXT, study_uid TEXT,
  level TEXT NOT NULL, stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX restrictions_patient ON restrictions (trust, patient_id, issuer) WHERE patient_id IS NOT NULL;
CREATE INDEX restrictions_study ON restrictions (study_uid, trust) WHERE study_uid IS NOT NULL;
CREATE INDEX patients_restricted ON patients (nhs_number) WHERE restricted = 1;
`,
};
