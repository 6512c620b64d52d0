/**
 * The hub's view of the network, in SQLite. Everything here can be deleted and is rebuilt from the
 * log and the edges: nothing that cannot be rebuilt may stand in this file.
 *
 * A study's key is (trust, studyInstanceUID, home): `home = trust` for a trust's own study, else a
 * copy that it fetched. Dates are YYYYMMDD as in DICOM; times of the system are RFC 3339 UTC.
 */
import type { Migration } from '../../shared/sqlite/open.ts';
import { orderLevelsSchema, relationsSchema, studyLevelsSchema } from './schema-relations.ts';
import { risAnswersSchema, schedulingSchema } from './schema-scheduling.ts';
import { teachingSchema } from './schema-teaching.ts';

export const projectionSchema: readonly Migration[] = [
  {
    name: 'studies, series, cursors, digests, fetches',
    sql: `
CREATE TABLE studies (
  trust TEXT NOT NULL, study_uid TEXT NOT NULL, home TEXT NOT NULL,
  rev INTEGER NOT NULL, quiet INTEGER NOT NULL,
  patient_id TEXT NOT NULL, patient_issuer TEXT NOT NULL, nhs_number TEXT,
  patient_name TEXT,
  birth_date TEXT, sex TEXT,
  study_date TEXT, study_time TEXT, study_id TEXT,
  accession_number TEXT, accession_issuer TEXT,
  description TEXT, referring_physician TEXT, institution TEXT,
  -- distinct series modalities, backslash between them, sorted
  modalities TEXT NOT NULL,
  series INTEGER NOT NULL, instances INTEGER NOT NULL, bytes INTEGER NOT NULL,
  set_hash TEXT NOT NULL, conflicts INTEGER NOT NULL,
  -- acquisition day for the digest: study_date when it is a date, else 'undated'
  day TEXT NOT NULL,
  event_at TEXT NOT NULL, applied_at TEXT NOT NULL,
  PRIMARY KEY (trust, study_uid, home)
) STRICT, WITHOUT ROWID;
CREATE INDEX studies_uid ON studies (study_uid);
CREATE INDEX studies_nhs ON studies (nhs_number) WHERE nhs_number IS NOT NULL;
CREATE INDEX studies_patient ON studies (patient_id, patient_issuer);
CREATE INDEX studies_birth ON studies (birth_date);
CREATE INDEX studies_accession ON studies (accession_number) WHERE accession_number IS NOT NULL;
CREATE INDEX studies_day ON studies (trust, day);

CREATE TABLE series (
  trust TEXT NOT NULL, study_uid TEXT NOT NULL, home TEXT NOT NULL, series_uid TEXT NOT NULL,
  modality TEXT, series_number INTEGER, description TEXT, body_part TEXT,
  instances INTEGER NOT NULL, bytes INTEGER NOT NULL, set_hash TEXT NOT NULL,
  PRIMARY KEY (trust, study_uid, home, series_uid),
  FOREIGN KEY (trust, study_uid, home) REFERENCES studies ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- How far each trust's events are applied, and, under '@hub', the hubs' own decisions. Committed with
-- what it applied.
CREATE TABLE cursors (
  trust TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  -- where to go on reading in the stream EDGE_<trust>, and which stream that was
  stream_seq INTEGER NOT NULL, stream_created TEXT NOT NULL,
  event_at TEXT NOT NULL, applied_at TEXT NOT NULL
) STRICT;

-- What each trust said it holds on a day, and whether our rows were equal when we applied it.
CREATE TABLE digests (
  trust TEXT NOT NULL, day TEXT NOT NULL,
  studies INTEGER NOT NULL, series INTEGER NOT NULL, instances INTEGER NOT NULL,
  digest TEXT NOT NULL, equal INTEGER NOT NULL, said_at TEXT NOT NULL, compared_at TEXT NOT NULL,
  PRIMARY KEY (trust, day)
) STRICT, WITHOUT ROWID;

-- Newest heartbeat of each edge, as it came.
CREATE TABLE health (trust TEXT PRIMARY KEY, at TEXT NOT NULL, body TEXT NOT NULL) STRICT;

-- Fetch orders as the hub decided them (stream HUB) …
CREATE TABLE fetches (
  fetch_id TEXT PRIMARY KEY,
  -- of the newest decision
  stream_seq INTEGER NOT NULL,
  study_uid TEXT NOT NULL, home TEXT NOT NULL, to_trust TEXT NOT NULL, source_trust TEXT NOT NULL,
  requested_at TEXT NOT NULL, is_cancelled INTEGER NOT NULL,
  -- the order as in the decision
  body TEXT NOT NULL
) STRICT;
CREATE INDEX fetches_to ON fetches (to_trust, requested_at);
CREATE INDEX fetches_study ON fetches (study_uid);

-- … and how they stand at the edge (its receipts): two streams, so two tables, joined when read.
CREATE TABLE fetch_receipts (
  fetch_id TEXT PRIMARY KEY,
  trust TEXT NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;

-- What could not be read: kept, counted, shown.
CREATE TABLE unreadable (
  id INTEGER PRIMARY KEY, stream TEXT NOT NULL, stream_seq INTEGER NOT NULL, at TEXT NOT NULL,
  code TEXT NOT NULL, detail TEXT NOT NULL, body BLOB NOT NULL,
  UNIQUE (stream, stream_seq)
) STRICT;
`,
  },
  {
    name: 'fetches by time and by state',
    sql: `
CREATE INDEX fetches_requested ON fetches (requested_at DESC, fetch_id);
CREATE INDEX fetches_source ON fetches (source_trust, requested_at);
CREATE INDEX fetch_receipts_state ON fetch_receipts (state, fetch_id);
`,
  },
  {
    name: 'what the PACS of a trust holds',
    sql: `
-- series and instances count what is held, in the spool or by the PACS; online_instances those in the spool
-- (null: all). nearline_modalities null: no PACS is known to hold it.
ALTER TABLE studies ADD COLUMN online_instances INTEGER;
ALTER TABLE studies ADD COLUMN nearline_series INTEGER;
ALTER TABLE studies ADD COLUMN nearline_instances INTEGER;
ALTER TABLE studies ADD COLUMN nearline_modalities TEXT;
`,
  },
  {
    name: 'patients, orders, reports, appointments as the trusts tell them',
    sql: `
CREATE TABLE patients (
  trust TEXT NOT NULL, patient_id TEXT NOT NULL, issuer TEXT NOT NULL,
  nhs_number TEXT, nhs_status TEXT, patient_name TEXT, birth_date TEXT, sex TEXT, postcode TEXT,
  deceased INTEGER NOT NULL, restricted INTEGER NOT NULL, deleted INTEGER NOT NULL,
  merged_into_id TEXT, merged_into_issuer TEXT,
  as_of TEXT NOT NULL,
  PRIMARY KEY (trust, patient_id, issuer)
) STRICT, WITHOUT ROWID;
CREATE INDEX patients_nhs ON patients (nhs_number) WHERE nhs_number IS NOT NULL;
CREATE INDEX patients_birth ON patients (birth_date) WHERE birth_date IS NOT NULL;
CREATE INDEX patients_merged ON patients (trust, merged_into_id, merged_into_issuer)
  WHERE merged_into_id IS NOT NULL;

-- \`body\`: the event's own fields, as told.
CREATE TABLE orders (
  trust TEXT NOT NULL, order_id TEXT NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL, nhs_number TEXT,
  status TEXT NOT NULL, happens_at TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (trust, order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX orders_patient ON orders (trust, patient_id, issuer);
CREATE INDEX orders_nhs ON orders (nhs_number) WHERE nhs_number IS NOT NULL;

CREATE TABLE report_versions (
  trust TEXT NOT NULL, report_id TEXT NOT NULL, version INTEGER NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL, nhs_number TEXT,
  status TEXT NOT NULL, issued_at TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (trust, report_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_versions_patient ON report_versions (trust, patient_id, issuer);
CREATE INDEX report_versions_nhs ON report_versions (nhs_number) WHERE nhs_number IS NOT NULL;

-- What a report is of: an accession number of that trust, or a study.
CREATE TABLE report_subjects (
  trust TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, report_id TEXT NOT NULL,
  PRIMARY KEY (trust, kind, value, report_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_subjects_value ON report_subjects (kind, value);

CREATE TABLE appointments (
  trust TEXT NOT NULL, appointment_id TEXT NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL, nhs_number TEXT,
  status TEXT NOT NULL, happens_at TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (trust, appointment_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX appointments_patient ON appointments (trust, patient_id, issuer);
CREATE INDEX appointments_nhs ON appointments (nhs_number) WHERE nhs_number IS NOT NULL;
`,
  },
  {
    name: 'identity: pairs to be looked at, and what people decided',
    sql: `
-- Keys are trust/issuer/number, in order; see hub/identity.
CREATE TABLE identity_reviews (
  a TEXT NOT NULL, b TEXT NOT NULL, reasons TEXT NOT NULL, found_at TEXT NOT NULL,
  PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_reviews_b ON identity_reviews (b);
CREATE INDEX identity_reviews_found ON identity_reviews (found_at);
CREATE TABLE identity_decisions (
  a TEXT NOT NULL, b TEXT NOT NULL, decision TEXT NOT NULL,
  by TEXT NOT NULL, reason TEXT NOT NULL, at TEXT NOT NULL, stream_seq INTEGER NOT NULL,
  PRIMARY KEY (a, b)
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_decisions_b ON identity_decisions (b);
CREATE INDEX patients_address ON patients (birth_date, postcode) WHERE postcode IS NOT NULL;
`,
  },
  {
    name: 'orders by when they are to be done',
    sql: 'CREATE INDEX orders_happens ON orders (status, happens_at);',
  },
  schedulingSchema,
  {
    name: 'what the measures have still to count',
    sql: 'CREATE TABLE measure_inbox (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;',
  },
  {
    name: 'which version of a report each copy was given',
    sql: `
-- The key is a digest of trust, study and report; see hub/reports/copied.ts.
CREATE TABLE report_copies (
  copy_key TEXT PRIMARY KEY, version INTEGER NOT NULL, stream_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX studies_copies ON studies (study_uid, home) WHERE trust <> home;
`,
  },
  {
    name: 'what homes took back, merges of patients',
    sql: `
-- Objects of a study that rejection notes took back, as the event tells them; null: none.
ALTER TABLE studies ADD COLUMN rejected TEXT;
-- Merges of patients and their undoing, as they were told; \`kind\`: merge, unmerge.
CREATE TABLE patient_merges (
  merge_key INTEGER PRIMARY KEY,
  trust TEXT NOT NULL, prior_id TEXT NOT NULL, prior_issuer TEXT NOT NULL, prior_nhs_number TEXT,
  other_id TEXT NOT NULL, other_issuer TEXT NOT NULL, kind TEXT NOT NULL, as_of TEXT NOT NULL,
  is_audited INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX patient_merges_open ON patient_merges (merge_key) WHERE is_audited = 0;
CREATE INDEX patients_number ON patients (patient_id, issuer);
-- Studies that their home does not hold any more. Copies are not shown while it stands here.
CREATE TABLE withdrawn (
  study_uid TEXT NOT NULL, home TEXT NOT NULL, withdrawn_at TEXT NOT NULL,
  PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'whether all of a study has come',
    sql: `
-- mpps, pacs-count, time: by whose word; no: it may still grow; null: its trust does not say
ALTER TABLE studies ADD COLUMN complete TEXT;
`,
  },
  {
    name: 'when each edge was heard, by our own clock; alerts and maintenance',
    sql: `
ALTER TABLE health ADD COLUMN heard_at TEXT NOT NULL DEFAULT '';

-- body: as in the newest decision, cdip.hub.alert.<id>.
CREATE TABLE alerts (
  id TEXT PRIMARY KEY, stream_seq INTEGER NOT NULL,
  trust TEXT NOT NULL, signal TEXT NOT NULL, subject TEXT NOT NULL, episode INTEGER NOT NULL,
  state TEXT NOT NULL, level TEXT NOT NULL, opened_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_of ON alerts (trust, signal, subject, episode);
CREATE INDEX alerts_open ON alerts (state, opened_at);
CREATE TABLE maintenance (
  id TEXT PRIMARY KEY, stream_seq INTEGER NOT NULL,
  trust TEXT NOT NULL, begins_at TEXT NOT NULL, ends_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX maintenance_ends ON maintenance (ends_at);
CREATE INDEX fetch_receipts_at ON fetch_receipts (at);
`,
  },
  {
    name: 'configurations of edges',
    sql: `
CREATE TABLE configurations (
  trust TEXT NOT NULL, version INTEGER NOT NULL,
  changes TEXT NOT NULL, return_seconds INTEGER NOT NULL, reason TEXT NOT NULL,
  proposed_by TEXT NOT NULL, proposed_at TEXT NOT NULL,
  -- null: nobody has approved it
  approved_by TEXT, approved_at TEXT,
  stream_seq INTEGER NOT NULL,
  PRIMARY KEY (trust, version)
) STRICT, WITHOUT ROWID;
`,
  },
  risAnswersSchema,
  relationsSchema,
  orderLevelsSchema,
  {
    name: 'rollouts of builds',
    sql: `
-- body: as in the newest decision on it, cdip.hub.rollout.network.
CREATE TABLE rollouts (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, body TEXT NOT NULL, stream_seq INTEGER NOT NULL
) STRICT;
`,
  },
  studyLevelsSchema,
  {
    name: 'orders in order of time, for the requests that follow them',
    sql: 'CREATE INDEX orders_time ON orders (happens_at, trust, order_id);',
  },
  teachingSchema,
  {
    name: 'studies by day over all trusts, as a worklist of a modality asks for them',
    sql: 'CREATE INDEX studies_by_day ON studies (day, modalities);',
  },
  {
    name: 'appointments of a trust in order of time, for those that are in no diary',
    sql: 'CREATE INDEX appointments_time ON appointments (trust, happens_at);',
  },
];
