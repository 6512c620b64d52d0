/**
 * `<dataDirectory>/access.sqlite`: who may do what. Nothing of it can be rebuilt. Secrets stand here as
 * SHA-256 only: they are random 256 bits, so that nothing slower is needed; passwords, which people choose, by scrypt. Times are milliseconds.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const accessSchema: readonly Migration[] = [
  {
    name: 'keys, tokens, people, sessions, edges, ticket keys',
    sql: `
CREATE TABLE api_keys (
  hash TEXT PRIMARY KEY, name TEXT NOT NULL, role TEXT NOT NULL, trust TEXT, created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE enrolment_tokens (
  hash TEXT PRIMARY KEY, trust TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER
) STRICT;
CREATE TABLE people (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, trust TEXT
) STRICT;
CREATE TABLE sign_in_links (
  hash TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people, expires_at INTEGER NOT NULL, used_at INTEGER
) STRICT;
CREATE TABLE sessions (
  hash TEXT PRIMARY KEY, person TEXT NOT NULL REFERENCES people,
  last_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
CREATE TABLE edges (
  ods TEXT PRIMARY KEY, nats_public_key TEXT NOT NULL, http_url TEXT NOT NULL, version TEXT NOT NULL,
  enrolled_at INTEGER NOT NULL
) STRICT;
-- What transfer tickets are signed with: private Ed25519 keys as JWK. The newest signs.
CREATE TABLE ticket_keys (kid TEXT PRIMARY KEY, jwk TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
`,
  },
  {
    // Sessions that run end: nobody knows how and when they were begun.
    name: 'how and when a person signed in',
    sql: `
DROP TABLE sessions;
CREATE TABLE sessions (
  hash TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, person TEXT NOT NULL,
  method TEXT NOT NULL, assurance INTEGER NOT NULL, authenticated_at INTEGER NOT NULL,
  -- As an identity provider told them; null: those of the account in people.
  role TEXT, trust TEXT,
  began_at INTEGER NOT NULL, last_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  address TEXT, browser TEXT
) STRICT;
CREATE INDEX sessions_of_person ON sessions (person);
`,
  },
  {
    name: 'passwords, wrong tries, scopes, OAuth clients',
    sql: `
-- The app's secret stands as it is: codes are computed from it. A code counts once: the step of the last one.
CREATE TABLE passwords (
  person TEXT PRIMARY KEY REFERENCES people, scrypt TEXT NOT NULL,
  totp_secret TEXT NOT NULL, totp_step INTEGER NOT NULL, set_at INTEGER NOT NULL
) STRICT;
-- By SHA-256 of the name that was typed, whether there is such an account or not.
CREATE TABLE sign_in_tries (
  account TEXT PRIMARY KEY, tries INTEGER NOT NULL, last_at INTEGER NOT NULL
) STRICT;
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
CREATE TABLE clients (
  id TEXT PRIMARY KEY, hash TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, trust TEXT,
  created_at INTEGER NOT NULL, scopes TEXT, expires_at INTEGER
) STRICT;
CREATE TABLE client_tokens (
  hash TEXT PRIMARY KEY, client TEXT NOT NULL REFERENCES clients,
  scopes TEXT NOT NULL, expires_at INTEGER NOT NULL
) STRICT;
`,
  },
  {
    name: 'keys of edges end, and are known for ever',
    sql: `
CREATE TABLE edge_keys (
  public_key TEXT NOT NULL UNIQUE, ods TEXT NOT NULL,
  admitted_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  -- null: not before it expires
  ended_at INTEGER,
  -- rotated, enrolled-again, revoked, not-used
  why TEXT
) STRICT;
CREATE INDEX edge_keys_ods ON edge_keys (ods);
-- Those from before have their whole time from now on.
INSERT INTO edge_keys (public_key, ods, admitted_at, expires_at)
  SELECT nats_public_key, ods, enrolled_at, unixepoch() * 1000 + 90 * 86400000 FROM edges;
`,
  },
  {
    name: 'clients that prove themselves by a key',
    sql: `
-- Public keys (JWK Set); null: the client has a secret.
ALTER TABLE clients ADD COLUMN jwks TEXT;
-- SHA-256 of client and jti, for as long as the assertion would count.
CREATE TABLE used_assertions (hash TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
`,
  },
  {
    name: 'the certificate authority of the network',
    sql: `
-- PEM; one.
CREATE TABLE authority (id INTEGER PRIMARY KEY CHECK (id = 1), key TEXT NOT NULL, certificate TEXT NOT NULL) STRICT;
`,
  },
  {
    name: 'who an identity provider knows a session by',
    sql: `
-- SHA-256 of issuer and sub, issuer and sid; null: it told none, or signed in here.
ALTER TABLE sessions ADD COLUMN subject_hash TEXT;
ALTER TABLE sessions ADD COLUMN sid_hash TEXT;
CREATE INDEX sessions_of_subject ON sessions (subject_hash) WHERE subject_hash IS NOT NULL;
CREATE INDEX sessions_of_sid ON sessions (sid_hash) WHERE sid_hash IS NOT NULL;
-- SHA-256 of issuer and jti, for as long as the token would count.
CREATE TABLE used_logout_tokens (hash TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT;
`,
  },
];
