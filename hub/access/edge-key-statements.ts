/** SQL of the edges and their keys. */
import type { Sqlite } from '../../shared/sqlite/open.ts';

interface KeyRow {
  readonly ods: string;
  readonly key: string;
  readonly expiresAt: number;
}
const KEY = 'ods, public_key AS key, expires_at AS expiresAt';
const IN_FORCE = 'ended_at IS NULL AND expires_at > ?';
const NEWEST_FIRST = 'ORDER BY admitted_at DESC, rowid DESC';

export function prepareEdgeKeys(db: Sqlite) {
  return {
    useToken: db.prepare<[number, string, string, number]>(
      `UPDATE enrolment_tokens SET used_at = ?
       WHERE hash = ? AND trust = ? AND used_at IS NULL AND expires_at > ?`,
    ),
    findRepeat: db.prepare<[string, string, number, string]>(
      `SELECT 1 FROM enrolment_tokens JOIN edges ON ods = trust
       WHERE hash = ? AND trust = ? AND expires_at > ? AND nats_public_key = ?
         AND enrolled_at = used_at
         AND nats_public_key IN (SELECT public_key FROM edge_keys WHERE ended_at IS NULL)`,
    ),
    dropTokens: db.prepare<[string, number]>(
      'DELETE FROM enrolment_tokens WHERE trust = ? AND used_at IS NULL AND expires_at > ?',
    ),
    upsertEdge: db.prepare<[string, string, string, string, number]>(
      `INSERT INTO edges VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET nats_public_key = excluded.nats_public_key,
         http_url = excluded.http_url, version = excluded.version,
         enrolled_at = excluded.enrolled_at`,
    ),
    setKey: db.prepare<[string, string]>('UPDATE edges SET nats_public_key = ? WHERE ods = ?'),
    edgeUrl: db.prepare<[string], { url: string }>(
      'SELECT http_url AS url FROM edges WHERE ods = ?',
    ),
    known: db.prepare<[string]>('SELECT 1 FROM edge_keys WHERE public_key = ?'),
    insert: db.prepare<[string, string, number, number]>(
      'INSERT INTO edge_keys (public_key, ods, admitted_at, expires_at) VALUES (?, ?, ?, ?)',
    ),
    live: db.prepare<[string, number], KeyRow>(
      `SELECT ${KEY} FROM edge_keys WHERE ods = ? AND ${IN_FORCE} ${NEWEST_FIRST}`,
    ),
    allLive: db.prepare<[number], KeyRow>(
      `SELECT ${KEY} FROM edge_keys WHERE ${IN_FORCE} ${NEWEST_FIRST}`,
    ),
    inUse: db.prepare<[string, number], KeyRow>(
      `SELECT k.ods, public_key AS key, expires_at AS expiresAt FROM edge_keys k
       JOIN edges e ON e.ods = k.ods AND e.nats_public_key = k.public_key
       WHERE k.ods = ? AND ${IN_FORCE}`,
    ),
    end: db.prepare<[number, string, string]>(
      'UPDATE edge_keys SET ended_at = ?, why = ? WHERE public_key = ?',
    ),
    endOthers: db.prepare<[number, string, string, string]>(
      `UPDATE edge_keys SET ended_at = ?, why = ?
       WHERE ods = ? AND public_key <> ? AND ended_at IS NULL`,
    ),
    ended: db.prepare<[number, number, number], { key: string }>(
      `SELECT public_key AS key FROM edge_keys
       WHERE ended_at > ? OR (ended_at IS NULL AND expires_at BETWEEN ? AND ?)`,
    ),
  };
}
