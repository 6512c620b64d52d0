/** Small numbers stay hidden: whatever can be asked is asked, and everything that follows from the answers is tried. */
import t from 'tap';
import { randomFrom } from '../../../../demo/phantom/random.ts';
import { measureOf } from '../../../../hub/measures/all-measures.ts';
import { guardedOf } from '../../../../hub/measures/measure.ts';
import {
  ALONE,
  type Cell,
  NEVER,
  SMALLEST,
  unitsOfMonth,
} from '../../../../hub/measures/suppress.ts';
import { wideUnits } from '../../../../hub/measures/wide.ts';

const TRUSTS = ['RRK', 'RJE', 'RXK', 'RBK'];
const MONTHS = ['2026-01', '2026-02', '2026-03'];
const KINDS = ['CT', 'MR', 'US'];
const BANDS = ['P2', 'P4'];
/** A prime: elimination over its field finds what elimination over the rationals finds, but for a freak. */
const PRIME = 2_147_483_629n;

/** @param share of small cells @param gaps of cells that there are not */
function cellsOf(seed: string, share: number, gaps = 0.15): Cell[] {
  const random = randomFrom(seed);
  const count = (): number =>
    random() < share ? 1 + Math.floor(random() * 4) : 5 + Math.floor(random() * 60);
  return TRUSTS.flatMap((trust) =>
    MONTHS.flatMap((month) =>
      KINDS.flatMap((kind) =>
        BANDS.flatMap((band) => {
          if (random() < gaps) return [];
          const total = count();
          const missed = Math.floor(random() * total * 0.4);
          return [{ path: [trust, month, kind, band], total, details: [missed, total - missed] }];
        }),
      ),
    ),
  );
}

interface Units {
  readonly total: readonly number[];
  readonly details: readonly number[];
}

/** Of all months together, as the store keeps them. @param cells trust first, then month */
function unitsOf(cells: readonly Cell[]): Units {
  const months = new Map<string, number[]>();
  cells.forEach(({ path: [trust, month] }, at) => {
    const key = `${trust}\n${month}`;
    months.set(key, [...(months.get(key) ?? []), at]);
  });
  const joined = [...months.values()].map((members) => {
    const [trust = '', month = ''] = cells[members[0] ?? 0]?.path ?? [];
    const own = members.map((at) => cells[at] as Cell);
    const units = unitsOfMonth(own.map((cell) => ({ ...cell, path: cell.path.slice(2) })));
    return { trust, month, members, units, parts: units.parts };
  });
  const wide = wideUnits(joined);
  const numbered = (kind: 'total' | 'details'): number[] => {
    const numbers = new Array<number>(cells.length).fill(ALONE);
    joined.forEach(({ trust, month, members, units }, index) => {
      units[kind].forEach((unit, at) => {
        const found = wide.find(
          (one) =>
            one.kind === kind && one.trust === trust && one.month === month && one.unit === unit,
        );
        const own = unit === ALONE ? ALONE : 1_000_000 + index * 1_000 + unit;
        numbers[members[at] ?? 0] = found?.wide ?? own;
      });
    });
    return numbers;
  };
  return { total: numbered('total'), details: numbered('details') };
}

/** Sets of cells that a question can name: any filter on each dimension, months as ranges. */
function questions(cells: readonly Cell[]): number[][] {
  const ranges = MONTHS.flatMap((_, from) =>
    MONTHS.slice(from).map((_, length) => MONTHS.slice(from, from + length + 1)),
  );
  const any = (values: readonly string[]): string[][] => [
    [...values],
    ...values.map((one) => [one]),
  ];
  return any(TRUSTS).flatMap((trusts) =>
    ranges.flatMap((months) =>
      any(KINDS).flatMap((kinds) =>
        any(BANDS).map((bands) =>
          cells.flatMap(({ path }, at) => {
            const [trust = '', month = '', kind = '', band = ''] = path;
            const isIn =
              trusts.includes(trust) &&
              months.includes(month) &&
              kinds.includes(kind) &&
              bands.includes(band);
            return isIn ? [at] : [];
          }),
        ),
      ),
    ),
  );
}

/** As answer.ts judges it. @param own a trust that knows its own cells */
function isAnswered(
  unit: readonly number[],
  asked: readonly number[],
  isKnown: (at: number) => boolean,
): boolean {
  const wanted = new Set(asked);
  return asked.every((at) => {
    const mine = unit[at];
    if (mine === ALONE || isKnown(at)) return true;
    if (mine === NEVER) return false;
    return unit.every((other, place) => other !== mine || isKnown(place) || wanted.has(place));
  });
}

/** Rows in reduced form; tells whether a vector follows from those that were added. */
class Elimination {
  readonly #rows = new Map<number, bigint[]>();

  add(vector: readonly bigint[]): void {
    const rest = this.#reduce(vector);
    const pivot = rest.findIndex((value) => value !== 0n);
    if (pivot < 0) return;
    const inverse = power(rest[pivot] as bigint, PRIME - 2n);
    this.#rows.set(
      pivot,
      rest.map((value) => (value * inverse) % PRIME),
    );
  }

  follows(vector: readonly bigint[]): boolean {
    return this.#reduce(vector).every((value) => value === 0n);
  }

  #reduce(vector: readonly bigint[]): bigint[] {
    const rest = [...vector];
    for (let at = 0; at < rest.length; at += 1) {
      const row = rest[at] === 0n ? undefined : this.#rows.get(at);
      if (row === undefined) continue;
      const factor = rest[at] as bigint;
      for (let place = at; place < rest.length; place += 1) {
        const value = (rest[place] as bigint) - factor * (row[place] as bigint);
        rest[place] = ((value % PRIME) + PRIME) % PRIME;
      }
    }
    return rest;
  }
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, base];
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % PRIME;
    square = (square * square) % PRIME;
  }
  return result;
}

