/** Retrieves from the PACS: which ways work with which PACS, and what became of the last ones. Times are milliseconds since the epoch. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const retrieveSchema: readonly Migration[] = [
  {
    name: 'ways that work, and retrieves',
    sql: `
CREATE TABLE retrieve_methods (
  peer TEXT NOT NULL, method TEXT NOT NULL,
  worked_at INTEGER, failed_at INTEGER,
  -- why it failed last
  reason_code TEXT, reason_detail TEXT,
  PRIMARY KEY (peer, method)
) STRICT, WITHOUT ROWID;

CREATE TABLE retrieves (
  retrieve_key INTEGER PRIMARY KEY,
  study_uid TEXT NOT NULL, peer TEXT NOT NULL, method TEXT,
  -- waiting, running, whole, partial, failed
  state TEXT NOT NULL,
  instances INTEGER NOT NULL DEFAULT 0,
  -- null: the PACS does not say
  expected INTEGER,
  reason_code TEXT, reason_detail TEXT,
  asked_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX retrieves_open ON retrieves (ended_at) WHERE ended_at IS NULL;
`,
  },
];
