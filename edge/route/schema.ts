/**
 * Tables of routing: what is still to be decided, what was decided and by which rules, and what has to be
 * sent. Times are milliseconds since the epoch.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const routeSchema: readonly Migration[] = [
  {
    name: 'queue, decisions, jobs',
    sql: `
-- Written in the transaction that records the object.
CREATE TABLE route_queue (
  queue_key INTEGER PRIMARY KEY AUTOINCREMENT,
  study_uid TEXT NOT NULL, sop_uid TEXT NOT NULL, queued_at INTEGER NOT NULL
) STRICT;

CREATE TABLE route_versions (
  version TEXT PRIMARY KEY, rules TEXT NOT NULL, first_at INTEGER NOT NULL
) STRICT;

-- Most objects of a study go the same way: each way is kept once.
CREATE TABLE route_ways (
  way_key INTEGER PRIMARY KEY, way TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE route_objects (
  study_uid TEXT NOT NULL, sop_uid TEXT NOT NULL,
  way_key INTEGER NOT NULL REFERENCES route_ways, decided_at INTEGER NOT NULL,
  PRIMARY KEY (study_uid, sop_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX route_objects_sop ON route_objects (sop_uid);
CREATE INDEX route_objects_way ON route_objects (way_key);

-- What one rule sends of one study to one destination.
CREATE TABLE route_jobs (
  job_key INTEGER PRIMARY KEY AUTOINCREMENT,
  rule TEXT NOT NULL, version TEXT NOT NULL, destination TEXT NOT NULL,
  study_uid TEXT NOT NULL, home TEXT NOT NULL, priority INTEGER NOT NULL,
  state TEXT NOT NULL,
  -- why it waits, or ended as it did
  reason_code TEXT, reason_detail TEXT,
  instances INTEGER NOT NULL, bytes INTEGER NOT NULL,
  -- not looked at before
  due_at INTEGER NOT NULL,
  -- of each release by a person: a delivery of its own
  attempt INTEGER NOT NULL DEFAULT 1, delivery_id TEXT,
  created_at INTEGER NOT NULL, sent_at INTEGER, ended_at INTEGER
) STRICT;
CREATE INDEX route_jobs_open ON route_jobs (state, due_at) WHERE ended_at IS NULL;
CREATE INDEX route_jobs_study ON route_jobs (study_uid);
CREATE INDEX route_jobs_sent ON route_jobs (rule, sent_at);

CREATE TABLE route_job_objects (
  job_key INTEGER NOT NULL REFERENCES route_jobs ON DELETE CASCADE,
  sop_uid TEXT NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (job_key, sop_uid)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'AI models and their results',
    sql: `
-- A result came before the delivery to the model had ended, or after.
ALTER TABLE route_jobs ADD COLUMN answered_at INTEGER;

-- A model that is here is switched off.
CREATE TABLE route_models_off (
  model TEXT PRIMARY KEY, reason TEXT NOT NULL, off_at INTEGER NOT NULL
) STRICT;

-- What an AI node sent, by the digest of its bytes. Held: for the reason; filed: in the index, marked.
CREATE TABLE route_results (
  content_digest TEXT PRIMARY KEY,
  sop_uid TEXT NOT NULL, sop_class_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
  study_uid TEXT NOT NULL, calling_ae_title TEXT NOT NULL, received_at INTEGER NOT NULL,
  path TEXT NOT NULL, data_set_offset INTEGER NOT NULL, data_set_bytes INTEGER NOT NULL,
  state TEXT NOT NULL, model TEXT, reason_code TEXT, reason_detail TEXT, ended_at INTEGER
) STRICT;
CREATE INDEX route_results_study ON route_results (study_uid);
CREATE INDEX route_results_open ON route_results (state) WHERE ended_at IS NULL;
`,
  },
  {
    name: 'projects of secondary use',
    sql: `
ALTER TABLE route_jobs ADD COLUMN project TEXT;

-- What a project gets of a job's objects: de-identified, until it is delivered; or why it does not.
CREATE TABLE route_outgoing (
  job_key INTEGER NOT NULL REFERENCES route_jobs ON DELETE CASCADE,
  sop_uid TEXT NOT NULL,
  new_sop_uid TEXT, sop_class_uid TEXT, transfer_syntax_uid TEXT,
  new_study_uid TEXT, new_series_uid TEXT,
  path TEXT, data_set_offset INTEGER, data_set_bytes INTEGER, content_digest TEXT,
  withheld_code TEXT, withheld_detail TEXT,
  PRIMARY KEY (job_key, sop_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX route_outgoing_new ON route_outgoing (new_sop_uid);
`,
  },
  {
    name: 'pseudonyms of AI nodes, sealed',
    sql: `
-- By tokens that only the project's key makes, so that no row says which study it is of.
CREATE TABLE route_pseudonyms (
  job_token BLOB PRIMARY KEY, study_token BLOB NOT NULL, sealed BLOB NOT NULL, kept_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX route_pseudonyms_study ON route_pseudonyms (study_token);
`,
  },
];
