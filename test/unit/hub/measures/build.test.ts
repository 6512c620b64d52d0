/**
 * What is counted from telling to telling is what is counted at once, to the row of every fact and to the cell of
 * every measure: told in any order, late, twice, corrected, merged, while months go by.
 */
import t from 'tap';
import { randomFrom } from '../../../../demo/phantom/random.ts';
import { MEASURES } from '../../../../hub/measures/all-measures.ts';
import { build } from '../../../../hub/measures/build.ts';
import { cellTable, monthTable } from '../../../../hub/measures/cell-names.ts';
import { tableOf } from '../../../../hub/measures/facts/stage.ts';
import { STAGES } from '../../../../hub/measures/facts/stages.ts';
import { Pseudonyms } from '../../../../hub/measures/pseudonyms.ts';
import { rowsOfEvent } from '../../../../hub/measures/rows-of-event.ts';
import { SAMPLED, sampleFor, sampleTables } from '../../../../hub/measures/sample.ts';
import { Store } from '../../../../hub/measures/store.ts';
import { appendTold } from '../../../../hub/measures/take.ts';
import type { KindName, ToldRow } from '../../../../hub/measures/told.ts';
import { viewRows } from '../../../../hub/measures/views-told.ts';
import type { CountedEvent } from '../../../../hub/projection/measure-inbox.ts';
import {
  measureWorld,
  WORLD_NOW,
  WORLD_TRUSTS,
  type World,
} from '../../../support/measure-world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TRUSTS = WORLD_TRUSTS.slice(0, 4);
const TABLES = [
  ...new Set(STAGES.map(tableOf)),
  ...SAMPLED.flatMap(sampleTables),
  ...MEASURES.map(monthTable),
  ...MEASURES.map(cellTable),
  ...['month_part', 'wide_unit', 'coverage'],
];

interface Telling {
  readonly kind: KindName;
  readonly row: ToldRow;
}

/** Everything of a world as it is told, in any order. */
function tellingsOf(world: World, random: () => number): Telling[] {
  const keys = new Pseudonyms(Buffer.alloc(32, 7));
  const told = [...world.events, ...corrected(world.events, random)].flatMap((event) =>
    rowsOfEvent(event, keys),
  );
  const files = (
    ['session', 'dose', 'alert', 'review', 'code', 'level', 'reason'] as const
  ).flatMap((kind) => world.csv[kind].map((row) => ({ kind, row: row as ToldRow })));
  const codes = world.csv.code.map((row) => ({
    kind: 'code' as const,
    row: { ...row, reporting_minutes: 12, region: 'PELVIS' } as ToldRow,
  }));
  return shuffled(
    [...told, ...files, ...codes, ...world.fetches.flatMap(transfersOf), ...viewsOf(world)],
    random,
  );
}

function viewsOf({ views }: World): Telling[] {
  const entries = views.map((one, at) => ({ ...one, seq: at + 1 }));
  return viewRows(entries).map((row) => ({ kind: 'view', row }));
}

function transfersOf({ order, receipt }: World['fetches'][number]): Telling[] {
  const { fetchId, studyInstanceUID, home, to, requestedAt, modality, priority, deliver } =
    order as {
      [name: string]: string;
    };
  const { trust } = to as unknown as { trust: string };
  const row = {
    ...{ transfer_id: fetchId, study_uid: studyInstanceUID, home, source: home, to_trust: trust },
    ...{ requested_at: requestedAt, modality, priority, as_of: requestedAt, state: 'authorised' },
    delivered: deliver as unknown as boolean,
  } as ToldRow;
  if (receipt === null) return [{ kind: 'transfer', row }];
  const { state, at } = receipt as { state: string; at: string };
  const arrived = state === 'available' ? { available_at: at } : {};
  return [
    { kind: 'transfer', row },
    { kind: 'transfer', row: { ...row, ...arrived, as_of: at, state } },
  ];
}

