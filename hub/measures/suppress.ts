/**
 * Small numbers. BI-04. The finest cells of a measure are put together, when it is built, into units of
 * which every guarded count is 0 or at least 5; a figure is given only where it is a sum of whole units.
 *
 *   cells of a trust and month ─► small ones join their neighbours, from the leaf upwards ─► units
 *   what stays small there ─► joins units of other months, then of other trusts (wide.ts)
 *
 * So any two figures that are given differ by whole units, whatever filters, periods and splits they come
 * from: no sum, difference or download can show less than a unit. Who knows the counts of one trust learns
 * nothing either: a unit over several trusts stays safe without any one of them. A month of a trust
 * is joined by what it holds alone, so that only the months that changed are joined anew.
 */

export const SMALLEST = 5;

export interface Cell {
  /** The measure's dimensions. */
  readonly path: readonly string[];
  /** How many there are. */
  readonly total: number;
  /** What they are split into, and what is left. */
  readonly details: readonly number[];
}

/** A cell that is a unit by itself. */
export const ALONE = -1;
/** A cell of which no figure may ever hold: the whole network has too few. */
export const NEVER = 0;

/** A unit of a month, as far as it may have to stand together with units of others. */
export interface Part {
  readonly unit: number;
  /** How many cells it has. */
  readonly cells: number;
  readonly sum: readonly number[];
  /** Of a unit of the total: the unit of the details that holds it. */
  readonly within: number;
}

/** What is left small, and what could take it in. */
export interface Parts {
  /** All of the month, where it is too small for itself. */
  readonly rest: Part | null;
  readonly candidates: readonly Part[];
}

export interface MonthUnits {
  /** For each cell its unit of the total: {@link ALONE}, or a number from 1 on. */
  readonly total: readonly number[];
  /** … and of the details: each is made of whole units of the total. */
  readonly details: readonly number[];
  readonly parts: { readonly total: Parts; readonly details: Parts };
}

interface Unit {
  readonly path: readonly string[];
  /** Indices of cells. */
  readonly cells: readonly number[];
  readonly sum: readonly number[];
}

/** Units that a month offers to what is small elsewhere: the smallest, and for each count the smallest that have enough of it. */
const OFFERED = 20;
const OFFERED_BY_COUNT = 5;

/** @param cells of one trust and month */
export function unitsOfMonth(cells: readonly Cell[]): MonthUnits {
  const depth = cells[0]?.path.length ?? 0;
  const alone = cells.map(({ path, total }, at) => ({ path, cells: [at], sum: [total] }));
  const first = join(alone.sort(byPath), 0);
  // What stands together for its total is one leaf more of the node where it was joined.
  const joined = [...first.units, ...(first.rest === undefined ? [] : [first.rest])].map(
    ({ cells: members }, index) => ({
      path: leafPath(cells, members, { index, depth }),
      cells: members,
      sum: members.map((at) => countsOf(cells[at] as Cell)).reduce(add),
    }),
  );
  const second = join(joined.sort(byPath), 0);
  const ofTotal = offered(first);
  const holder = new Map<number, Unit>();
  for (const unit of allOf(second)) for (const at of unit.cells) holder.set(at, unit);
  const holderOf = (unit: Unit): Unit => holder.get(unit.cells[0] ?? 0) as Unit;
  const ofDetails = new Set([...offered(second), ...[...ofTotal].map(holderOf)]);
  const total = numbered(cells.length, first, ofTotal);
  const details = numbered(cells.length, second, ofDetails);
  const within = (unit: Unit): number => details[unit.cells[0] ?? 0] ?? ALONE;
  return {
    total,
    details,
    parts: {
      total: partsOf(first, ofTotal, { numbers: total, within }),
      details: partsOf(second, ofDetails, { numbers: details, within }),
    },
  };
}

export const countsOf = ({ total, details }: Cell): readonly number[] => [total, ...details];

const allOf = ({ units, rest }: Joined): Unit[] => [
  ...units,
  ...(rest === undefined ? [] : [rest]),
];

function offered({ units, rest }: Joined): Set<Unit> {
  const sorted = units.toSorted((a, b) => (a.sum[0] ?? 0) - (b.sum[0] ?? 0));
  const byCount = (units[0]?.sum ?? [])
    .slice(1)
    .flatMap((_, at) =>
      sorted.filter(({ sum }) => (sum[at + 1] ?? 0) >= SMALLEST).slice(0, OFFERED_BY_COUNT),
    );
  return new Set([...sorted.slice(0, OFFERED), ...byCount, ...(rest === undefined ? [] : [rest])]);
}

