/**
 * Journeys from one place by public transport, over one day: departures every so often are tried once, for
 * all sites together, and kept; a slot then takes the latest one that comes in time.
 */
import { type Access, ConnectionScan, type Journey } from './connection-scan.ts';
import type { Point } from './distance.ts';
import type { Timetable } from './timetable.ts';

/** Departures that are tried, in seconds after midnight. */
const FIRST = 4 * 3_600;
const LAST = 23 * 3_600;
const STEP = 15 * 60;
/** Origins and days that are kept; each is a few kilobytes. */
const KEPT = 2_000;
/** Places nearer than this are one origin: about 100 m. */
const ORIGIN_DIGITS = 3;

export class PublicTransport {
  readonly timetable: Timetable;
  readonly #scan: ConnectionScan;
  readonly #sites: (readonly Access[])[] = [];
  /** By origin and day: of each site, journeys in the order of their arrival. */
  readonly #known = new Map<string, readonly (readonly Journey[])[]>();

  constructor(timetable: Timetable) {
    this.timetable = timetable;
    this.#scan = new ConnectionScan(timetable);
  }

  /** @returns what the site is called from then on; journeys that are kept do not lead there, and are dropped */
  addSite(point: Point): number {
    this.#known.clear();
    return this.#sites.push(this.timetable.stopsNear(point)) - 1;
  }

  /** False: no stop of the timetable is near, so it says nothing of the place. */
  covers(from: Point, site: number): boolean {
    return (this.#sites[site] ?? []).length > 0 && this.timetable.stopsNear(from).length > 0;
  }

  /**
   * The latest journey that is there in time; null: none is.
   *
   * @param date YYYY-MM-DD in the UK @param arriveBy seconds after that midnight
   */
  journey(
    from: Point,
    site: number,
    { date, arriveBy }: { date: string; arriveBy: number },
  ): Journey | null {
    const journeys = this.#journeysFrom(from, date)[site] ?? [];
    return journeys.findLast(({ arrives }) => arrives <= arriveBy) ?? null;
  }

  #journeysFrom(from: Point, date: string): readonly (readonly Journey[])[] {
    const day = this.timetable.ridesOn(date);
    const origin = `${from.latitude.toFixed(ORIGIN_DIGITS)} ${from.longitude.toFixed(ORIGIN_DIGITS)}`;
    const key = `${origin} ${day.key}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const access = this.timetable.stopsNear(from);
    const found: Journey[][] = this.#sites.map(() => []);
    for (let leaves = FIRST; access.length > 0 && leaves <= LAST; leaves += STEP) {
      this.#scan.run(day, access, leaves);
      for (const [site, to] of this.#sites.entries()) {
        const journey = this.#scan.journeyTo(to, access);
        if (journey !== null) keepBetter(found[site] ?? [], journey);
      }
    }
    if (this.#known.size >= KEPT) this.#known.clear();
    this.#known.set(key, found);
    return found;
  }
}

/** A later departure that arrives at the same time, or before, takes the place of the earlier one. */
function keepBetter(journeys: Journey[], journey: Journey): void {
  while ((journeys.at(-1)?.arrives ?? -1) >= journey.arrives) journeys.pop();
  journeys.push(journey);
}
