/**
 * Many times the facts of a smaller network: each copy under keys of its own, moved to other trusts and by whole
 * months within the same years, so that its cells become as many as those of a network of that size.
 *
 *   facts of a built store ─► month by month, as a whole build lays them ─► facts of another store, to be counted
 *
 * What was told, and the stages that facts are folded from, are not multiplied: such a store answers, and can't fold.
 */
import { quoted, type Store, timestamp } from '../../hub/measures/store.ts';

interface Copied {
  readonly fact: string;
  /** By which its rows lie. */
  readonly at: string;
  readonly times: readonly string[];
  readonly keys: readonly string[];
  readonly trusts: readonly string[];
}

const COPIED: readonly Copied[] = [
  {
    fact: 'exam',
    at: 'coalesce(ended_at, verified_at, requested_at)',
    times: [
      ...['requested_at', 'received_at', 'booked_at', 'appointment_at', 'started_at', 'ended_at'],
      ...['first_preliminary_at', 'verified_at', 'cancelled_at'],
    ],
    keys: ['exam', 'person', 'patient_key', 'study_uid'],
    trusts: ['trust', 'site'],
  },
  {
    fact: 'appointment',
    at: 'starts_at',
    times: ['starts_at', 'booked_at', 'released_at'],
    keys: ['appointment_id', 'exam', 'person'],
    trusts: ['trust', 'site', 'resource'],
  },
  {
    fact: 'transfer',
    at: 'requested_at',
    times: ['as_of', 'requested_at', 'available_at'],
    keys: ['transfer_id', 'study_uid'],
    trusts: ['home', 'source'],
  },
  {
    fact: 'dose',
    at: 'dosed_at',
    times: ['dosed_at'],
    keys: ['exam'],
    trusts: ['trust', 'device'],
  },
];

export interface Copies {
  /** The folder of the built store that is multiplied. */
  readonly from: string;
  readonly times: number;
  readonly trusts: readonly string[];
  /** Milliseconds since the epoch: the first month, and now. */
  readonly first: number;
  readonly now: number;
}

/** @param store built, with no facts of its own */
export async function copyFacts(store: Store, copies: Copies): Promise<void> {
  const { from, times, trusts, first, now } = copies;
  const [range] = await store.rows(
    `SELECT month_number(${timestamp(first)}) AS first, month_number(${timestamp(now)}) AS last`,
  );
  const [begin, end] = [Number(range?.['first']), Number(range?.['last'])];
  const months = end - begin + 1;
  await store.run(`
    ATTACH ${quoted(`${from}/facts.duckdb`)} AS few (READ_ONLY);
    CREATE TEMP TABLE copy AS SELECT c, ((c * 37) % ${months})::INTEGER AS moved, c % ${trusts.length} AS turned
      FROM range(${times}) r(c);
    CREATE TEMP TABLE turned AS SELECT a.trust, t.turned, b.trust AS becomes
      FROM ${listed(trusts)} a, range(${trusts.length}) t(turned), ${listed(trusts)} b
      WHERE b.place = (a.place + t.turned) % ${trusts.length}`);
  for (const copied of COPIED) {
    await store.run(`CREATE TEMP TABLE source AS
      SELECT *, month_number(${copied.at}) AS n FROM few.${copied.fact} WHERE ${copied.at} IS NOT NULL`);
    for (let month = begin; month <= end; month += 1)
      await store.run(
        `INSERT INTO ${copied.fact} BY NAME ${copySql(copied, { month, begin, months, now })}`,
      );
    await store.run('DROP TABLE source');
  }
  await store.run(`DROP TABLE copy; DROP TABLE turned; DETACH few;
    ${COPIED.map(({ fact }) => `DROP TABLE sample_${fact}; DROP TABLE sample_256_${fact}`).join('; ')};
    UPDATE built SET definitions = 'to be counted'`);
}

const listed = (trusts: readonly string[]): string =>
  `(SELECT unnest([${trusts.map(quoted).join(', ')}]) AS trust, unnest(range(${trusts.length})) AS place)`;

function copySql(
  { fact, times, keys, trusts }: Copied,
  { month, begin, months, now }: { month: number; begin: number; months: number; now: number },
): string {
  const [trust] = trusts;
  const moved = `to_days(date_diff('day', make_date(s.n // 12, s.n % 12 + 1, 1), make_date(${Math.floor(month / 12)}, ${(month % 12) + 1}, 1))::INTEGER)`;
  // What lies years back was reported, but for one in fifty of those that a young network has not reported yet.
  const late = `s.ended_at + ${moved} < ${timestamp(now)} - INTERVAL 100 DAY AND hash(s.exam) % 50 <> 0`;
  const columns = [
    ...times.map((name) =>
      fact === 'exam' && name === 'verified_at'
        ? `coalesce(s.verified_at, CASE WHEN ${late} THEN s.ended_at + INTERVAL 20 DAY END) + ${moved} AS verified_at`
        : `s.${name} + ${moved} AS ${name}`,
    ),
    ...keys.map((name) => `s.${name} || '~' || c.c AS ${name}`),
    ...trusts.map((name) => `t.becomes || substr(s.${name}, length(s.${trust}) + 1) AS ${name}`),
  ];
  return `
    SELECT s.* EXCLUDE (n) REPLACE (${columns.join(', ')})
    FROM source s
    JOIN copy c ON s.n = ${begin} + (${month - begin + months} - c.moved) % ${months}
    JOIN turned t ON t.trust = s.${trust} AND t.turned = c.turned
    ORDER BY t.becomes`;
}
