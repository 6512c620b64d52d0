/**
 * Ten years of a network as it was told, made by the store itself: the mix of section 11 of the domain notes, orders,
 * bookings, images, reports, transfers and dose. The same examination is always the same; a day is what is told of
 * all of them within it. Of tens of millions each of a million is told again, under other numbers, of other people.
 */
import { quoted, type Store, timestamp } from '../../hub/measures/store.ts';
import { KINDS, type KindName, TOLD } from '../../hub/measures/told.ts';

export interface History {
  readonly trusts: readonly string[];
  readonly exams: number;
  /** When the first was asked for, and the one after the last, milliseconds since the epoch. */
  readonly first: number;
  readonly end: number;
}

/** Examinations that are made at once. */
const CHUNK = 2_000_000;
const DAY = 86_400_000;

/** What was told after `from` until `until`; later tellings of what was asked for up to 400 days before `from`. */
export async function tellHistory(
  store: Store,
  history: History,
  { from, until }: { from: number; until: number },
): Promise<void> {
  const { first, end, exams } = history;
  const placeOf = (ms: number): number => Math.floor(((ms - first) / (end - first)) * exams);
  const start = Math.max(0, placeOf(from - 400 * DAY));
  const stop = placeOf(until);
  await store.run(MACROS);
  for (let at = start; at < stop; at += CHUNK) {
    const within = { at, to: Math.min(stop, at + CHUNK) };
    await store.run(`CREATE OR REPLACE TEMP TABLE made AS ${madeSql(history, within)}`);
    for (const sql of TELLINGS)
      await store.run(
        sql.replaceAll('$from', timestamp(from)).replaceAll('$until', timestamp(until)),
      );
  }
  await store.run('DROP TABLE IF EXISTS made');
}

/** Patients, codes and sessions, which are told once. */
export async function tellPeople(store: Store, { trusts, exams, first }: History): Promise<void> {
  await store.run(`
    ${MACROS};
    INSERT INTO told_patient BY NAME
      SELECT ${trustOf(trusts, 'p')} AS trust, patient_key(p, trust) AS patient_key, nhs_key(p) AS nhs_key,
        ${timestamp(first)} AS as_of, CASE WHEN dice(p, 31) < 0.9 THEN '01' ELSE '03' END AS nhs_status,
        (DATE '1935-01-01' + INTERVAL (floor(dice(p, 32) * 1000)::INTEGER) MONTH)::DATE AS birth_month,
        CASE WHEN dice(p, 33) < 0.5 THEN 'F' ELSE 'M' END AS sex, dice(p, 34) < 0.001 AS restricted,
        false AS deleted
      FROM range(${Math.ceil(exams / 8)}) r(p);
    INSERT INTO told_code BY NAME
      SELECT m || r AS code, modality_of_nicip(m) AS modality, r AS region,
        CASE m WHEN 'M' THEN 20 WHEN 'C' THEN 15 WHEN 'X' THEN 2 ELSE 5 END AS reporting_minutes
      FROM (SELECT unnest(['C', 'M', 'U', 'X', 'F', 'N']) AS m), (SELECT unnest(${REGIONS}) AS r)`);
}

/** Merges and corrections of old examinations, as they come on any day. */
export async function tellCorrections(store: Store, at: number): Promise<void> {
  await store.run(
    `
    CREATE OR REPLACE TEMP TABLE corrected AS
      SELECT * FROM told_order WHERE status = 'completed' USING SAMPLE 300 ROWS;
    INSERT INTO told_order SELECT * REPLACE (${timestamp(at)} AS as_of, 'URGENT' AS priority) FROM corrected;
    CREATE OR REPLACE TEMP TABLE merged AS
      SELECT * FROM told_patient WHERE merged_into IS NULL USING SAMPLE 200 ROWS;
    INSERT INTO told_patient
      SELECT a.* REPLACE (${timestamp(at)} AS as_of, b.patient_key AS merged_into)
      FROM (SELECT *, row_number() OVER (PARTITION BY trust ORDER BY patient_key) AS n FROM merged) a
      JOIN (SELECT *, row_number() OVER (PARTITION BY trust ORDER BY patient_key) AS n FROM merged) b
        ON b.trust = a.trust AND b.n = a.n + 1 WHERE a.n % 2 = 1;
    DROP TABLE corrected; DROP TABLE merged`.replaceAll(
      'SELECT a.* REPLACE',
      'SELECT a.* EXCLUDE (n) REPLACE',
    ),
  );
}

/** The last row of each kind. */
export type Marks = ReadonlyMap<KindName, number>;

export async function marksOf(store: Store): Promise<Marks> {
  const marks = new Map<KindName, number>();
  for (const kind of KINDS) {
    const [row] = await store.rows(`SELECT coalesce(max(rowid), -1) AS last FROM told_${kind}`);
    marks.set(kind, Number(row?.['last']));
  }
  return marks;
}

