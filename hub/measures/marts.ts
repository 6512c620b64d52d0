/**
 * What analysts ask by SQL, as files apart from the store. Two kinds:
 *
 *   figures   the units of every measure (suppress.ts): each row counts nobody or at least five people, and sums of
 *             whole units are all that the pages tell, too; so no SQL can show more. For every analyst.
 *   purpose   rows of examinations, bookings, transfers and dose for one approved purpose: days instead of moments,
 *             patients under keys of that purpose alone, nobody whom a flag hides. BI-04, ID-21.
 *
 * A file is made anew when the store was built anew, so that a flag or a correction holds from the next question on.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MEASURES } from './all-measures.ts';
import { amountColumn, cellTable } from './cell-names.ts';
import { dataQuality } from './definitions/data-quality.ts';
import { type Gate, gatedMonthsSql } from './gate.ts';
import { type Measure, mainCount } from './measure.ts';
import type { Pseudonyms } from './pseudonyms.ts';
import { quoted, type Store } from './store.ts';
import { ALONE, NEVER } from './suppress.ts';

const FIGURES = 'figures';

export class Marts {
  readonly #store: Store;
  readonly #keys: Pseudonyms;
  readonly #gate: Gate;
  readonly #making = new Map<string, Promise<string>>();

  constructor(store: Store, keys: Pseudonyms, gate: Gate) {
    this.#store = store;
    this.#gate = gate;
    this.#keys = keys;
  }

  /** @param purpose id of an approved one; null: figures. @returns the file */
  async file(purpose: string | null): Promise<string> {
    const name = purpose === null ? FIGURES : `purpose-${slugOf(purpose)}`;
    const [built] = await this.#store.ask('SELECT number FROM built');
    const file = join(this.#folder, `${name}.${Number(built?.['number'] ?? 0)}.duckdb`);
    if (existsSync(file)) return file;
    const making =
      this.#making.get(file) ??
      this.#make(file, name, purpose).finally(() => this.#making.delete(file));
    this.#making.set(file, making);
    return making;
  }

  /** Takes away rows of purposes that have ended. @param open ids of those that have not */
  tidy(open: readonly string[]): void {
    if (!existsSync(this.#folder)) return;
    const kept = new Set([FIGURES, ...open.map((id) => `purpose-${slugOf(id)}`)]);
    for (const name of readdirSync(this.#folder))
      if (!kept.has(name.split('.', 1)[0] ?? '')) rmSync(join(this.#folder, name), { force: true });
  }

  get #folder(): string {
    return join(this.#store.directory, 'marts');
  }

  async #make(file: string, name: string, purpose: string | null): Promise<string> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const unfinished = `${file}.making`;
    rmSync(unfinished, { force: true });
    const tables =
      purpose === null ? figureTables(this.#gate) : rowTables(this.#keys.secretOfPurpose(purpose));
    const alias = `mart_${slugOf(name)}`;
    const statements = tables.map(([table, sql]) => `CREATE TABLE ${alias}.${table} AS ${sql}`);
    // In one transaction of its own: every table is of the same build.
    await this.#store.ask(`ATTACH ${quoted(unfinished)} AS ${alias}`);
    try {
      await this.#store.ask(['BEGIN TRANSACTION', ...statements, 'COMMIT'].join(';\n'));
    } finally {
      await this.#store.ask(`DETACH ${alias}`);
    }
    for (const old of readdirSync(this.#folder))
      if (old.startsWith(`${name}.`) && !unfinished.endsWith(old))
        rmSync(join(this.#folder, old), { force: true });
    renameSync(unfinished, file);
    return file;
  }
}

/** A name that is safe in a path and as an identifier, and of one purpose only. */
const slugOf = (purpose: string): string =>
  `${purpose.replaceAll(/[^a-z0-9]/gi, '_')}_${createHash('sha256').update(purpose).digest('hex').slice(0, 8)}`;

type Table = readonly [name: string, sql: string];

/** `bi_14`: counts by unit of the details; `bi_14_total`: how many there are, by the finer units of the total. */
function figureTables(gate: Gate): Table[] {
  return MEASURES.flatMap((measure): Table[] => {
    const name = measure.id.replaceAll('-', '_').toLowerCase();
    const { counts, sums = [] } = measure;
    const all = [
      ...counts.map((one) => `sum(c.${one.name})::BIGINT AS "${one.name}"`),
      ...sums.map((one) => `sum(c.${amountColumn(one.name)}) / 1000.0 AS "${one.name}"`),
    ];
    const total = mainCount(measure);
    const published = (sql: string): string =>
      measure.id === dataQuality.id ? sql : publishedSql(sql, gate);
    return [
      [name, published(unitsSql(measure, 'details', all))],
      [
        `${name}_total`,
        published(unitsSql(measure, 'total', [`sum(c.${total})::BIGINT AS "${total}"`])),
      ],
    ];
  });
}

/** Without units of trusts that are not held against others. */
const publishedSql = (units: string, gate: Gate): string => `
  SELECT u.* FROM (${units}) u ANTI JOIN (${gatedMonthsSql(gate)}) g
    ON g.trust = u.trust AND (u.month = g.month OR u.month = 'several')
  ORDER BY ALL`;

/** One row for each unit; what its cells have not in common is `several`. */
function unitsSql(measure: Measure, kind: 'total' | 'details', sums: readonly string[]): string {
  const unit = kind === 'total' ? 'unit' : 'detail_unit';
  const names = ['trust', 'month', ...measure.dimensions];
  const common = names.map(
    (name) =>
      `CASE WHEN min(c.${name}) = max(c.${name}) THEN min(c.${name}) ELSE 'several' END AS ${name}`,
  );
  const isLocal = `w.wide IS NULL AND c.${unit} <> ${ALONE}`;
  return `
    SELECT ${[...common, ...sums].join(', ')}
    FROM (SELECT *, rowid AS place FROM ${cellTable(measure)}) c
    LEFT JOIN wide_unit w ON w.measure = ${quoted(measure.id)} AND w.kind = ${quoted(kind)}
      AND w.trust = c.trust AND w.month = c.month AND w.unit = c.${unit}
    WHERE w.wide IS DISTINCT FROM ${NEVER}
    GROUP BY w.wide, CASE WHEN ${isLocal} THEN c.trust END, CASE WHEN ${isLocal} THEN c.month END,
      CASE WHEN ${isLocal} THEN c.${unit} END, CASE WHEN c.${unit} = ${ALONE} THEN c.place END
    ORDER BY ALL`;
}

/** Without accession numbers and UIDs, and without the trust's own key of a patient. */
function rowTables(secret: string): Table[] {
  const personWhere = (isTold: string): string =>
    `CASE WHEN ${isTold} THEN left(sha256(${quoted(secret)} || f.person || ${quoted(secret)}), 22) END AS person`;
  const unhidden = `ANTI JOIN (SELECT trust, exam FROM exam WHERE restricted) h`;
  return [
    [
      'exam',
      `SELECT f.trust, f.site, ${personWhere('f.patient_key IS NOT NULL')}, f.age_band, f.sex, f.modality, f.region, f.code, f.test, f.band, f.setting,
        f.status, f.in_ris, f.reporting_minutes,
        day_of(f.requested_at) AS requested_on, day_of(f.started_at) AS started_on, day_of(f.ended_at) AS ended_on,
        day_of(f.verified_at) AS verified_on, day_of(f.cancelled_at) AS cancelled_on,
        round(hours_between(f.requested_at, f.started_at), 1) AS wait_hours,
        round(hours_between(f.ended_at, f.verified_at), 1) AS turnaround_hours,
        f.reporter, coalesce(p.priors, 0) AS priors, coalesce(p.priors_brought, 0) AS priors_brought
       FROM exam f LEFT JOIN prior p USING (trust, exam) WHERE NOT f.restricted`,
    ],
    [
      'appointment',
      `SELECT f.trust, f.site, ${personWhere('f.person IS NOT NULL')}, f.modality, f.setting, f.band, f.resource, f.minutes, f.outcome,
        day_of(f.starts_at) AS starts_on, f.by_whom, round(f.notice_hours, 0) AS notice_hours, f.is_refilled
       FROM appointment f WHERE NOT f.restricted`,
    ],
    [
      'transfer',
      `SELECT f.home, f.source, f.to_trust, f.modality, f.priority, f.state, day_of(f.requested_at) AS requested_on,
        round(hours_between(f.requested_at, f.available_at), 2) AS latency_hours
       FROM transfer f ANTI JOIN (SELECT study_uid FROM exam WHERE restricted AND study_uid IS NOT NULL) h
         ON h.study_uid = f.study_uid`,
    ],
    [
      'dose',
      `SELECT f.trust, f.modality, f.examination, f.protocol, f.device, f.age_band, f.is_compared, f.is_above, day_of(f.dosed_at) AS dosed_on, f.ctdivol_mgy,
        f.dlp_mgycm, f.dap_gycm2, f.reference_point_mgy, f.fluoro_seconds
       FROM dose f ${unhidden} ON h.trust = f.trust AND h.exam = f.exam`,
    ],
  ];
}
