/** Rows of teaching files: what people decided of each, and how it stands at the home of its study. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const teachingSchema: Migration = {
  name: 'teaching files',
  sql: `
-- body: as in the newest decision, cdip.hub.teaching.<id>; words: all of its note, folded, to be searched
CREATE TABLE teaching_cases (
  case_id TEXT PRIMARY KEY, study_uid TEXT NOT NULL, home TEXT NOT NULL,
  author TEXT NOT NULL, author_trust TEXT, marked_at TEXT NOT NULL,
  is_withdrawn INTEGER NOT NULL, keywords TEXT NOT NULL, words TEXT NOT NULL,
  body TEXT NOT NULL, stream_seq INTEGER NOT NULL
) STRICT;
CREATE INDEX teaching_cases_study ON teaching_cases (study_uid, home);
-- body: as the home's edge told it; new_study_uid: in the collection, null: it is not there
CREATE TABLE teaching_copies (
  case_id TEXT NOT NULL, trust TEXT NOT NULL, state TEXT NOT NULL, told_at TEXT NOT NULL,
  new_study_uid TEXT, new_patient_id TEXT, modalities TEXT NOT NULL, body_parts TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (case_id, trust)
) STRICT, WITHOUT ROWID;
CREATE INDEX teaching_copies_study ON teaching_copies (new_study_uid) WHERE new_study_uid IS NOT NULL;
`,
};
