/**
 * What is too small in a month of a trust (suppress.ts) joins units of the trust's other months, then of other
 * trusts, until every guarded count is 0 or at least 5, also for who knows the part of one trust. Pure.
 */
import { add, areSafe, type MonthUnits, NEVER, type Part } from './suppress.ts';

export interface Month {
  readonly trust: string;
  readonly month: string;
  readonly parts: MonthUnits['parts'];
}

export interface WideUnit {
  readonly kind: 'total' | 'details';
  readonly trust: string;
  readonly month: string;
  readonly unit: number;
  readonly cells: number;
  /** A number from 1 on, or {@link NEVER}: the whole network has too few. */
  readonly wide: number;
}

interface Member extends Part {
  readonly trust: string;
  readonly month: string;
}

/** Units that stand together. */
interface Group {
  readonly members: readonly Member[];
  readonly sum: readonly number[];
}

interface Level {
  readonly rests: readonly Group[];
  /** Safe by themselves. */
  readonly candidates: readonly Group[];
}

/** The units of months that stand together, each under the number of its group. */
export function wideUnits(months: readonly Month[]): WideUnit[] {
  const totals = settled(levelsOf(months, 'total'));
  const details = settled(levelsOf(months, 'details', [...totals.groups, ...neverOf(totals)]));
  return [...rowsOf('total', totals), ...rowsOf('details', details)];
}

const neverOf = ({ never }: Settled): Group[] => (never === undefined ? [] : [never]);
const groupOf = (month: Month, part: Part): Group => ({
  members: [{ ...part, trust: month.trust, month: month.month }],
  sum: part.sum,
});

interface Levels {
  readonly ofTrust: ReadonlyMap<string, Level>;
  readonly network: Level;
}

/** @param held of the totals: what stands together there stands together in the details */
function levelsOf(
  months: readonly Month[],
  kind: 'total' | 'details',
  held: readonly Group[] = [],
): Levels {
  const own = new Map<string, { group: Group; isRest: boolean }>();
  for (const month of months) {
    const { rest, candidates } = month.parts[kind];
    if (rest !== null) own.set(keyOf({ ...month, ...rest }), entry(month, rest, true));
    for (const one of candidates) own.set(keyOf({ ...month, ...one }), entry(month, one, false));
  }
  const bound = connected(held).map((members) => {
    const keys = new Set(members.map(({ within, ...one }) => keyOf({ ...one, unit: within })));
    const groups = [...keys].flatMap((key) => own.get(key)?.group ?? []);
    for (const key of keys) own.delete(key);
    const group = groups.reduce(together);
    return { group, isRest: !isSafe(group) };
  });
  const ofTrust = new Map<string, { rests: Group[]; candidates: Group[] }>();
  const network: { rests: Group[]; candidates: Group[] } = { rests: [], candidates: [] };
  for (const { group, isRest } of [...bound, ...own.values()]) {
    const [trust, ...others] = new Set(group.members.map((one) => one.trust));
    let level = network;
    if (others.length === 0) {
      level = ofTrust.get(trust ?? '') ?? { rests: [], candidates: [] };
      ofTrust.set(trust ?? '', level);
    }
    (isRest ? level.rests : level.candidates).push(group);
  }
  return { ofTrust, network };
}

const entry = (month: Month, part: Part, isRest: boolean) => ({
  group: groupOf(month, part),
  isRest,
});
const keyOf = ({ trust, month, unit }: { trust: string; month: string; unit: number }): string =>
  `${trust}\n${month}\n${unit}`;

/** Groups of the totals that share a unit of the details have to stand together there. */
function connected(groups: readonly Group[]): Member[][] {
  const found: { keys: Set<string>; members: Member[] }[] = [];
  for (const { members } of groups) {
    const keys = new Set(members.map(({ within, ...one }) => keyOf({ ...one, unit: within })));
    const sharing = found.filter((one) => [...keys].some((key) => one.keys.has(key)));
    for (const one of sharing) found.splice(found.indexOf(one), 1);
    found.push({
      keys: new Set([...keys, ...sharing.flatMap((one) => [...one.keys])]),
      members: [...members, ...sharing.flatMap((one) => one.members)],
    });
  }
  return found.map(({ members }) => members);
}

interface Settled {
  /** Of several members, each safe. */
  readonly groups: readonly Group[];
  readonly never: Group | undefined;
}

function settled({ ofTrust, network }: Levels): Settled {
  const rests = [...network.rests];
  const candidates = [...network.candidates];
  for (const level of ofTrust.values()) {
    const { groups, rest } = absorb(level);
    candidates.push(...groups);
    if (rest !== undefined) rests.push(rest);
  }
  const { groups, rest } = absorb({ rests, candidates });
  return { groups: groups.filter(({ members }) => members.length > 1), never: rest };
}

/** Takes in the smallest candidates until what is left is safe. */
function absorb({ rests, candidates }: Level): { groups: Group[]; rest: Group | undefined } {
  if (rests.length === 0) return { groups: [...candidates], rest: undefined };
  const left = candidates.toSorted((a, b) => (a.sum[0] ?? 0) - (b.sum[0] ?? 0));
  let grown = rests.reduce(together);
  while (!isSafe(grown)) {
    const { sum } = grown;
    const fitting = left.findIndex(
      (one) => areSafe(add(sum, one.sum)) && isSafe(together(grown, one)),
    );
    const [taken] = left.splice(Math.max(fitting, 0), 1);
    if (taken === undefined) return { groups: [], rest: grown };
    grown = together(grown, taken);
  }
  return { groups: [...left, grown], rest: undefined };
}

/** Also for who knows the part of one trust. */
function isSafe({ members, sum }: Group): boolean {
  if (!areSafe(sum)) return false;
  const ofTrust = new Map<string, readonly number[]>();
  for (const { trust, sum: part } of members) {
    const before = ofTrust.get(trust);
    ofTrust.set(trust, before === undefined ? part : add(before, part));
  }
  if (ofTrust.size < 2) return true;
  return [...ofTrust.values()].every((part) =>
    areSafe(sum.map((count, index) => count - (part[index] ?? 0))),
  );
}

const together = (a: Group, b: Group): Group => ({
  members: [...a.members, ...b.members],
  sum: add(a.sum, b.sum),
});

function rowsOf(kind: WideUnit['kind'], { groups, never }: Settled): WideUnit[] {
  const rows = (group: Group, wide: number): WideUnit[] =>
    group.members.map(({ trust, month, unit, cells }) => ({
      ...{ kind, trust, month, unit, cells },
      wide,
    }));
  return [
    ...groups.flatMap((group, at) => rows(group, at + 1)),
    ...(never === undefined ? [] : rows(never, NEVER)),
  ];
}
