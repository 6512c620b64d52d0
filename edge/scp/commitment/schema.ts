/** Requests for storage commitment, and what became of telling their results. Times are milliseconds since the epoch. */
import type { Migration } from '../../../shared/sqlite/open.ts';

export const commitmentSchema: readonly Migration[] = [
  {
    name: 'commitments',
    sql: `
CREATE TABLE commitments (
  transaction_uid TEXT NOT NULL, calling_ae_title TEXT NOT NULL,
  -- [[SOP class, SOP instance], …], as asked
  instances TEXT NOT NULL,
  requested_at INTEGER NOT NULL, due_at INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
  -- told, given-up
  outcome TEXT, ended_at INTEGER, failed INTEGER, reason_code TEXT,
  PRIMARY KEY (transaction_uid, calling_ae_title)
) STRICT, WITHOUT ROWID;
CREATE INDEX commitments_open ON commitments (due_at) WHERE ended_at IS NULL;
`,
  },
];