/** Everything that was told after the marks is told of so many others too, at the same times and places. */
export async function tellOfOthers(store: Store, others: number, after: Marks): Promise<void> {
  const until = await marksOf(store);
  for (const kind of KINDS) {
    const replaced = Object.entries(TOLD[kind].columns).flatMap(([name, type]) =>
      !NUMBERS.includes(name)
        ? []
        : type === 'VARCHAR[]'
          ? [`[one || $copy FOR one IN ${name}] AS ${name}`]
          : [`${name} || $copy AS ${name}`],
    );
    if (replaced.length === 0) continue;
    for (let copy = 1; copy <= others; copy += 1)
      await store.run(
        `INSERT INTO told_${kind} SELECT * REPLACE (${replaced.join(', ')}) FROM told_${kind}
         WHERE rowid > ${after.get(kind) ?? -1} AND rowid <= ${until.get(kind) ?? -1}`.replaceAll(
          '$copy',
          quoted(`-${copy}`),
        ),
      );
  }
}

/** Columns that say which examination, report, booking … and whose it is. */
const NUMBERS: readonly string[] = [
  ...['patient_key', 'nhs_key', 'merged_into', 'exam', 'placer', 'filler', 'study_uid'],
  ...['report_id', 'appointment_id', 'transfer_id', 'event_uid', 'exams', 'study_uids'],
];

const REGIONS = "['CHEST', 'HEAD', 'SPINE', 'ABDO', 'PELV', 'LIMB']";

const trustOf = (trusts: readonly string[], person: string): string =>
  `([${trusts.map(quoted).join(', ')}])[1 + floor(pow(dice(${person}, 35), 1.4) * ${trusts.length})::INTEGER]`;

const MACROS = `
CREATE OR REPLACE TEMP MACRO dice(n, k) AS (hash(n, k) % 1000003) / 1000003.0;
CREATE OR REPLACE TEMP MACRO days(n) AS to_microseconds((n * 86400000000)::BIGINT);
CREATE OR REPLACE TEMP MACRO patient_key(p, trust) AS left(md5(trust || p), 22);
CREATE OR REPLACE TEMP MACRO nhs_key(p) AS CASE WHEN p % 20 <> 0 THEN left(md5('n' || p), 22) END;
`;

const madeSql = (
  { trusts, exams, first, end }: History,
  { at, to }: { at: number; to: number },
): string => `
  WITH drawn AS (
    SELECT i, ${timestamp(first)} + days(${(end - first) / DAY / exams} * i + dice(i, 1) * 0.3) AS requested_at,
      floor(dice(i, 2) * ${Math.ceil(exams / 8)})::BIGINT AS p, dice(i, 3) AS m, dice(i, 4) AS pr, dice(i, 5) AS cl,
      dice(i, 6) AS away
    FROM range(${at}, ${to}) r(i)),
  named AS (
    SELECT i, requested_at, p,
      CASE WHEN away < 0.88 THEN ${trustOf(trusts, 'p')} ELSE ${trustOf(trusts, 'i')} END AS trust,
      CASE WHEN m < 0.48 THEN 'X' WHEN m < 0.71 THEN 'U' WHEN m < 0.87 THEN 'C' WHEN m < 0.96 THEN 'M'
        WHEN m < 0.985 THEN 'F' ELSE 'N' END AS m,
      CASE WHEN pr < 0.15 THEN 'STAT' WHEN pr < 0.22 THEN '2WW' WHEN pr < 0.42 THEN 'URGENT'
        WHEN pr < 0.92 THEN 'ROUTINE' ELSE 'PLANNED' END AS priority,
      CASE WHEN cl < 0.6 THEN 'outpatient' WHEN cl < 0.78 THEN 'inpatient' WHEN cl < 0.97 THEN 'emergency' END
        AS setting,
      (${REGIONS})[1 + floor(dice(i, 7) * 6)::INTEGER] AS region
    FROM drawn),
  timed AS (
    SELECT *, requested_at + days(CASE WHEN priority = 'STAT' OR setting = 'emergency' THEN 0.02 + dice(i, 8) * 0.2
      ELSE least(300, -ln(dice(i, 8) + 0.000001) * CASE WHEN m = 'X' THEN 3 WHEN priority = '2WW' THEN 8
        WHEN priority = 'URGENT' THEN 14 ELSE 30 END) END) AS started_at
    FROM named)
  SELECT i, p, trust, patient_key(p, trust) AS patient_key, nhs_key(p) AS nhs_key, 'A' || i AS exam, 'P' || i AS placer,
    m || region AS code, modality_of_nicip(m) AS modality, region, priority, setting,
    trust || lpad((i % 3)::VARCHAR, 2, '0') AS site, '2.999.10.' || i AS uid, requested_at, started_at,
    started_at + days(0.01 + dice(i, 9) * 0.02) AS ended_at, dice(i, 10) < 0.05 AS is_cancelled,
    started_at + days(0.03 + least(90, -ln(dice(i, 11) + 0.000001) * CASE WHEN setting = 'outpatient' THEN 5 ELSE 0.5 END))
      AS verified_at,
    requested_at + (started_at - requested_at) * 0.3 AS booked_at
  FROM timed`;

