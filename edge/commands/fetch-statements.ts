/** SQL of the fetches. */
import type { FetchStateName } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import { FETCH_COLUMNS, type RawFetchRow } from './fetch-row.ts';

export function prepareFetches(db: Sqlite) {
  return {
    ...prepareQuestions(db),
    ...prepareChanges(db),
    ...prepareInstances(db),
    ...prepareMappings(db),
  };
}

function prepareQuestions(db: Sqlite) {
  const rows = <P extends unknown[]>(rest: string) =>
    db.prepare<P, RawFetchRow>(`SELECT ${FETCH_COLUMNS} FROM fetches ${rest}`);
  return {
    find: rows<[string]>('WHERE fetch_id = ?'),
    openIds: db.prepare('SELECT fetch_id FROM fetches WHERE ended_at IS NULL'),
    due: rows<[state: string, otherState: string, now: number, limit: number]>(
      `WHERE ended_at IS NULL AND is_cancelled = 0 AND state IN (?, ?) AND due_at <= ?
       ORDER BY priority, received_at LIMIT ?`,
    ),
    dueOf: rows<[state: string, otherState: string, priority: number, now: number, limit: number]>(
      `WHERE ended_at IS NULL AND is_cancelled = 0 AND state IN (?, ?) AND priority = ? AND due_at <= ?
       ORDER BY received_at LIMIT ?`,
    ),
    duePriorities: db
      .prepare<[state: string, otherState: string, now: number], number>(
        `SELECT DISTINCT priority FROM fetches
         WHERE ended_at IS NULL AND is_cancelled = 0 AND state IN (?, ?) AND due_at <= ?
         ORDER BY priority`,
      )
      .pluck(),
    // Before this one, of the same study, and getting on: what it brings need not be brought again.
    isBroughtBefore: db
      .prepare<{ fetchId: string; now: number }>(
        `SELECT 1 FROM fetches f JOIN fetches mine ON mine.fetch_id = @fetchId
         WHERE f.study_uid = mine.study_uid AND f.home = mine.home AND f.fetch_id <> mine.fetch_id
           AND f.ended_at IS NULL AND f.is_cancelled = 0
           AND f.state IN ('retrieving', 'transferring', 'coercing') AND f.tries = 0
           AND f.due_at <= @now
           AND (f.priority, f.received_at, f.fetch_id)
             < (mine.priority, mine.received_at, mine.fetch_id) LIMIT 1`,
      )
      .pluck(),
    cancelled: rows<[]>('WHERE ended_at IS NULL AND is_cancelled = 1'),
    // What is being delivered has the delivery's deadline.
    pastDeadline: rows<[now: number]>(
      `WHERE ended_at IS NULL AND deadline_at <= ? AND state <> 'delivering'`,
    ),
    delivering: rows<[]>(`WHERE ended_at IS NULL AND state = 'delivering'`),
    openOf: rows<[study: string, home: string]>(
      'WHERE ended_at IS NULL AND study_uid = ? AND home = ?',
    ),
    filing: rows<[study: string, home: string]>(
      `WHERE ended_at IS NULL AND study_uid = ? AND home = ? AND state IN ('coercing', 'delivering')`,
    ),
    list: rows<[number]>(
      'ORDER BY ended_at IS NOT NULL, coalesce(ended_at, -received_at) DESC LIMIT ?',
    ),
    openCount: db.prepare('SELECT count(*) FROM fetches WHERE ended_at IS NULL'),
    steps: db.prepare<[string], { state: FetchStateName; at: number }>(
      'SELECT state, at FROM fetch_steps WHERE fetch_id = ? ORDER BY at',
    ),
  };
}

