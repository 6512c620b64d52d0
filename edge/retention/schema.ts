/** When a copy was last used; times are milliseconds since the epoch. Applied after the tables of commands and deliveries. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const retentionSchema: readonly Migration[] = [
  {
    name: 'use of copies',
    sql: `
CREATE TABLE copy_use (
  study_uid TEXT NOT NULL, home TEXT NOT NULL, used_at INTEGER NOT NULL,
  PRIMARY KEY (study_uid, home)
) STRICT, WITHOUT ROWID;
CREATE INDEX fetches_of_study ON fetches (study_uid, home, received_at);
CREATE INDEX deliveries_of_study ON deliveries (study_uid, home) WHERE ended_at IS NULL;
`,
  },
];
