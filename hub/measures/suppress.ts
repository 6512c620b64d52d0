/**
 * Small numbers. BI-04. The finest cells of a measure are put together once, when it is built, into units of
 * which every guarded count is 0 or at least 5; a figure is given only where it is a sum of whole units.
 *
 *   cells: trust › month › dimension … ─► small ones join their neighbours, from the leaf upwards ─► units
 *
 * So any two figures that are given differ by whole units, whatever filters, periods and splits they come
 * from: no sum, difference or download can show less than a unit. Who knows the counts of one trust learns
 * nothing either: a unit over several trusts stays safe without any one of them.
 */

export const SMALLEST = 5;

export interface Cell {
  /** Trust first, then month, then the measure's dimensions. */
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

export interface Units {
  /** For each cell its unit of the total: {@link ALONE}, {@link NEVER}, or a number from 1 on. */
  readonly total: number[];
  /** … and of the details: each is made of whole units of the total. */
  readonly details: number[];
}

interface Unit {
  readonly path: readonly string[];
  /** Indices of cells. */
  readonly cells: readonly number[];
  readonly sum: readonly number[];
}

/** What a unit has to keep safe, and of which cells. */
interface Guard {
  readonly cells: readonly Cell[];
  counts(cell: Cell): readonly number[];
}

export function unitsOf(cells: readonly Cell[]): Units {
  const depth = cells[0]?.path.length ?? 0;
  const totals: Guard = { cells, counts: ({ total }) => [total] };
  const all: Guard = { cells, counts: ({ total, details }) => [total, ...details] };
  const alone = cells.map(({ path }, at) => unitOf(totals, path, [at]));
  const first = join(totals, alone.sort(byPath), 0);
  // What stands together for its total is one leaf more of the node where it was joined.
  const joined = [...first.units, ...(first.rest === undefined ? [] : [first.rest])].map(
    ({ cells: members }, index) => unitOf(all, leafPath(cells, members, { index, depth }), members),
  );
  const second = join(all, joined.sort(byPath), 0);
  return { total: numbered(cells, first), details: numbered(cells, second) };
}

function unitOf(guard: Guard, path: readonly string[], members: readonly number[]): Unit {
  const sum = members.map((at) => guard.counts(guard.cells[at] as Cell)).reduce(add);
  return { path, cells: members, sum };
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

function numbered(cells: readonly Cell[], { units, rest }: Joined): number[] {
  const unit = cells.map(() => ALONE);
  let next = NEVER;
  for (const { cells: members } of units) {
    if (members.length < 2) continue;
    next += 1;
    for (const at of members) unit[at] = next;
  }
  for (const at of rest?.cells ?? []) unit[at] = NEVER;
  return unit;
}

interface Joined {
  readonly units: readonly Unit[];
  /** What could not be made safe below this level. */
  readonly rest: Unit | undefined;
}

/** @param given units of one node of the tree, sorted by their paths */
function join(guard: Guard, given: readonly Unit[], level: number): Joined {
  const [first] = given;
  if (first === undefined) return { units: [], rest: undefined };
  if (level === first.path.length) return leaf(guard, given);
  const parts = split(given, level).map((part) => join(guard, part, level + 1));
  const units = parts.flatMap((part) => part.units);
  const rests = parts.flatMap(({ rest }) => (rest === undefined ? [] : [rest]));
  if (rests.length === 0) return { units, rest: undefined };
  return absorb(guard, units, rests.reduce(together));
}

function leaf(guard: Guard, given: readonly Unit[]): Joined {
  const unsafe = given.filter((unit) => !isSafe(guard, unit));
  return {
    units: given.filter((unit) => isSafe(guard, unit)),
    rest: unsafe.length === 0 ? undefined : unsafe.reduce(together),
  };
}

/** Takes in the smallest units of the node until the rest is safe. */
function absorb(guard: Guard, units: readonly Unit[], rest: Unit): Joined {
  const candidates = units.toSorted((a, b) => (a.sum[0] ?? 0) - (b.sum[0] ?? 0));
  let grown = rest;
  while (!isSafe(guard, grown)) {
    const { sum } = grown;
    const fitting = candidates.findIndex(
      (one) => areSafe(add(sum, one.sum)) && isSafe(guard, together(grown, one)),
    );
    const [taken] = candidates.splice(Math.max(fitting, 0), 1);
    if (taken === undefined) return { units: [], rest: grown };
    grown = together(grown, taken);
  }
  return { units: [...candidates, grown], rest: undefined };
}

const areSafe = (sum: readonly number[]): boolean =>
  sum.every((count) => count === 0 || count >= SMALLEST);

/** Also for who knows the part of one trust. */
function isSafe(guard: Guard, unit: Unit): boolean {
  if (!areSafe(unit.sum)) return false;
  const ofTrust = new Map<string, readonly number[]>();
  for (const at of unit.cells) {
    const cell = guard.cells[at] as Cell;
    const [trust = ''] = cell.path;
    const before = ofTrust.get(trust);
    const counts = guard.counts(cell);
    ofTrust.set(trust, before === undefined ? counts : add(before, counts));
  }
  if (ofTrust.size < 2) return true;
  return [...ofTrust.values()].every((part) =>
    areSafe(unit.sum.map((count, index) => count - (part[index] ?? 0))),
  );
}

const add = (a: readonly number[], b: readonly number[]): readonly number[] =>
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
