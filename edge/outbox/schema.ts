/**
 * Tables of the outbox. `row_id` never comes back once used, so that `row_id - base_row_id` is an
 * event's sequence number in its epoch. Times are milliseconds since the epoch 1970.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const outboxSchema: readonly Migration[] = [
  {
    name: 'events, epochs, dirty studies, days',
    sql: `
CREATE TABLE outbox (
  row_id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;

-- The newest row is the epoch in force.
CREATE TABLE epochs (
  epoch INTEGER PRIMARY KEY, base_row_id INTEGER NOT NULL, began_at INTEGER NOT NULL
) STRICT;

-- Up to which row a hub is known to have applied.
CREATE TABLE outbox_cursor (
  id INTEGER PRIMARY KEY CHECK (id = 1), committed_row_id INTEGER NOT NULL
) STRICT;
INSERT INTO outbox_cursor VALUES (1, 0);

-- Studies that changed and are not yet told as quiet. due_at: when the next event is due.
CREATE TABLE dirty_studies (
  study_uid TEXT NOT NULL, home TEXT NOT NULL,
  changed_at INTEGER NOT NULL, is_pending INTEGER NOT NULL,
  announced_at INTEGER NOT NULL, due_at INTEGER NOT NULL,
  PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
CREATE INDEX dirty_studies_due ON dirty_studies (due_at);

-- What the events so far make of each acquisition day: studies as announced, not as they are now.
CREATE TABLE days (
  day TEXT PRIMARY KEY,
  studies INTEGER NOT NULL, series INTEGER NOT NULL, instances INTEGER NOT NULL,
  digest TEXT NOT NULL,
  -- when the next digest of this day is due; null: nothing changed since the last one
  due_at INTEGER, changed_since INTEGER
) STRICT;
CREATE INDEX days_due ON days (due_at) WHERE due_at IS NOT NULL;
`,
  },
];
