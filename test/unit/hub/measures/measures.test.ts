/** A store of the measures that can't be opened: the rest of the hub goes on, and nothing that was told is lost. Answers between builds. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parseHubConfig } from '../../../../hub/config.ts';
import { Measures } from '../../../../hub/measures/measures.ts';
import { Store } from '../../../../hub/measures/store.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { codeOf } from '../../../../shared/errors.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { startMeasureNetwork } from '../../../support/measure-network.ts';
import { measureWorld, WORLD_TRUSTS } from '../../../support/measure-world.ts';

t.test('a damaged store is said to be so, and built when it is out of the way', async (t) => {
  const dataDirectory = t.testdir();
  const file = join(dataDirectory, 'measures', 'facts.duckdb');
  mkdirSync(join(dataDirectory, 'measures'));
  writeFileSync(file, Buffer.alloc(20_000, 'damaged'));
  const errors: string[] = [];
  const trusts = [{ ods: 'RRK', name: 'One' }];
  const config = parseHubConfig({ dataDirectory, trusts, measures: { threads: 1 } });
  const measures = await Measures.open({
    ...{ dataDirectory, config: config.measures, trusts: config.trusts, clock: systemClock },
    db: openSqlite(':memory:', projectionSchema),
    log: { ...silentLog, error: (event) => void errors.push(event) },
    metrics: openMetrics({}),
  });
  t.teardown(() => measures.stop());
  t.strictSame(errors, ['measures.not-built']);
  const asked = await measures.answer('BI-13', { by: [], filters: {} } as never).catch(codeOf);
  t.equal(asked, 'MEASURES_NOT_BUILT');
  await t.rejects(measures.refresh());
  rmSync(file);
  t.equal(await measures.refresh(), true, 'without the damaged file it is built');
});

t.test('an answer is the same until the next build, and new after it', async (t) => {
  const { measures, tell, stop } = await startMeasureNetwork();
  t.teardown(() => stop());
  const world = measureWorld(120, 'kept', WORLD_TRUSTS.slice(0, 2));
  const half = Math.floor(world.events.length / 2);
  const ask = () =>
    measures.answer('BI-16H', { by: [], from: null, to: null, where: {}, own: null });
  tell({ events: world.events.slice(0, half), fetches: [] });
  await measures.refresh();
  const first = await ask();
  tell({ events: world.events.slice(half), fetches: [] });
  t.equal(await ask(), first, 'what was told since is not counted yet');
  await measures.refresh();
  t.ok(Number((await ask()).rows[0]?.['exams']) > Number(first.rows[0]?.['exams']));
});

t.test('built once a night, figures stay as they are when more is told', async (t) => {
  const { measures, tell, stop } = await startMeasureNetwork({ buildHour: 2 });
  t.teardown(() => stop());
  const world = measureWorld(60, 'nightly', WORLD_TRUSTS.slice(0, 2));
  tell({ events: world.events.slice(0, 100), fetches: [] });
  t.ok(await measures.refresh(), 'for the first time it does not wait for the night');
  tell({ events: world.events.slice(100), fetches: [] });
  t.notOk(await measures.refresh());
});

t.test('minutes used tell strangers nothing of fewer than five people', async (t) => {
  const { measures, directory, stop } = await startMeasureNetwork();
  t.teardown(() => stop());
  const days = Array.from({ length: 12 }, (_, at) => `2026-05-${String(at + 10)}`);
  const sessions = days.map((day) => `RRK,CT1,${day}T08:00:00Z,${day}T16:00:00Z,staffed`);
  // One patient at the first scanner; at the others six each.
  const attended = (trust: string, day: string): string =>
    `${trust},P${day},${day}T09:00:00Z,attended,${day}T09:00:00Z,20,CT1`;
  const others = ['RJE', 'RXK'];
  const patients = [
    ...days.slice(0, 1).map((day) => attended('RRK', day)),
    ...others.flatMap((trust) => days.slice(0, 6).map((day) => attended(trust, day))),
  ];
  const everywhere = ['RRK', ...others].flatMap((trust) =>
    sessions.map((one) => one.replace('RRK', trust)),
  );
  const files = {
    session: ['trust,resource,starts_at,ends_at,kind', ...everywhere],
    appointment: ['trust,appointment_id,as_of,status,starts_at,minutes,resource', ...patients],
  };
  const incoming = join(directory, 'measures', 'incoming');
  mkdirSync(incoming, { recursive: true });
  for (const [kind, lines] of Object.entries(files))
    writeFileSync(join(incoming, `${kind}.csv`), lines.join('\n'));
  await measures.refresh();
  await measures.refresh();
  const ask = async (where: Record<string, string>, own: string | null) => {
    const asked = { by: [], from: null, to: null, where, own };
    return (await measures.answer('BI-16', asked)).rows[0];
  };
  const told = { sessions: 12, usedSessions: 1, staffedMinutesUsed: 20, exams: 1 };
  t.match(await ask({ trust: 'RRK' }, 'RRK'), told, 'the trust itself is told');
  const withheld = { suppressed: true, staffedMinutesUsed: null, examsAnHour: null, exams: null };
  t.match(await ask({ trust: 'RRK' }, null), withheld);
  t.match(await ask({}, null), { suppressed: false, staffedMinutesUsed: 260, exams: 13 });
  const before = await measures.answer(
    'BI-16',
    { by: [], from: null, to: null, where: { trust: 'RRK' }, own: null },
    1,
  );
  t.match(before.rows[0], { suppressed: true, usedMinutes: null }, 'nor does the version before');
  t.notOk('exams' in (before.rows[0] ?? {}), 'which has its own figures alone');
});

t.test('nobody waits for the first page: not while it is built, not after a restart', async (t) => {
  const { measures, tell, stop, directory } = await startMeasureNetwork();
  t.teardown(() => stop());
  const world = measureWorld(120, 'first page', WORLD_TRUSTS.slice(0, 2));
  const half = Math.floor(world.events.length / 2);
  tell({ events: world.events.slice(0, half), fetches: [] });
  await measures.refresh();
  const first = await measures.overview();
  t.strictSame(
    first.map(({ measure }) => measure.id),
    measures.definitions.map(({ id }) => id),
  );
  tell({ events: world.events.slice(half), fetches: [] });
  const building = measures.refresh();
  t.equal(await measures.overview(), first, 'the figures of the build before');
  await building;
  const second = await measures.overview();
  const exams = ([...all]: typeof first): number =>
    Number(all.find(({ measure }) => measure.id === 'BI-16H')?.rows[0]?.['exams']);
  t.ok(exams(second) > exams(first), 'and then the new ones, all of one build');
  await measures.stop();
  const store = await Store.open({
    ...{ directory: join(directory, 'measures'), memoryMegabytes: 256, threads: 1 },
  });
  // Whoever counted again would miss it.
  await store.run('DROP TABLE month_cell_bi_16h');
  store.close();
  const trusts = WORLD_TRUSTS.map((ods) => ({ ods, name: `Trust ${ods}` }));
  const config = parseHubConfig({ dataDirectory: directory, trusts, measures: { threads: 1 } });
  const again = await Measures.open({
    ...{ dataDirectory: directory, config: config.measures, trusts, clock: systemClock },
    ...{ db: openSqlite(':memory:', projectionSchema), log: silentLog, metrics: openMetrics({}) },
  });
  t.teardown(() => again.stop());
  t.strictSame(
    (await again.overview()).map(({ rows, asOf }) => ({ rows, asOf })),
    second.map(({ rows, asOf }) => ({ rows, asOf })),
  );
});

t.test('what another version built is not asked, and made anew at once', async (t) => {
  const dataDirectory = t.testdir();
  const trusts = [{ ods: 'RRK', name: 'One' }];
  const config = parseHubConfig({ dataDirectory, trusts, measures: { threads: 1 } });
  const open = () =>
    Measures.open({
      ...{ dataDirectory, config: config.measures, trusts: config.trusts, clock: systemClock },
      ...{ db: openSqlite(':memory:', projectionSchema), log: silentLog, metrics: openMetrics({}) },
    });
  const ask = (measures: Measures) =>
    measures
      .answer('BI-25C', { by: [], from: null, to: null, where: {}, own: null })
      .then(() => 'answered', codeOf);
  const first = await open();
  await first.refresh();
  await first.stop();
  const again = await open();
  t.equal(await ask(again), 'answered', 'the same version goes on');
  await again.stop();
  const store = await Store.open({
    ...{ directory: join(dataDirectory, 'measures'), memoryMegabytes: 256, threads: 1 },
  });
  await store.run("UPDATE built SET definitions = 'others'; DROP TABLE month_cell_bi_25c");
  store.close();
  const newer = await open();
  t.teardown(() => newer.stop());
  t.equal(await ask(newer), 'MEASURES_NOT_BUILT');
  t.equal(await newer.refresh(), true, 'though nothing was told since');
  t.equal(await ask(newer), 'answered');
});
