/** The statements of the tables of routing. */
import type { Sqlite } from '../../shared/sqlite/open.ts';

/**
 * - `waiting`: for its time, a rate, a switch: the reason says
 * - `held`: for a person
 * - `preparing`: its objects are being de-identified
 * - `delivering`: its delivery is under way
 * - `awaiting`: sent to an AI model, whose result has not come
 * - the others are ends; a person may send again what did not get there or was not answered
 */
export type JobState =
  | 'waiting'
  | 'held'
  | 'preparing'
  | 'delivering'
  | 'awaiting'
  | 'answered'
  | 'unanswered'
  | 'delivered'
  | 'partial'
  | 'failed'
  | 'cancelled';

export interface JobRow {
  readonly jobKey: number;
  readonly rule: string;
  readonly version: string;
  readonly destination: string;
  readonly project: string | null;
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly priority: number;
  readonly state: JobState;
  readonly reasonCode: string | null;
  readonly reasonDetail: string | null;
  readonly instances: number;
  readonly bytes: number;
  readonly attempt: number;
  readonly deliveryId: string | null;
  readonly createdAt: number;
  readonly sentAt: number | null;
  readonly answeredAt: number | null;
  readonly endedAt: number | null;
}

export interface QueuedStudy {
  readonly studyInstanceUID: string;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface DecidedObject {
  readonly studyInstanceUID: string;
  readonly sopInstanceUID: string;
  readonly way: string;
  readonly decidedAt: number;
}

/** What a delivery that is under way waits for is what its job waits for. */
const JOB = `SELECT job_key AS jobKey, rule, version, destination, project, j.study_uid AS studyInstanceUID,
  j.home AS home, j.priority AS priority, j.state AS state,
  coalesce(j.reason_code, d.reason_code) AS reasonCode,
  coalesce(j.reason_detail, d.reason_detail) AS reasonDetail,
  instances, bytes, attempt, j.delivery_id AS deliveryId, j.created_at AS createdAt,
  sent_at AS sentAt, answered_at AS answeredAt, j.ended_at AS endedAt
  FROM route_jobs j LEFT JOIN deliveries d ON d.delivery_id = j.delivery_id AND j.state = 'delivering'`;

/** Of what is still to be decided, and what was. */
export function prepareDecisions(db: Sqlite) {
  return {
    enqueue: db.prepare<[string, string, number]>(
      'INSERT INTO route_queue (study_uid, sop_uid, queued_at) VALUES (?, ?, ?)',
    ),
    queuedStudies: db.prepare<[], QueuedStudy>(
      `SELECT study_uid AS studyInstanceUID, min(queued_at) AS firstAt, max(queued_at) AS lastAt
       FROM route_queue GROUP BY study_uid ORDER BY min(queue_key)`,
    ),
    queuedObjects: db.prepare<[string], { queueKey: number; sopInstanceUID: string }>(
      `SELECT queue_key AS queueKey, sop_uid AS sopInstanceUID FROM route_queue
       WHERE study_uid = ? ORDER BY queue_key`,
    ),
    dequeue: db.prepare<[number]>('DELETE FROM route_queue WHERE queue_key = ?'),
    queueLength: db.prepare('SELECT count(*) FROM route_queue'),

    putVersion: db.prepare<[string, string, number]>(
      'INSERT INTO route_versions VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    putWay: db.prepare<[string]>('INSERT INTO route_ways (way) VALUES (?) ON CONFLICT DO NOTHING'),
    wayKey: db.prepare<[string]>('SELECT way_key FROM route_ways WHERE way = ?'),
    putObject: db.prepare<[string, string, number, number]>(
      `INSERT INTO route_objects VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET way_key = excluded.way_key, decided_at = excluded.decided_at`,
    ),
    decided: db.prepare<[string, string], DecidedObject>(
      `SELECT study_uid AS studyInstanceUID, sop_uid AS sopInstanceUID, way, decided_at AS decidedAt
       FROM route_objects JOIN route_ways USING (way_key) WHERE study_uid = ? OR sop_uid = ?`,
    ),

    // Of an object that is still here, the way stays.
    forgetObjects: db.prepare<[number]>(
      `DELETE FROM route_objects WHERE decided_at < ? AND NOT EXISTS (
         SELECT 1 FROM instances i WHERE i.sop_uid = route_objects.sop_uid)`,
    ),
  };
}

/** Of what has to be sent. */
export function prepareJobs(db: Sqlite) {
  const jobs = <P extends unknown[]>(rest: string) => db.prepare<P, JobRow>(`${JOB} ${rest}`);
  return {
    insertJob: db.prepare(
      `INSERT INTO route_jobs (rule, version, destination, project, study_uid, home, priority, state,
         reason_code, reason_detail, instances, bytes, due_at, created_at)
       VALUES (@rule, @version, @destination, @project, @studyInstanceUID, @home, @priority, @state,
         @reasonCode, @reasonDetail, @instances, @bytes, @now, @now)`,
    ),
    insertJobObject: db.prepare<[number | bigint, string, number]>(
      'INSERT INTO route_job_objects VALUES (?, ?, ?)',
    ),
    job: jobs<[number]>('WHERE job_key = ?'),
    jobOfDelivery: jobs<[string]>('WHERE j.delivery_id = ?'),
    jobsOfStudy: jobs<[string]>('WHERE j.study_uid = ? ORDER BY job_key'),
    jobsOfObject: jobs<[string]>(
      'WHERE job_key IN (SELECT job_key FROM route_job_objects WHERE sop_uid = ?) ORDER BY job_key',
    ),
    due: jobs<[number]>(
      `WHERE j.state = 'waiting' AND j.ended_at IS NULL AND j.due_at <= ?
       ORDER BY j.priority, job_key`,
    ),
    preparing: jobs<[number]>(
      `WHERE j.state = 'preparing' AND j.due_at <= ? ORDER BY j.priority, job_key`,
    ),
    overdue: jobs<[number]>(`WHERE j.state = 'awaiting' AND j.ended_at IS NULL AND j.due_at <= ?`),
    delivering: jobs<[]>(`WHERE j.state = 'delivering' AND j.ended_at IS NULL`),
    list: jobs<[number]>('ORDER BY j.ended_at IS NOT NULL, job_key DESC LIMIT ?'),
    jobObjects: db.prepare<[number], { sopInstanceUID: string; dataSetBytes: number }>(
      `SELECT sop_uid AS sopInstanceUID, bytes AS dataSetBytes FROM route_job_objects
       WHERE job_key = ?`,
    ),
  };
}

/** How a job goes on. */
export function prepareSteps(db: Sqlite) {
  return {
    postpone: db.prepare<[number, string, string, number]>(
      'UPDATE route_jobs SET due_at = ?, reason_code = ?, reason_detail = ? WHERE job_key = ?',
    ),
    setDelivering: db.prepare<[string, number, number]>(
      `UPDATE route_jobs SET state = 'delivering', reason_code = NULL, reason_detail = NULL,
         delivery_id = ?, sent_at = ? WHERE job_key = ?`,
    ),
    setState: db.prepare<[JobState, string | null, string | null, number]>(
      'UPDATE route_jobs SET state = ?, reason_code = ?, reason_detail = ? WHERE job_key = ?',
    ),
    // Some of it may have got there: a result of it is one of what was sent.
    putBack: db.prepare<[number]>(
      `UPDATE route_jobs SET state = 'waiting', delivery_id = NULL, attempt = attempt + 1
       WHERE job_key = ?`,
    ),
    awaitResult: db.prepare<[number, string | null, string | null, number]>(
      `UPDATE route_jobs SET state = 'awaiting', due_at = ?, reason_code = ?, reason_detail = ?
       WHERE job_key = ?`,
    ),
    answered: db.prepare<[number, number]>(
      'UPDATE route_jobs SET answered_at = coalesce(answered_at, ?) WHERE job_key = ?',
    ),
    endAnswered: db.prepare<[number, number]>(
      `UPDATE route_jobs SET state = 'answered', reason_code = NULL, reason_detail = NULL, ended_at = ?
       WHERE job_key = ? AND state IN ('awaiting', 'unanswered')`,
    ),
    raise: db.prepare<[number, string, number]>(
      `UPDATE route_jobs SET priority = ? WHERE study_uid = ? AND priority > ? AND ended_at IS NULL`,
    ),
    end: db.prepare<[JobState, string | null, string | null, number, number]>(
      `UPDATE route_jobs SET state = ?, reason_code = ?, reason_detail = ?, ended_at = ?
       WHERE job_key = ? AND ended_at IS NULL`,
    ),
    release: db.prepare<[number, number]>(
      `UPDATE route_jobs SET state = 'waiting', reason_code = NULL, reason_detail = NULL, due_at = ?,
         attempt = attempt + 1, ended_at = NULL
       WHERE job_key = ? AND state IN ('held', 'failed', 'partial', 'cancelled', 'unanswered')`,
    ),
    cancel: db.prepare<[string, number, number]>(
      `UPDATE route_jobs SET state = 'cancelled', reason_code = 'DROPPED', reason_detail = ?, ended_at = ?
       WHERE job_key = ? AND state IN ('held', 'waiting')`,
    ),
    sentSince: db.prepare<[string, number]>(
      'SELECT count(DISTINCT study_uid) FROM route_jobs WHERE rule = ? AND sent_at > ?',
    ),
    counts: db.prepare<[], { state: JobState; jobs: number }>(
      `SELECT state, count(*) AS jobs FROM route_jobs
       WHERE ended_at IS NULL OR state IN ('failed', 'partial', 'unanswered')
       GROUP BY state`,
    ),
    forgetJobs: db.prepare<[number]>('DELETE FROM route_jobs WHERE ended_at < ?'),
  };
}
