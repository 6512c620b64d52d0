/** Who is sent which figures by e-mail, and what was sent last. A file of its own beside the store, SQLite. */
import type { Migration } from '../../../shared/sqlite/open.ts';

export const subscriptionSchema: readonly Migration[] = [
  {
    name: 'subscriptions',
    sql: `
      CREATE TABLE subscriptions (
        id TEXT PRIMARY KEY,
        -- Opens the link by which it is stopped without signing in.
        secret TEXT NOT NULL UNIQUE,
        person TEXT NOT NULL,
        -- Of a person whom an identity provider lets in: what it told last, and when. Of others the account says it.
        is_provided INTEGER NOT NULL,
        role TEXT NOT NULL,
        trust TEXT,
        seen_at INTEGER NOT NULL,
        measure TEXT NOT NULL,
        question TEXT NOT NULL,
        every TEXT NOT NULL,
        email TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        -- The newest period that is done with: it was sent, or the subscription began in it.
        done_period TEXT NOT NULL,
        sent_at INTEGER,
        -- Why it could not be sent; null: it could.
        fault TEXT,
        failures INTEGER NOT NULL,
        not_before INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX subscriptions_of ON subscriptions (person, is_provided)`,
  },
];
