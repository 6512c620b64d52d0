/** A store of the version before, with its facts in Parquet, is made anew from its history. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import t from 'tap';
import { build } from '../../../../hub/measures/build.ts';
import { Store } from '../../../../hub/measures/store.ts';
import { TOLD_SCHEMA } from '../../../../hub/measures/told.ts';

t.test('facts and cells are made anew, and what was told is kept', async (t) => {
  const directory = t.testdir({ exam: { 'month=2026-05': {} }, transfer: {} });
  const instance = await DuckDBInstance.create(join(directory, 'facts.duckdb'));
  const connection = await instance.connect();
  const part = join(directory, 'exam', 'month=2026-05', '1.parquet');
  await connection.run(`
    ${TOLD_SCHEMA}
    INSERT INTO told_order BY NAME SELECT 'RRK' AS trust, 'A1' AS exam, TIMESTAMP '2026-05-02' AS as_of,
      'completed' AS status, 'CTHOR' AS code;
    ALTER TABLE told_dose DROP COLUMN study_uid;
    INSERT INTO told_dose BY NAME SELECT 'RRK' AS trust, 'A1' AS exam, '1.2' AS event_uid,
      TIMESTAMP '2026-05-02' AS as_of, 300 AS dlp_mgycm;
    CREATE TABLE part (fact VARCHAR, month VARCHAR, file VARCHAR, rows BIGINT, digest VARCHAR);
    CREATE TABLE built (number BIGINT, built_at TIMESTAMP, definitions VARCHAR);
    INSERT INTO built VALUES (7, TIMESTAMP '2026-05-03', 'old');
    CREATE TABLE stale_file (file VARCHAR);
    CREATE TABLE coverage (trust VARCHAR, last_told_at TIMESTAMP, exams BIGINT, mapped BIGINT, with_report BIGINT);
    CREATE TABLE cell_bi_12 (month VARCHAR, trust VARCHAR, unit INTEGER);
    COPY (SELECT 'RRK' AS trust, 'A1' AS exam) TO '${part}' (FORMAT parquet);
    CREATE VIEW exam AS SELECT * FROM read_parquet(['${part}']);
    CREATE TABLE no_transfer (transfer_id VARCHAR);
    CREATE VIEW transfer AS FROM no_transfer`);
  connection.closeSync();
  instance.closeSync();
  const store = await Store.open({ directory, memoryMegabytes: 256, threads: 1 });
  t.teardown(() => store.close());
  const now = Date.parse('2026-05-03T00:00:00Z');
  t.equal((await build({ store, trusts: ['RRK'], now })).isWhole, true);
  t.strictSame(await store.rows('SELECT exam, code FROM exam'), [{ exam: 'A1', code: 'CTHOR' }]);
  t.strictSame(await store.rows('SELECT tests FROM cell_bi_12'), [{ tests: 1n }]);
  t.strictSame(
    await store.rows('SELECT exam, dlp_mgycm FROM dose'),
    [{ exam: 'A1', dlp_mgycm: 300 }],
    'also what was told before a column was added',
  );
  t.notOk(existsSync(join(directory, 'exam')), 'the old files are gone');
});