function prepareChanges(db: Sqlite) {
  const update = <P extends unknown[]>(set: string) =>
    db.prepare<P>(`UPDATE fetches SET ${set} WHERE fetch_id = ? AND ended_at IS NULL`);
  return {
    insert: db.prepare(
      `INSERT INTO fetches (fetch_id, study_uid, home, source_trust, source_url, ticket, series_uids,
         priority, peer, named_patient, state, due_at, deadline_at, instances_expected,
         bytes_expected, received_at, deliver)
       VALUES (@fetchId, @studyInstanceUID, @home, @sourceTrust, @sourceUrl, @ticket, @seriesUIDs,
         @priority, @peer, @namedPatient, 'retrieving', @now, @deadlineAt, @instances, @bytes, @now,
         @deliver)
       ON CONFLICT DO NOTHING`,
    ),
    begin: update<[FetchStateName, number, string]>(
      'state = ?, due_at = ?, tries = 0, reason_code = NULL, reason_detail = NULL, eta_seconds = NULL',
    ),
    wait: update<[number, string, string, string]>(
      'due_at = ?, tries = tries + 1, reason_code = ?, reason_detail = ?, eta_seconds = NULL',
    ),
    // Those that came for an urgent reason of their own are tried by their own clock.
    waitSource: db.prepare<[dueAt: number, sourceTrust: string]>(
      `UPDATE fetches SET due_at = max(due_at, ?) WHERE ended_at IS NULL AND source_trust = ?
         AND state IN ('retrieving', 'transferring') AND priority > 0`,
    ),
    resetTries: update<[string]>('tries = 0'),
    setReason: update<[string | null, string | null, string]>('reason_code = ?, reason_detail = ?'),
    hold: update<[number, string, string, string]>(
      "state = 'held', deadline_at = ?, reason_code = ?, reason_detail = ?, tries = 0, eta_seconds = NULL",
    ),
    release: update<[number, number, string]>(
      "state = 'coercing', due_at = ?, deadline_at = ?, reason_code = NULL, reason_detail = NULL",
    ),
    end: update<[string, string | null, string | null, number, string]>(
      'state = ?, reason_code = ?, reason_detail = ?, ended_at = ?, eta_seconds = NULL',
    ),
    progress: update<[number, number, number | null, string]>(
      'instances_done = ?, bytes_done = ?, eta_seconds = ?',
    ),
    setManifest: update<[string, number, number, string]>(
      'source_patient = ?, instances_expected = ?, bytes_expected = ?',
    ),
    setTicket: update<[string, string, string, string]>(
      'ticket = ?, source_trust = ?, source_url = ?',
    ),
    setCancelled: update<[string]>('is_cancelled = 1'),
    namePatient: update<[string, string]>('named_patient = ?'),
    reached: db.prepare<[string, string, number]>(
      'INSERT INTO fetch_steps (fetch_id, state, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    forget: db.prepare<[number]>('DELETE FROM fetches WHERE ended_at < ?'),
  };
}

function prepareInstances(db: Sqlite) {
  return {
    clearInstances: db.prepare<[string]>('DELETE FROM fetch_instances WHERE fetch_id = ?'),
    insertInstance: db.prepare(
      `INSERT INTO fetch_instances (fetch_id, sop_uid, position, series_uid, sop_class_uid,
         transfer_syntax_uid, bytes, digest, home_digest, state)
       VALUES (@fetchId, @sopInstanceUID, @position, @seriesInstanceUID, @sopClassUID,
         @transferSyntaxUID, @bytes, @digest, @homeDigest, @state) ON CONFLICT DO NOTHING`,
    ),
    instances: db.prepare<[string, string], ManifestInstance>(
      `SELECT sop_uid AS sopInstanceUID, series_uid AS seriesInstanceUID,
         sop_class_uid AS sopClassUID, transfer_syntax_uid AS transferSyntaxUID, bytes, digest,
         home_digest AS homeDigest
       FROM fetch_instances WHERE fetch_id = ? AND state = ? ORDER BY position`,
    ),
    counts: db.prepare<[string, string]>(
      `SELECT count(*) AS instances, coalesce(sum(bytes), 0) AS bytes FROM fetch_instances
       WHERE fetch_id = ? AND state = ?`,
    ),
    markInstance: db.prepare<[string, string | null, string | null, string, string]>(
      `UPDATE fetch_instances SET state = ?, code = ?, detail = ? WHERE fetch_id = ? AND sop_uid = ?`,
    ),
    failures: db.prepare<[string], { sopInstanceUID: string; code: string; detail: string }>(
      `SELECT sop_uid AS sopInstanceUID, code, coalesce(detail, '') AS detail FROM fetch_instances
       WHERE fetch_id = ? AND state = 'failed' ORDER BY position`,
    ),
    forgetInstances: db.prepare<[number]>(
      `DELETE FROM fetch_instances WHERE fetch_id IN (SELECT fetch_id FROM fetches WHERE ended_at < ?)`,
    ),
  };
}

function prepareMappings(db: Sqlite) {
  return {
    mapping: db.prepare('SELECT patient FROM copy_patients WHERE study_uid = ? AND home = ?'),
    fixMapping: db.prepare<[string, string, string, number]>(
      'INSERT INTO copy_patients VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    dropMapping: db.prepare<[string, string]>(
      'DELETE FROM copy_patients WHERE study_uid = ? AND home = ?',
    ),
  };
}
