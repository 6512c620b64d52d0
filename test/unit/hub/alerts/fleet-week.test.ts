/**
 * A hundred edges over four quiet weeks, three of them to learn, and then four troubles at once. The clock is the
 * test's; what a modality does is drawn by a seeded generator.
 */
import t from 'tap';
import type { HealthEvent } from '../../../../shared/contract/events.ts';
import {
  type AlertWorld,
  alertWorld,
  DAY,
  HOUR,
  heartbeatOf,
  MINUTE,
  SECOND,
} from './alert-world.ts';

const TRUSTS = Array.from({ length: 100 }, (_, at) => `T${String(at).padStart(3, '0')}`);
/** Monday, British Summer Time. */
const BEGIN = Date.UTC(2026, 5, 1);
const LEARNT = BEGIN + 21 * DAY;
const END = BEGIN + 28 * DAY + 10 * HOUR;
/** Those with a scanner; the others have nothing to learn. */
const SCANNERS = 40;
/** A Monday morning, when all have begun to work. */
const TROUBLE = END + 2 * MINUTE;

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const isOpen = (at: number): boolean => {
  const local = new Date(at + HOUR);
  const [day, hour] = [local.getUTCDay(), local.getUTCHours()];
  return day >= 1 && day <= 5 && hour >= 8 && hour < 18;
};

