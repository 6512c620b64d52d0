/**
 * Tables of deliveries: what has to reach which destination, and what became of each object.
 * Times are milliseconds since the epoch.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const deliverSchema: readonly Migration[] = [
  {
    name: 'deliveries and their instances',
    sql: `
CREATE TABLE deliveries (
  delivery_id TEXT PRIMARY KEY,
  peer TEXT NOT NULL, study_uid TEXT NOT NULL, home TEXT NOT NULL,
  -- 0 is the most urgent
  priority INTEGER NOT NULL,
  state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, verify_tries INTEGER NOT NULL DEFAULT 0,
  -- not tried before
  due_at INTEGER NOT NULL,
  -- ends with what it has by then
  deadline_at INTEGER NOT NULL,
  -- why it stands still, or ended as it did
  reason_code TEXT, reason_detail TEXT,
  created_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX deliveries_open ON deliveries (peer, priority, created_at) WHERE ended_at IS NULL;

CREATE TABLE delivery_instances (
  delivery_id TEXT NOT NULL REFERENCES deliveries ON DELETE CASCADE,
  sop_uid TEXT NOT NULL,
  -- wanted, sent, failed
  state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, resends INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL, code TEXT, detail TEXT,
  PRIMARY KEY (delivery_id, sop_uid)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'how destinations stand',
    sql: `
CREATE TABLE delivery_peers (
  peer TEXT PRIMARY KEY,
  -- works, waits
  state TEXT NOT NULL, since_at INTEGER NOT NULL,
  -- tried again then
  until_at INTEGER,
  -- in a row
  failures INTEGER NOT NULL, reason_code TEXT, reason_detail TEXT
) STRICT;
`,
  },
  {
    name: 'destinations that a person holds',
    sql: `
CREATE TABLE delivery_holds (peer TEXT PRIMARY KEY, since_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`,
  },
];
