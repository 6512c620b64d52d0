/** Teaching files whose studies are this trust's. Times are milliseconds since the epoch. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const teachingSchema: readonly Migration[] = [
  {
    name: 'teaching files',
    sql: `
CREATE TABLE teaching_cases (
  case_id TEXT PRIMARY KEY,
  -- null: it was withdrawn before it came
  study_uid TEXT, note TEXT,
  -- preparing, held, refused, published, withdrawing, withdrawn
  state TEXT NOT NULL,
  reason_code TEXT, reason_detail TEXT,
  -- in the collection; null: nothing was written there
  new_study_uid TEXT, instances INTEGER NOT NULL DEFAULT 0,
  -- not looked at before
  due_at INTEGER NOT NULL,
  -- the last that was watched goes last
  watched_at INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX teaching_cases_state ON teaching_cases (state, due_at);
CREATE INDEX teaching_cases_new ON teaching_cases (new_study_uid);

-- Of the original's objects: those that the collection has, and why it has not the others.
CREATE TABLE teaching_objects (
  case_id TEXT NOT NULL REFERENCES teaching_cases ON DELETE CASCADE,
  sop_uid TEXT NOT NULL, withheld_code TEXT, withheld_detail TEXT,
  PRIMARY KEY (case_id, sop_uid)
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'what studies of the collection are made of',
    sql: `
-- A digest of originals, rules and what was known of the patient: made of something else, a study is made anew.
CREATE TABLE teaching_studies (
  new_study_uid TEXT PRIMARY KEY, made_of TEXT NOT NULL
) STRICT, WITHOUT ROWID;
-- Objects of the original study of which another one with the same UID is there.
ALTER TABLE teaching_cases ADD COLUMN other_versions INTEGER NOT NULL DEFAULT 0;
`,
  },
];
