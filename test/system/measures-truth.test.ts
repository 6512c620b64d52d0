/**
 * Every measure against a count made apart: a network of 15 trusts whose past is known, told late, twice and out
 * of order, and measure-truth.py, which knows the raw events and nothing of the product.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { FigureRow, Question } from '../../hub/measures/answer.ts';
import { type MeasureNetwork, startMeasureNetwork } from '../support/measure-network.ts';
import { measureWorld, WORLD_NOW, WORLD_TRUSTS, type World } from '../support/measure-world.ts';
import { WORLD_TARGETS } from '../support/measure-world-words.ts';

type Figures = Record<string, number | null>;
type Truth = Record<string, Record<string, Figures>>;

function truthOf(world: World): Truth {
  const input = JSON.stringify({
    ...{ now: WORLD_NOW, trusts: WORLD_TRUSTS, targets: WORLD_TARGETS },
    ...world,
  });
  const script = join(import.meta.dirname, '..', 'support', 'measure-truth.py');
  const output = execFileSync('python3', [script], { input, maxBuffer: 1 << 28 });
  return JSON.parse(output.toString()) as Truth;
}

function layCsv(directory: string, world: World): void {
  const folder = join(directory, 'measures', 'incoming');
  mkdirSync(folder, { recursive: true });
  for (const [kind, rows] of Object.entries(world.csv)) {
    const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
    const lines = rows.map((row) =>
      names.map((name) => (row as Record<string, unknown>)[name] ?? '').join(','),
    );
    writeFileSync(join(folder, `${kind}.csv`), [names.join(','), ...lines].join('\n'));
  }
}

const isSame = (told: unknown, counted: number | null): boolean =>
  typeof told === 'number' && counted !== null
    ? Math.abs(told - counted) <= 1e-6 * Math.max(1, Math.abs(counted))
    : told === counted;

interface KeyedRow {
  readonly key: string;
  readonly row: FigureRow;
  /** Told to the trust that it is of. */
  readonly isOwn: boolean;
}

/** Figures that are given and are not what was counted apart; those withheld are no figures. */
function differences(
  counted: Readonly<Record<string, Figures>>,
  rows: readonly KeyedRow[],
): { wrong: string[]; compared: number } {
  const wrong: string[] = [];
  let compared = 0;
  for (const { key, row, isOwn } of rows)
    for (const [name, value] of Object.entries(counted[key] ?? {})) {
      const isMedianOfFew = row[name] === null && /^(median|p\d\d)/.test(name) && !isOwn;
      if (isMedianOfFew || (row['suppressed'] === true && row[name] === null)) continue;
      compared += 1;
      if (!isSame(row[name], value)) wrong.push(`${key} ${name}: ${row[name]}, apart ${value}`);
    }
  return { wrong, compared };
}

function questionBy(by: readonly string[], own: string | null): Question {
  const where: Record<string, string> = own === null ? {} : { trust: own };
  return { by, from: null, to: null, where, own };
}

/** What some trusts are told of themselves, by a dimension, over all months. */
async function splitFigures(
  { measures }: MeasureNetwork,
  { id, dimension }: { id: string; dimension: string },
): Promise<KeyedRow[]> {
  const of = WORLD_TRUSTS.slice(0, 6).map(async (trust) => {
    const { rows } = await measures.answer(id, questionBy([dimension], trust));
    return rows.map((row) => ({ key: `${trust}|${row[dimension]}`, row, isOwn: true }));
  });
  return (await Promise.all(of)).flat();
}

/** What some trusts are told of themselves, whole, then all that a stranger is given. */
async function everyFigure(
  { measures }: MeasureNetwork,
  measure: { id: string; kind: string },
  version?: number,
): Promise<KeyedRow[]> {
  const ask = async (by: readonly string[], own: string | null): Promise<readonly FigureRow[]> =>
    (await measures.answer(measure.id, questionBy(by, own), version)).rows;
  const keyed = (rows: readonly FigureRow[], key: (row: FigureRow) => string, isOwn = false) =>
    rows.map((row) => ({ key: key(row), row, isOwn }));
  const cell = (row: FigureRow): string => `${row['trust']}|${row['month']}`;
  const own = await Promise.all(
    WORLD_TRUSTS.slice(0, 4).map((trust) => ask(['trust', 'month'], trust)),
  );
  const all = [
    ...keyed(own.flat(), cell, true),
    ...keyed(await ask(['trust', 'month'], null), cell),
    ...keyed(await ask(['month'], null), (row) => `*|${row['month']}`),
  ];
  if (measure.kind === 'snapshot') return all;
  return [
    ...all,
    ...keyed(await ask(['trust'], null), (row) => `${row['trust']}|*`),
    ...keyed(await ask([], null), () => '*|*'),
  ];
}

t.test(
  'every measure equals the count made apart, to the unit',
  { timeout: 600_000 },
  async (t) => {
    const world = measureWorld(1_000, 'truth');
    const network = await startMeasureNetwork({ reportTargets: WORLD_TARGETS });
    t.teardown(() => network.stop());
    layCsv(network.directory, world);
    const half = Math.floor(world.events.length / 2);
    network.tell({ events: world.events.slice(0, half), fetches: [] });
    await network.measures.refresh();
    // The rest comes later, with some of the first half told again.
    network.tell({ ...world, events: world.events.slice(half - 500) });
    await network.measures.refresh();
    const truth = truthOf(world);
    for (const [name, counted] of Object.entries(truth)) {
      const [id = '', dimension] = name.split('/');
      if (dimension === undefined) continue;
      const { wrong, compared } = differences(
        counted,
        await splitFigures(network, { id, dimension }),
      );
      t.strictSame(wrong.slice(0, 5), [], `${name}: ${compared} figures`);
      t.ok(compared > 0, `${name}: figures were compared (${compared})`);
    }
    const versions = network.measures.definitions.flatMap((measure) => [
      { measure, name: measure.id, version: undefined },
      ...(measure.earlier ?? []).map(({ version }) => ({
        ...{ measure, version, name: `${measure.id}@${version}` },
      })),
    ]);
    for (const { measure, name, version } of versions) {
      const counted = truth[name] ?? {};
      const rows = await everyFigure(network, measure, version);
      const keys = new Set(rows.map(({ key }) => key));
      const missing = Object.keys(counted).filter((key) => /\|2/.test(key) && !keys.has(key));
      t.strictSame(missing, [], `${name}: every trust and month is there`);
      const { wrong, compared } = differences(counted, rows);
      t.strictSame(wrong.slice(0, 5), [], `${name}: ${compared} figures`);
      t.ok(compared > 0, `${name}: figures were compared (${compared})`);
    }
  },
);