/** Corrections of some: another patient, another examination, images that go, numbers that change. */
function corrected(events: readonly CountedEvent[], random: () => number): CountedEvent[] {
  const any = (): CountedEvent => events[Math.floor(random() * events.length)] as CountedEvent;
  const like = (kind: string, trust: string): Record<string, unknown> => {
    for (;;) {
      const one = any();
      if (one.kind === kind && one.trust === trust) return one as never;
    }
  };
  const later = (at: string): string =>
    new Date(Date.parse(at) + random() * 20 * DAY).toISOString();
  return events
    .filter(() => random() < 0.06)
    .map((event) => {
      const other = like(event.kind, event.trust);
      switch (event.kind) {
        case 'order':
          return {
            ...event,
            ...{ asOf: later(event.asOf), patient: other['patient'] },
            ...{ studyInstanceUID: like('study', event.trust)['studyInstanceUID'] },
            ...(random() < 0.5 ? { placerNumber: other['placerNumber'] } : { status: 'cancelled' }),
          };
        case 'study':
          return random() < 0.3
            ? { ...event, deleted: true, at: later(event.at) }
            : { ...event, accessionNumber: other['accessionNumber'], at: later(event.at) };
        case 'report':
          return {
            ...event,
            ...{ version: event.version + 1, issuedAt: later(event.issuedAt) },
            ...{ accessionNumbers: other['accessionNumbers'], status: 'corrected' },
            ...{ studyInstanceUIDs: other['studyInstanceUIDs'] },
          };
        case 'appointment':
          return {
            ...event,
            ...{ asOf: later(event.asOf), placerNumber: other['placerNumber'] },
            ...{ startsAt: other['startsAt'], status: 'booked' },
          };
        case 'dose':
          return {
            ...event,
            studyInstanceUID: other['studyInstanceUID'],
            irradiations: event.irradiations.map((one) => ({
              ...one,
              startedAt: later(one.startedAt),
            })),
          };
        default:
          return {
            ...event,
            ...{ asOf: later(event.asOf), mergedInto: random() < 0.5 ? other['patient'] : null },
            ...{
              restricted: random() < 0.3,
              patient: { ...event.patient, nhsNumber: '9434765919' },
            },
          };
      }
    }) as CountedEvent[];
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const all = [...list];
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [all[at], all[other]] = [all[other] as T, all[at] as T];
  }
  return all;
}

async function tell(store: Store, tellings: readonly Telling[]): Promise<void> {
  const kinds = new Map<KindName, ToldRow[]>();
  for (const { kind, row } of tellings) kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
  for (const [kind, rows] of kinds) await appendTold(store, kind, rows);
}

/** Rows of a table that are not in both. */
async function differing(store: Store, table: string): Promise<unknown[]> {
  return store.rows(`
    SELECT 'by and by' AS "how", * FROM (FROM daily_${table} EXCEPT ALL FROM ${table})
    UNION ALL SELECT 'at once', * FROM (FROM ${table} EXCEPT ALL FROM daily_${table})
    ORDER BY ALL LIMIT 4`);
}

t.test(
  'counted from telling to telling is counted at once, and in parts',
  { timeout: 900_000 },
  async (t) => {
    const random = randomFrom('by and by');
    const store = await Store.open({ directory: t.testdir(), memoryMegabytes: 512, threads: 1 });
    t.teardown(() => store.close());
    const tellings = tellingsOf(measureWorld(300, 'by and by', TRUSTS, 90), random);
    const end = Date.parse(WORLD_NOW);
    const { isWhole } = await build({ store, trusts: TRUSTS, now: end - 60 * DAY });
    t.equal(isWhole, true, 'the first build, before anything was told, folds everything');
    // Over the ends of two months, then within hours.
    const times = [45 * DAY, 20 * DAY, 5 * DAY, 3 * HOUR, 0];
    const size = Math.ceil(tellings.length / times.length);
    for (const [at, ago] of times.entries()) {
      await tell(store, tellings.slice(at * size, (at + 1) * size));
      const { isWhole } = await build({ store, trusts: TRUSTS, now: end - ago });
      t.equal(isWhole, false, 'what is told later is folded alone');
    }
    for (const table of TABLES)
      await store.run(`CREATE TEMP TABLE daily_${table} AS FROM ${table}`);
    // As a hub has it: neither threads nor parts may change a figure.
    await store.run('SET threads = 2');
    await build({ store, trusts: TRUSTS, now: end, isWhole: true, rowsAPart: 200 });
    for (const table of TABLES) t.strictSame(await differing(store, table), [], table);
    const [row] = await store.rows('SELECT count(*) AS exams FROM prior WHERE priors > 0');
    t.ok(Number(row?.['exams']) > 10, 'there are priors to be kept up');
  },
);

t.test(
  'the more rows, the sparser the sample that medians come from, and never fewer than 25,000',
  async (t) => {
    t.equal(sampleFor('exam', 400_000), null, 'exact');
    t.equal(sampleFor('exam', 400_001), 'sample_exam');
    t.equal(sampleFor('exam', 6_400_000), 'sample_exam');
    t.equal(sampleFor('exam', 6_400_001), 'sample_256_exam');
    t.equal(sampleFor('alert', 9_000_000), null, 'of a small fact');
  },
);
