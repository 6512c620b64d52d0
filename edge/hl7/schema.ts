/** Messages as they came, and what became of them. Times are milliseconds since the epoch. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const hl7Schema: readonly Migration[] = [
  {
    name: 'messages and dead letters',
    sql: `
CREATE TABLE hl7_messages (
  message_key INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL, host TEXT NOT NULL,
  -- MSH-3, MSH-4, MSH-10, MSH-9
  application TEXT NOT NULL, facility TEXT NOT NULL, control_id TEXT NOT NULL, type TEXT NOT NULL,
  -- SHA-256 of the bytes, which name sender and control id: the same again is the same message
  digest BLOB NOT NULL UNIQUE,
  raw BLOB NOT NULL,
  -- applied, ignored: nothing that is kept here; dead: a person has to look; dropped: one has
  state TEXT NOT NULL,
  code TEXT, detail TEXT, times INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX hl7_messages_dead ON hl7_messages (message_key) WHERE state = 'dead';
CREATE INDEX hl7_messages_received ON hl7_messages (received_at);
`,
  },
  {
    name: 'when each sender last sent',
    sql: 'CREATE INDEX hl7_messages_source ON hl7_messages (application, facility, received_at);',
  },
];
