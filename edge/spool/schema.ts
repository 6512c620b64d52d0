/** The list of what is in quarantine. The bytes are in `spool/quarantine/<id>.dcm`. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const spoolSchema: readonly Migration[] = [
  {
    name: 'quarantine',
    sql: `
CREATE TABLE quarantine (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL, detail TEXT NOT NULL,
  calling_ae_title TEXT NOT NULL, host TEXT NOT NULL,
  sop_class_uid TEXT NOT NULL, sop_instance_uid TEXT NOT NULL, transfer_syntax_uid TEXT NOT NULL,
  -- 0: the bytes were not kept, there was no room for them
  is_kept INTEGER NOT NULL, bytes INTEGER NOT NULL, content_digest TEXT NOT NULL,
  -- how often the same bytes came with the same fault
  times INTEGER NOT NULL, first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  UNIQUE (content_digest, code, sop_instance_uid)
) STRICT;
CREATE INDEX quarantine_last ON quarantine (last_at);
`,
  },
];