const TELLINGS: readonly string[] = [
  `INSERT INTO told_order BY NAME
    SELECT trust, exam, requested_at + INTERVAL 5 MINUTE AS as_of, 'requested' AS status, patient_key, nhs_key, placer,
      requested_at, code, 'NICIP' AS code_system, modality, priority, setting, site
    FROM made WHERE as_of > $from AND as_of <= $until`,
  `INSERT INTO told_order BY NAME
    SELECT trust, exam, CASE WHEN is_cancelled THEN booked_at ELSE ended_at + INTERVAL 1 MINUTE END AS as_of,
      CASE WHEN is_cancelled THEN 'cancelled' ELSE 'completed' END AS status, patient_key, nhs_key, placer,
      requested_at, started_at AS scheduled_at, CASE WHEN NOT is_cancelled THEN started_at END AS started_at,
      CASE WHEN NOT is_cancelled THEN ended_at END AS ended_at, code, 'NICIP' AS code_system, modality, priority,
      setting, site
    FROM made WHERE as_of > $from AND as_of <= $until`,
  `INSERT INTO told_study BY NAME
    SELECT trust, uid AS study_uid, ended_at AS as_of, patient_key, nhs_key, exam, started_at, modality, region,
      false AS deleted
    FROM made WHERE NOT is_cancelled AND dice(i, 12) < 0.97 AND as_of > $from AND as_of <= $until`,
  `INSERT INTO told_report BY NAME
    SELECT trust, 'R' || i AS report_id, 1 AS version, 'final' AS status, verified_at AS issued_at, patient_key, nhs_key,
      [exam] AS exams, CASE WHEN dice(i, 13) < 0.5 THEN [uid] ELSE [] END AS study_uids,
      CASE WHEN dice(i, 14) < 0.1 THEN 'MEDICA' END AS provider
    FROM made WHERE NOT is_cancelled AND dice(i, 15) < 0.96 AND issued_at > $from AND issued_at <= $until`,
  `INSERT INTO told_appointment BY NAME
    SELECT trust, 'B' || i AS appointment_id, booked_at AS as_of, 'booked' AS status, patient_key, nhs_key,
      date_trunc('minute', started_at) AS starts_at, 20 AS minutes, trust || '-' || modality || (i % 4) AS resource, placer
    FROM made WHERE setting = 'outpatient' AND modality <> 'DX' AND as_of > $from AND as_of <= $until`,
  `INSERT INTO told_appointment BY NAME
    SELECT trust, 'B' || i AS appointment_id,
      CASE WHEN is_cancelled THEN started_at - INTERVAL 1 DAY ELSE ended_at END AS as_of,
      CASE WHEN is_cancelled THEN 'cancelled' WHEN dice(i, 16) < 0.06 THEN 'missed' ELSE 'attended' END AS status,
      patient_key, nhs_key, date_trunc('minute', started_at) AS starts_at, 20 AS minutes,
      trust || '-' || modality || (i % 4) AS resource, placer
    FROM made WHERE setting = 'outpatient' AND modality <> 'DX' AND as_of > $from AND as_of <= $until`,
  `INSERT INTO told_transfer BY NAME
    SELECT 'F' || i AS transfer_id, ended_at + days(dice(i, 17) + 0.05) AS as_of, trust AS home, trust AS source,
      'R1D' AS to_trust, uid AS study_uid, modality, 'urgent' AS priority, ended_at + days(dice(i, 17)) AS requested_at,
      ended_at + days(dice(i, 17) + 0.001 + dice(i, 18) * 0.04) AS available_at, 'available' AS state
    FROM made WHERE NOT is_cancelled AND trust <> 'R1D' AND dice(i, 19) < 0.1 AND as_of > $from AND as_of <= $until`,
  `INSERT INTO told_dose BY NAME
    SELECT trust, exam, '2.999.11.' || i AS event_uid, ended_at AS as_of, modality, region AS protocol,
      trust || '-' || modality || (i % 4) AS device, 3 + dice(i, 20) * 20 AS ctdivol_mgy, 100 + dice(i, 21) * 900 AS dlp_mgycm
    FROM made WHERE NOT is_cancelled AND modality = 'CT' AND as_of > $from AND as_of <= $until`,
];
