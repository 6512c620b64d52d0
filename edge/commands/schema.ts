/**
 * Tables of commands and fetches. Times are milliseconds since the epoch; `body`, `named_patient`,
 * `source_patient` and `patient` are JSON as in shared/contract.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const commandsSchema: readonly Migration[] = [
  {
    name: 'commands, fetches, copy patients',
    sql: `
-- What the hub asked, once each.
CREATE TABLE commands (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL,
  received_at INTEGER NOT NULL, done_at INTEGER
) STRICT;
CREATE INDEX commands_open ON commands (received_at) WHERE done_at IS NULL;

CREATE TABLE fetches (
  fetch_id TEXT PRIMARY KEY,
  study_uid TEXT NOT NULL, home TEXT NOT NULL,
  source_trust TEXT NOT NULL, source_url TEXT NOT NULL, ticket TEXT NOT NULL,
  series_uids TEXT,
  -- 0 is the most urgent
  priority INTEGER NOT NULL,
  peer TEXT,
  named_patient TEXT, source_patient TEXT,
  state TEXT NOT NULL,
  is_cancelled INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0, due_at INTEGER NOT NULL, deadline_at INTEGER NOT NULL,
  reason_code TEXT, reason_detail TEXT,
  instances_expected INTEGER NOT NULL, bytes_expected INTEGER,
  instances_done INTEGER NOT NULL DEFAULT 0, bytes_done INTEGER NOT NULL DEFAULT 0,
  eta_seconds REAL,
  received_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX fetches_open ON fetches (priority, received_at) WHERE ended_at IS NULL;

CREATE TABLE fetch_instances (
  fetch_id TEXT NOT NULL REFERENCES fetches ON DELETE CASCADE,
  sop_uid TEXT NOT NULL, position INTEGER NOT NULL,
  series_uid TEXT NOT NULL, sop_class_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
  bytes INTEGER NOT NULL, digest TEXT NOT NULL, home_digest TEXT NOT NULL,
  -- wanted, filed (in the spool, as a copy), failed
  state TEXT NOT NULL, code TEXT, detail TEXT,
  PRIMARY KEY (fetch_id, sop_uid)
) STRICT, WITHOUT ROWID;

-- When a fetch first reached each state.
CREATE TABLE fetch_steps (
  fetch_id TEXT NOT NULL REFERENCES fetches ON DELETE CASCADE,
  state TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (fetch_id, state)
) STRICT, WITHOUT ROWID;

-- Under which patient a foreign study is filed here: fixed before its first object is stored, and the
-- same for whatever of it comes later.
CREATE TABLE copy_patients (
  study_uid TEXT NOT NULL, home TEXT NOT NULL,
  patient TEXT NOT NULL, fixed_at INTEGER NOT NULL,
  PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'cancels by fetch',
    sql: `
CREATE INDEX commands_cancels ON commands (json_extract(body, '$.fetchId')) WHERE kind = 'cancel';
`,
  },
  {
    name: 'open fetches by what is asked of them',
    sql: `
CREATE INDEX fetches_cancelled ON fetches (fetch_id) WHERE ended_at IS NULL AND is_cancelled = 1;
CREATE INDEX fetches_deadline ON fetches (deadline_at) WHERE ended_at IS NULL;
CREATE INDEX fetches_delivering ON fetches (fetch_id) WHERE ended_at IS NULL AND state = 'delivering';
CREATE INDEX fetches_study ON fetches (study_uid, home) WHERE ended_at IS NULL;
`,
  },
  {
    name: 'fetches that are delivered nowhere',
    sql: `
ALTER TABLE fetches ADD COLUMN deliver INTEGER NOT NULL DEFAULT 1;
`,
  },
];
