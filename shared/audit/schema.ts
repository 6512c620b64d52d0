/**
 * `audit.sqlite`: rows that nothing changes. Each holds the digest of the one before, so that a row that was
 * altered, taken out or put in between is found. `audit_patients` and the like are for looking up only.
 */
import type { Migration } from '../sqlite/open.ts';

const appendOnly = (table: string): string => `
CREATE TRIGGER ${table}_no_update BEFORE UPDATE ON ${table}
  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER ${table}_no_delete BEFORE DELETE ON ${table}
  BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
`;

export const auditSchema: readonly Migration[] = [
  {
    name: 'trail, and what it is looked up by',
    sql: `
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  -- milliseconds since the epoch
  at INTEGER NOT NULL,
  user TEXT NOT NULL,
  -- the entry as JSON: what is hashed is exactly this text
  entry TEXT NOT NULL,
  -- SHA-256 of the digest before, seq, at, user and entry
  digest TEXT NOT NULL
) STRICT;
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_user ON audit (user, seq);
CREATE TABLE audit_patients (
  patient TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (patient, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_studies (
  study TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (study, seq)
) STRICT, WITHOUT ROWID;
CREATE TABLE audit_trusts (
  trust TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (trust, seq)
) STRICT, WITHOUT ROWID;
${['audit', 'audit_patients', 'audit_studies', 'audit_trusts'].map(appendOnly).join('')}
`,
  },
];
