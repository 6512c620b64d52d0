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
  };
}
