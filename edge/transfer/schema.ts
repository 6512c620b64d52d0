/** Tables of tickets that were used here. Times are milliseconds since the epoch. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const transferSchema: readonly Migration[] = [
  {
    name: 'used tickets',
    sql: `
CREATE TABLE used_tickets (
  jti TEXT PRIMARY KEY, reader TEXT NOT NULL,
  -- when something was last read with it
  last_at INTEGER NOT NULL,
  -- its reader has all that it wants
  ended INTEGER NOT NULL DEFAULT 0,
  -- when it can be forgotten: it opens nothing any more
  forget_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_tickets_forget ON used_tickets (forget_at);
CREATE TABLE used_proofs (
  ticket TEXT NOT NULL REFERENCES used_tickets ON DELETE CASCADE, jti TEXT NOT NULL,
  PRIMARY KEY (ticket, jti)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'fetches without the hub',
    sql: `
CREATE TABLE unaided_fetches (
  -- at which end of it this edge is
  side TEXT NOT NULL CHECK (side IN ('reader', 'source')),
  other TEXT NOT NULL, fetch_id TEXT NOT NULL, study_uid TEXT NOT NULL, home TEXT NOT NULL,
  who TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL,
  -- when a hub had recorded it
  told_at INTEGER,
  -- an id that names one study after the other is as many fetches
  PRIMARY KEY (side, other, fetch_id, study_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX unaided_fetches_untold ON unaided_fetches (at) WHERE told_at IS NULL;
CREATE INDEX unaided_fetches_at ON unaided_fetches (side, other, at);
`,
  },
];