interface Attack {
  readonly cells: readonly Cell[];
  readonly units: Units;
  readonly asked: readonly number[][];
  readonly known: (at: number) => boolean;
}

/** Every figure of a set of questions, as a sum of what is sought: total and details of each cell. */
function figuresOf({ cells, units, asked, known }: Attack): bigint[][] {
  const parts = 1 + (cells[0]?.details.length ?? 0);
  const vector = (set: readonly number[], part: number): bigint[] => {
    const all = new Array<bigint>(cells.length * parts).fill(0n);
    for (const at of set) all[at * parts + part] = 1n;
    return all;
  };
  const own = cells.flatMap((_, at) =>
    known(at) ? Array.from({ length: parts }, (_, part) => vector([at], part)) : [],
  );
  // What is left of a share: total = details together.
  const sums = cells.map((_, at) => {
    const all = vector([at], 0);
    for (let part = 1; part < parts; part += 1) all[at * parts + part] = PRIME - 1n;
    return all;
  });
  const answers = asked.flatMap((set) => [
    ...(isAnswered(units.total, set, known) ? [vector(set, 0)] : []),
    ...(isAnswered(units.details, set, known)
      ? Array.from({ length: parts - 1 }, (_, part) => vector(set, part + 1))
      : []),
  ]);
  return [...own, ...sums, ...answers];
}

function revealed(attack: Attack): string[] {
  const { cells, asked, known } = attack;
  const parts = 1 + (cells[0]?.details.length ?? 0);
  const elimination = new Elimination();
  for (const figure of figuresOf(attack)) elimination.add(figure);
  return asked
    .filter((set) => set.length > 0 && !set.every(known))
    .flatMap((set) =>
      Array.from({ length: parts }, (_, part) => part).flatMap((part) => {
        const strangers = set.filter((at) => !known(at));
        const count = strangers.reduce((sum, at) => {
          const cell = cells[at] as Cell;
          return sum + (part === 0 ? cell.total : (cell.details[part - 1] ?? 0));
        }, 0);
        if (count === 0 || count >= SMALLEST) return [];
        const vector = new Array<bigint>(cells.length * parts).fill(0n);
        for (const at of set) vector[at * parts + part] = 1n;
        return elimination.follows(vector) ? [`${strangers.join(',')} part ${part}: ${count}`] : [];
      }),
    );
}

t.test(
  'no small figure follows from all answers together, for who knows no trust and for who knows one',
  async (t) => {
    // Sparse: months of a trust that are too small for themselves.
    for (const [seed, share, gaps] of [
      ['few', 0.1, 0.15],
      ['many', 0.5, 0.15],
      ['all', 1, 0.15],
      ['sparse', 0.8, 0.75],
      ['sparser', 1, 0.85],
    ] as const) {
      const cells = cellsOf(seed, share, gaps);
      const units = unitsOf(cells);
      const asked = questions(cells);
      const attack = { cells, units, asked };
      t.strictSame(revealed({ ...attack, known: () => false }), [], `${seed}: a stranger`);
      const ofTrust = (at: number): boolean => cells[at]?.path[0] === 'RRK';
      t.strictSame(revealed({ ...attack, known: ofTrust }), [], `${seed}: somebody of RRK`);
    }
  },
);

t.test(
  'the attack itself finds what plain suppression of small cells would give away',
  async (t) => {
    const cells = cellsOf('few', 0.1);
    const plain = cells.map(({ total, details }) =>
      [total, ...details].every((count) => count === 0 || count >= SMALLEST) ? ALONE : NEVER,
    );
    const sums = cells.map(() => ALONE);
    const attack = { cells, asked: questions(cells), known: () => false };
    t.not(revealed({ ...attack, units: { total: sums, details: plain } }).length, 0);
  },
);

t.test('what is large is given: each trust, each month of a trust', async (t) => {
  const cells = cellsOf('few', 0.1);
  const units = unitsOf(cells);
  for (const trust of TRUSTS)
    for (const months of [MONTHS, ['2026-02']]) {
      const set = cells.flatMap(({ path }, at) =>
        path[0] === trust && months.includes(path[1] ?? '') ? [at] : [],
      );
      t.ok(
        isAnswered(units.total, set, () => false),
        `${trust} ${months.join(' ')}`,
      );
    }
});

t.test('a network with too few tells nothing at all', async (t) => {
  const cells = [{ path: ['RRK', '2026-01', 'CT'], total: 3, details: [1, 2] }];
  t.strictSame(unitsOf(cells), { total: [NEVER], details: [NEVER] });
  t.strictSame(unitsOf([]), { total: [], details: [] });
});

t.test('what one measure withholds no other tells as a fault of records', async (t) => {
  const quality = measureOf('BI-29');
  const reports = measureOf('BI-25C');
  t.ok(quality && reports);
  if (quality === undefined || reports === undefined) return;
  // BI-14 has those without a report, BI-25 those with a dose report.
  t.strictSame(guardedOf(quality), [
    ...['reportLinked', 'faultless'],
    ...['exams - reportLinked', 'exams - faultless'],
  ]);
  t.strictSame(guardedOf(reports), ['withDose', 'exams - withDose']);
});