/** A scanner's studies: in its hours twelve minutes apart on average, now and then three at night. */
class Scanner {
  last = BEGIN;
  silentFrom = Number.POSITIVE_INFINITY;
  #next = BEGIN;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** What it sends until then, each in its time. */
  *sendUntil(now: number): Generator<number> {
    while (this.#next <= now) {
      const at = this.#next;
      const isNightCall = this.#random() < 0.01;
      // Two draws: neither a metronome nor chance alone.
      const draws = -Math.log(1 - this.#random()) - Math.log(1 - this.#random());
      this.#next += 2 * MINUTE + draws * 5 * MINUTE;
      if (at >= this.silentFrom || !(isOpen(at) || isNightCall)) continue;
      yield at;
    }
  }
}

interface Simulated {
  readonly trust: string;
  /** Null: this edge takes nothing but copies. */
  readonly scanner: Scanner | null;
  isOff: boolean;
  more: Partial<HealthEvent>;
}

function beat(world: AlertWorld, { trust, scanner, more }: Simulated, random: () => number): void {
  const used = 0.4 + 0.1 * Math.sin(world.now / DAY) + random() * 0.02;
  const ct = { aeTitle: 'CT1', peer: 'ct1', role: 'modality', modality: 'CT', objects: 9 };
  world.beat(
    heartbeatOf(trust, world.now, {
      modalities:
        scanner === null ? [] : [{ ...ct, lastObjectAt: new Date(scanner.last).toISOString() }],
      clock: { offsetMs: Math.round((random() - 0.5) * 80) },
      disk: {
        freeBytes: Math.round((1 - used) * 1e12),
        totalBytes: 1e12,
        reserveBytes: 2e10,
        hoursToFull: null,
      },
      certificates: [{ of: 'DICOM port', endsAt: new Date(END + 60 * DAY).toISOString() }],
      ...more,
    }),
  );
}

function beatAll(world: AlertWorld, edges: readonly Simulated[], random: () => number): void {
  // A heartbeat is lost now and then.
  for (const edge of edges) if (!edge.isOff && random() >= 0.002) beat(world, edge, random);
}

/**
 * What the scanners send until `now`, with the heartbeat after each object; looked at just before what ends a long
 * silence, so that no false alert falls between two looks.
 */
async function sendAll(
  world: AlertWorld,
  edges: readonly Simulated[],
  { random, isLooked }: { random: () => number; isLooked: boolean },
): Promise<void> {
  const { now } = world;
  for (const edge of edges) {
    const { scanner } = edge;
    if (scanner === null) continue;
    for (const at of scanner.sendUntil(now)) {
      if (isLooked && at - scanner.last > 40 * MINUTE) {
        world.now = at - SECOND;
        beat(world, edge, random);
        await world.alerts.look();
      }
      scanner.last = at;
      world.now = at;
      beat(world, edge, random);
    }
  }
  world.now = now;
}

/** A scanner that falls silent, a disk that fills, a certificate that ends, an edge that is off. */
function makeTrouble(edges: readonly Simulated[]): void {
  const [ct, disk, certificate, off] = [3, 17, 42, 99].map((at) => edges[at] as Simulated);
  if (!ct?.scanner || !disk || !certificate || !off) throw new Error('there are a hundred');
  ct.scanner.silentFrom = TROUBLE;
  disk.more = { disk: { freeBytes: 3e11, totalBytes: 1e12, reserveBytes: 2e10, hoursToFull: 9 } };
  const endsAt = new Date(TROUBLE + 5 * DAY).toISOString();
  certificate.more = { certificates: [{ of: 'DICOM port', endsAt }] };
  off.isOff = true;
}

/** The minutes that they may take to be paged. */
const PROMISED = {
  'T003 modalitySilent': 60,
  'T017 diskHoursToFull': 11,
  'T042 certificateDays': 1,
  'T099 edgeSilent': 4,
} as const;

/** What somebody has to act on, but for what was so `before`. */
const pagedIn = ({ alerts }: AlertWorld, before: ReadonlySet<string>): string[] =>
  alerts
    .openOf()
    .filter(({ id, level }) => level === 'page' && !before.has(id))
    .map(({ trust, signal }) => `${trust} ${signal}`);

/** Three weeks to learn, and one that is looked at. */
async function beQuiet(
  world: AlertWorld,
  edges: readonly Simulated[],
  random: () => number,
): Promise<void> {
  for (
    world.now = BEGIN;
    world.now < END;
    world.now += isOpen(world.now) ? 15 * MINUTE : 2 * HOUR
  ) {
    const isLooked = world.now >= LEARNT;
    await sendAll(world, edges, { random, isLooked });
    if (!isLooked) continue;
    beatAll(world, edges, random);
    await world.alerts.look();
  }
}

const title = 'a quiet week is quiet, and four troubles are four alerts, in time and once';
t.test(title, { timeout: 300_000 }, async (t) => {
  const random = generator(7);
  const world = alertWorld(t, TRUSTS);
  const edges = TRUSTS.map((trust, at): Simulated => {
    return { trust, scanner: at < SCANNERS ? new Scanner(random) : null, isOff: false, more: {} };
  });
  await beQuiet(world, edges, random);
  const { total } = world.alerts.list({}, { limit: 1, offset: 0 });
  t.comment(`alerts in the quiet week: ${total}`);
  t.ok(total <= 2, `no more than two, ${total}`);
  const before = new Set(world.alerts.openOf().map(({ id }) => id));
  world.sent.length = 0;
  const pagedAfter = new Map<string, number>();
  world.now = TROUBLE - 2 * MINUTE;
  for (; world.now < TROUBLE + 90 * MINUTE; world.now += 30 * SECOND) {
    if (world.now === TROUBLE) makeTrouble(edges);
    await sendAll(world, edges, { random, isLooked: false });
    beatAll(world, edges, random);
    await world.alerts.look();
    for (const what of pagedIn(world, before))
      if (!pagedAfter.has(what)) pagedAfter.set(what, (world.now - TROUBLE) / MINUTE);
  }
  t.comment(JSON.stringify(Object.fromEntries(pagedAfter)));
  t.strictSame([...pagedAfter.keys()].sort(), Object.keys(PROMISED), 'these, and no others');
  for (const [what, minutes] of Object.entries(PROMISED))
    t.ok((pagedAfter.get(what) ?? Infinity) <= minutes, `${what} within ${minutes} minutes`);
  const told = world.sent.flatMap((message) =>
    message.told
      .filter(({ what }) => what === 'page')
      .map(({ alert }) => `${alert.trust} ${alert.signal}`),
  );
  t.strictSame(told.sort(), Object.keys(PROMISED), 'each was told once');
});
