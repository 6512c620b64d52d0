/**
 * Rejection notes that this edge makes, and what they are made from. Times are milliseconds since the epoch. Applied
 * after the tables of deliveries.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const notesSchema: readonly Migration[] = [
  {
    name: 'rejection notes of withdrawn copies, what was delivered of copies that went',
    sql: `
CREATE TABLE withdrawal_notes (
  note_key INTEGER PRIMARY KEY,
  command_id TEXT NOT NULL, study_uid TEXT NOT NULL, home TEXT NOT NULL, peer TEXT NOT NULL,
  -- what it says, as JSON; null: it has gone
  body TEXT, made_at INTEGER NOT NULL,
  -- as a document; null: not yet
  sop_uid TEXT, series_uid TEXT, path TEXT, data_set_offset INTEGER, data_set_bytes INTEGER,
  content_digest TEXT, delivery_id TEXT,
  done_at INTEGER,
  UNIQUE (command_id, peer)
) STRICT;
CREATE INDEX withdrawal_notes_open ON withdrawal_notes (note_key) WHERE done_at IS NULL;
CREATE INDEX withdrawal_notes_sop ON withdrawal_notes (sop_uid) WHERE sop_uid IS NOT NULL;

-- Copies that expired here, or made room: their PACS may hold them still. \`body\`: JSON, by zstd.
CREATE TABLE gone_copies (
  study_uid TEXT NOT NULL, home TEXT NOT NULL, body BLOB NOT NULL, gone_at INTEGER NOT NULL,
  PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_copies_at ON gone_copies (gone_at);
CREATE INDEX deliveries_of_copy ON deliveries (study_uid, home);
`,
  },
];
