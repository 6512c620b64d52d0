/** Performed procedure steps as modalities tell them. Times are milliseconds since the epoch. */
import type { Migration } from '../../../shared/sqlite/open.ts';

export const mppsSchema: readonly Migration[] = [
  {
    name: 'performed procedure steps and their forwarding',
    sql: `
CREATE TABLE performed_steps (
  sop_uid TEXT PRIMARY KEY,
  -- IN PROGRESS, COMPLETED, DISCONTINUED
  status TEXT NOT NULL,
  calling_ae_title TEXT NOT NULL,
  -- JSON array: a step may belong to several studies
  study_uids TEXT NOT NULL,
  -- Instances that the modality says it made; null while it has not said so.
  instances INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE performed_step_studies (
  study_uid TEXT NOT NULL, sop_uid TEXT NOT NULL REFERENCES performed_steps ON DELETE CASCADE,
  PRIMARY KEY (study_uid, sop_uid)
) STRICT, WITHOUT ROWID;

-- What came, as it came, and to whom it still has to be told: in order, per peer and step.
CREATE TABLE step_messages (
  message_key INTEGER PRIMARY KEY,
  sop_uid TEXT NOT NULL REFERENCES performed_steps ON DELETE CASCADE,
  kind TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL, data_set BLOB NOT NULL,
  received_at INTEGER NOT NULL
) STRICT;
CREATE INDEX step_messages_step ON step_messages (sop_uid);

CREATE TABLE step_forwards (
  message_key INTEGER NOT NULL REFERENCES step_messages ON DELETE CASCADE,
  peer TEXT NOT NULL, due_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  -- sent, refused
  outcome TEXT, reason_code TEXT,
  PRIMARY KEY (message_key, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX step_forwards_open ON step_forwards (due_at) WHERE outcome IS NULL;
`,
  },
  {
    name: 'when a step began and ended, as the modality says',
    sql: `
ALTER TABLE performed_steps ADD COLUMN started_at INTEGER;
ALTER TABLE performed_steps ADD COLUMN ended_at INTEGER;
`,
  },
];
