/** SQL of keys, links, sessions and edges. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from './rules.ts';

export function prepareAccess(db: Sqlite) {
  return {
    upsertPerson: db.prepare<[string, string, string | null]>(
      `INSERT INTO people VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET role = excluded.role, trust = excluded.trust`,
    ),
    insertLink: db.prepare<[string, string, number]>(
      'INSERT INTO sign_in_links VALUES (?, ?, ?, NULL)',
    ),
    findLink: db.prepare<[string, number], Principal>(
      `SELECT name, role, trust FROM sign_in_links JOIN people ON name = person
       WHERE hash = ? AND used_at IS NULL AND expires_at > ?`,
    ),
    useLink: db.prepare<[number, string]>('UPDATE sign_in_links SET used_at = ? WHERE hash = ?'),
    insertToken: db.prepare<[string, string, number]>(
      'INSERT INTO enrolment_tokens VALUES (?, ?, ?, NULL)',
    ),
    useToken: db.prepare<[number, string, string, number]>(
      `UPDATE enrolment_tokens SET used_at = ?
       WHERE hash = ? AND trust = ? AND used_at IS NULL AND expires_at > ?`,
    ),
    findRepeat: db.prepare<[string, string, number, string]>(
      `SELECT 1 FROM enrolment_tokens JOIN edges ON ods = trust
       WHERE hash = ? AND trust = ? AND expires_at > ? AND nats_public_key = ?
         AND enrolled_at = used_at`,
    ),
    upsertEdge: db.prepare(
      `INSERT INTO edges VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET nats_public_key = excluded.nats_public_key,
         http_url = excluded.http_url, version = excluded.version,
         enrolled_at = excluded.enrolled_at`,
    ),
    edges: db.prepare<[], { ods: string; key: string }>(
      'SELECT ods, nats_public_key AS key FROM edges',
    ),
    edgeUrl: db.prepare<[string]>('SELECT http_url FROM edges WHERE ods = ?'),
  };
}
