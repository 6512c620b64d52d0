/** SQL of an analyst's own shows no more than the pages do, reaches nothing else, and has limits. BI-04, ID-21. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { SqlTable } from '../../../../hub/measures/analyst-sql.ts';
import { guardedOf, type Measure, mainCount } from '../../../../hub/measures/measure.ts';
import { codeOf } from '../../../../shared/errors.ts';
import { type MeasureNetwork, startMeasureNetwork } from '../../../support/measure-network.ts';
import { measureWorld, WORLD_TRUSTS } from '../../../support/measure-world.ts';

const purpose = (id: string, over: object = {}): object => ({
  ...{ id, title: 'Equal access to MRI', approvedBy: 'P. Privacy', until: '2026-12-31' },
  people: ['Ama Analyst'],
  ...over,
});
const SETTINGS = {
  sql: { seconds: 20, rows: 200 },
  purposes: [
    purpose('equal-access'),
    purpose('dose'),
    purpose('over', { until: '2026-07-09' }),
    purpose('of-others', { people: ['Olu Other'] }),
  ],
};

async function startNetwork(): Promise<MeasureNetwork> {
  const network = await startMeasureNetwork(SETTINGS);
  network.tell(measureWorld(500, 'sql', WORLD_TRUSTS.slice(0, 4), 60));
  await network.measures.refresh();
  return network;
}

t.test("an analyst's own SQL", { timeout: 300_000 }, async (t) => {
  const { measures, stop } = await startNetwork();
  t.teardown(() => stop());
  const ask = (sql: string, of: string | null = null): Promise<SqlTable> =>
    measures.sql({ sql, purpose: of, person: 'Ama Analyst' });
  const refused = (sql: string, of: string | null = null): Promise<string> =>
    ask(sql, of).then(() => 'answered', codeOf);

  t.test('every row of the figures counts nobody or at least five', async (t) => {
    const small = (measure: Measure): string => {
      const name = measure.id.replaceAll('-', '_').toLowerCase();
      const total = mainCount(measure);
      const guarded = [total, ...guardedOf(measure)].map((sql) => `(${sql}) BETWEEN 1 AND 4`);
      return `SELECT '${name}', count(*) FILTER (${guarded.join(' OR ')}), count(*) FROM ${name}
        UNION ALL SELECT '${name}_total', count(*) FILTER (${total} BETWEEN 1 AND 4), count(*) FROM ${name}_total`;
    };
    const { rows } = await ask(measures.definitions.map(small).join(' UNION ALL '));
    t.strictSame(
      rows.filter(([, found]) => found !== 0),
      [],
    );
    t.equal(rows.length, 2 * measures.definitions.length);
    t.ok(
      rows.some(([name, , all]) => name === 'bi_16h' && Number(all) > 5),
      'and there are some',
    );
  });

  t.test('what is asked by SQL is what the measure says', async (t) => {
    const { rows } = await ask('SELECT sum(exams) FROM bi_16h');
    const [row] = (
      await measures.answer('BI-16H', { by: [], from: null, to: null, where: {}, own: null })
    ).rows;
    t.equal(rows[0]?.[0], row?.['exams']);
  });

  t.test('nothing but the mart is reached, and nothing is changed', async (t) => {
    for (const sql of [
      "SELECT * FROM read_csv('/etc/passwd')",
      "SELECT * FROM '/etc/passwd'",
      "SELECT * FROM glob('/**')",
      'SELECT * FROM told_order',
      'SELECT person FROM exam',
      "ATTACH 'facts.duckdb' AS other",
      "COPY (SELECT 1) TO '/tmp/taken.csv'",
      'SET enable_external_access = true',
      'INSTALL httpfs',
      'DELETE FROM bi_14',
      'SELECT 1; SELECT 2',
      '',
    ])
      t.equal(await refused(sql), 'SQL_REFUSED', sql);
    const { rows } = await ask("SELECT current_setting('enable_external_access')");
    t.strictSame(rows, [[false]]);
  });

  t.test('rows are limited, and it is said', async (t) => {
    const { rows, isCut } = await ask('SELECT * FROM range(100000)');
    t.strictSame([rows.length, isCut], [200, true]);
  });

  t.test(
    'rows of people are for an approved purpose, who is named in it, and until it ends',
    async (t) => {
      for (const id of ['unknown', 'over', 'of-others', '../equal-access'])
        t.equal(await refused('SELECT 1', id), 'SQL_PURPOSE', id);
      const { rows, columns } = await ask('SELECT * FROM exam ORDER BY ALL', 'equal-access');
      t.equal(rows.length, 200);
      for (const name of [
        'exam',
        'patient_key',
        'study_uid',
        'nhs_status',
        'requested_at',
        'restricted',
      ])
        t.notOk(columns.includes(name), `no ${name}`);
    },
  );

  t.test('patients have other keys for another purpose; who is hidden is not there', async (t) => {
    const keys = async (of: string): Promise<unknown[]> =>
      (
        await ask('SELECT DISTINCT person FROM exam WHERE person IS NOT NULL ORDER BY 1', of)
      ).rows.flat();
    const [one, other] = [await keys('equal-access'), await keys('dose')];
    t.equal(one.length, other.length);
    t.ok(one.length > 20, `${one.length} people`);
    t.strictSame(
      one.filter((key) => other.includes(key)),
      [],
      'no key in common',
    );
    const all = await measures.answer('BI-16H', {
      ...{ by: [], from: null, to: null, where: {}, own: null },
    });
    const { rows } = await ask(
      'SELECT count(*) FROM exam WHERE in_ris AND started_on IS NOT NULL',
      'dose',
    );
    const shown = Number(rows[0]?.[0]);
    t.ok(shown < Number(all.rows[0]?.['exams']), `${shown} examinations: flagged patients are out`);
    const { rows: code } = await ask('SELECT sql FROM duckdb_views() WHERE NOT internal', 'dose');
    t.strictSame(code, [], 'no view tells how the keys are made');
  });
});

t.test('rows of a purpose that has ended are taken away with the next build', async (t) => {
  const { measures, directory, stop } = await startMeasureNetwork(SETTINGS);
  t.teardown(() => stop());
  const folder = join(directory, 'measures', 'marts');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'purpose-over_12345678.1.duckdb'), '');
  await measures.refresh();
  await measures.sql({ sql: 'SELECT 1', purpose: 'dose', person: 'Ama Analyst' });
  t.match(readdirSync(folder), [/^purpose-dose_.*\.1\.duckdb$/]);
  t.equal(readdirSync(folder).length, 1);
});

t.test('what takes too long is ended', { timeout: 120_000 }, async (t) => {
  const { measures, stop } = await startMeasureNetwork({ sql: { seconds: 3, atOnce: 1 } });
  t.teardown(() => stop());
  await measures.refresh();
  const endless = measures
    .sql({
      sql: 'SELECT sum(a.range * b.range % 7) FROM range(10000000) a, range(10000000) b',
      ...{ purpose: null, person: 'A' },
    })
    .catch(codeOf);
  const second = measures.sql({ sql: 'SELECT 1', purpose: null, person: 'B' }).catch(codeOf);
  t.equal(await second, 'SQL_BUSY', 'and so many are asked at once');
  t.equal(await endless, 'SQL_TOO_LONG');
});