/** Joined units have a number, and those that are offered. */
function numbered(length: number, joined: Joined, offers: ReadonlySet<Unit>): number[] {
  const numbers = new Array<number>(length).fill(ALONE);
  let next = NEVER;
  for (const unit of allOf(joined)) {
    if (unit.cells.length < 2 && !offers.has(unit)) continue;
    next += 1;
    for (const at of unit.cells) numbers[at] = next;
  }
  return numbers;
}

function partsOf(
  { rest }: Joined,
  offers: ReadonlySet<Unit>,
  { numbers, within }: { numbers: readonly number[]; within: (unit: Unit) => number },
): Parts {
  const part = (unit: Unit): Part => ({
    unit: numbers[unit.cells[0] ?? 0] ?? ALONE,
    cells: unit.cells.length,
    sum: unit.sum,
    within: within(unit),
  });
  return {
    rest: rest === undefined ? null : part(rest),
    candidates: [...offers].filter((unit) => unit !== rest).map(part),
  };
}

function leafPath(
  cells: readonly Cell[],
  members: readonly number[],
  { index, depth }: { index: number; depth: number },
): string[] {
  const paths = members.map((at) => cells[at]?.path ?? []);
  const [first = []] = paths;
  if (paths.length < 2) return [...first];
  const differs = first.findIndex((part, level) => paths.some((path) => path[level] !== part));
  const common = first.slice(0, Math.max(differs, 0));
  return [...common, ...Array.from({ length: depth - common.length }, () => `\u0000${index}`)];
}

interface Joined {
  readonly units: readonly Unit[];
  /** What could not be made safe below this level. */
  readonly rest: Unit | undefined;
}

/** @param given units of one node of the tree, sorted by their paths */
function join(given: readonly Unit[], level: number): Joined {
  const [first] = given;
  if (first === undefined) return { units: [], rest: undefined };
  if (level === first.path.length) return leaf(given);
  const parts = split(given, level).map((part) => join(part, level + 1));
  const units = parts.flatMap((part) => part.units);
  const rests = parts.flatMap(({ rest }) => (rest === undefined ? [] : [rest]));
  if (rests.length === 0) return { units, rest: undefined };
  return absorb(units, rests.reduce(together));
}

function leaf(given: readonly Unit[]): Joined {
  const unsafe = given.filter(({ sum }) => !areSafe(sum));
  return {
    units: given.filter(({ sum }) => areSafe(sum)),
    rest: unsafe.length === 0 ? undefined : unsafe.reduce(together),
  };
}

/** Takes in the smallest units of the node until the rest is safe. */
function absorb(units: readonly Unit[], rest: Unit): Joined {
  const candidates = units.toSorted((a, b) => (a.sum[0] ?? 0) - (b.sum[0] ?? 0));
  let grown = rest;
  while (!areSafe(grown.sum)) {
    const { sum } = grown;
    const fitting = candidates.findIndex((one) => areSafe(add(sum, one.sum)));
    const [taken] = candidates.splice(Math.max(fitting, 0), 1);
    if (taken === undefined) return { units: [], rest: grown };
    grown = together(grown, taken);
  }
  return { units: [...candidates, grown], rest: undefined };
}

export const areSafe = (sum: readonly number[]): boolean =>
  sum.every((count) => count === 0 || count >= SMALLEST);

export const add = (a: readonly number[], b: readonly number[]): readonly number[] =>
  a.map((count, index) => count + (b[index] ?? 0));
const together = (a: Unit, b: Unit): Unit => ({
  path: a.path,
  cells: [...a.cells, ...b.cells],
  sum: add(a.sum, b.sum),
});

function split(given: readonly Unit[], level: number): Unit[][] {
  const parts = new Map<string, Unit[]>();
  for (const unit of given) {
    const key = unit.path[level] ?? '';
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [unit]);
    else part.push(unit);
  }
  return [...parts.values()];
}

function byPath(a: Unit, b: Unit): number {
  const at = a.path.findIndex((part, index) => part !== b.path[index]);
  return at < 0 ? 0 : (a.path[at] ?? '') < (b.path[at] ?? '') ? -1 : 1;
}
