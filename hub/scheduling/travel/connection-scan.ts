/**
 * The earliest arrival at every stop for a departure from one place, by one pass over the day's rides in
 * the order of their departure (connection scan).
 *
 * A ride is taken when its trip was boarded before, or when one can stand at its stop in time; each better
 * arrival opens the stops that can be walked to. How one came is kept, so that the journey can be told.
 */
import type { DayOfRides, Timetable } from './timetable.ts';

/** Between getting off and the next departure from the same place, in seconds. */
const CHANGE_SECONDS = 120;
/** Who travels longer than this looks for another site, in seconds. */
export const LONGEST_JOURNEY_SECONDS = 3 * 3_600;
const NEVER = 2 ** 30;
const NONE = -1;

export interface Ride {
  readonly route: string;
  readonly fromStop: string;
  readonly toStop: string;
  /** Seconds after midnight. */
  readonly departs: number;
  readonly arrives: number;
}

export interface Journey {
  /** Seconds after midnight: when one leaves the door, and comes to the other. */
  readonly leaves: number;
  readonly arrives: number;
  readonly rides: readonly Ride[];
}

export interface Access {
  readonly stop: number;
  readonly seconds: number;
}

export class ConnectionScan {
  readonly #timetable: Timetable;
  readonly #arrival: Int32Array;
  /** By stop: the ride that was boarded and the one that was left; NONE: walked from the door. */
  readonly #boarded: Int32Array;
  readonly #left: Int32Array;
  /** By trip: the ride at which it was boarded. */
  readonly #tripBoarded: Int32Array;

  constructor(timetable: Timetable) {
    const { stops, trips } = timetable.data;
    this.#timetable = timetable;
    this.#arrival = new Int32Array(stops.length);
    this.#boarded = new Int32Array(stops.length);
    this.#left = new Int32Array(stops.length);
    this.#tripBoarded = new Int32Array(trips.length);
  }

  /** @param leaves seconds after midnight */
  run(day: DayOfRides, from: readonly Access[], leaves: number): void {
    for (const state of [this.#boarded, this.#left, this.#tripBoarded]) state.fill(NONE);
    this.#arrival.fill(NEVER);
    for (const { stop, seconds } of from)
      this.#arrival[stop] = Math.min(this.#arrival[stop] ?? NEVER, leaves + seconds);
    const { departs } = this.#timetable.data.rides;
    const last = leaves + LONGEST_JOURNEY_SECONDS;
    for (let at = firstAtOrAfter(day.order, departs, leaves); at < day.order.length; at += 1) {
      const ride = day.order[at] as number;
      if ((departs[ride] as number) > last) break;
      this.#take(ride);
    }
  }

  /** How one comes to a place by the last run; null: not within reach. */
  journeyTo(to: readonly Access[], from: readonly Access[]): Journey | null {
    let best: { stop: number; arrives: number } | undefined;
    for (const { stop, seconds } of to) {
      const arrives = (this.#arrival[stop] ?? NEVER) + seconds;
      if (arrives < (best?.arrives ?? NEVER)) best = { stop, arrives };
    }
    if (best === undefined) return null;
    const { rides, firstStop } = this.#way(best.stop);
    const [first] = rides;
    // Without a ride it is a walk, which is found elsewhere and more directly.
    if (first === undefined) return null;
    const toFirst = from.find(({ stop }) => stop === firstStop)?.seconds ?? 0;
    return { leaves: first.departs - toFirst, arrives: best.arrives, rides };
  }

  #take(ride: number): void {
    const { fromStop, toStop, departs, arrives, trip, mayBoard, mayAlight } =
      this.#timetable.data.rides;
    const onTrip = trip[ride] as number;
    if (this.#tripBoarded[onTrip] === NONE) {
      if (mayBoard[ride] === 0) return;
      const stop = fromStop[ride] as number;
      const change = this.#left[stop] === NONE ? 0 : CHANGE_SECONDS;
      if ((this.#arrival[stop] as number) + change > (departs[ride] as number)) return;
      this.#tripBoarded[onTrip] = ride;
    }
    const stop = toStop[ride] as number;
    const at = arrives[ride] as number;
    if (mayAlight[ride] === 0 || at >= (this.#arrival[stop] as number)) return;
    this.#reach(stop, at, ride);
    const walks = this.#timetable.walks[stop] ?? [];
    for (let pair = 0; pair < walks.length; pair += 2) {
      const other = walks[pair] as number;
      const walked = at + (walks[pair + 1] as number);
      if (walked < (this.#arrival[other] as number)) this.#reach(other, walked, ride);
    }
  }

  #reach(stop: number, at: number, ride: number): void {
    this.#arrival[stop] = at;
    this.#left[stop] = ride;
    this.#boarded[stop] = this.#tripBoarded[
      this.#timetable.data.rides.trip[ride] as number
    ] as number;
  }

  #way(stop: number): { rides: Ride[]; firstStop: number } {
    const { stops, trips, rides } = this.#timetable.data;
    const way: Ride[] = [];
    let at = stop;
    while ((this.#left[at] as number) !== NONE) {
      const boarded = this.#boarded[at] as number;
      const left = this.#left[at] as number;
      const from = rides.fromStop[boarded] as number;
      way.unshift({
        route: trips[rides.trip[boarded] as number]?.route ?? '',
        fromStop: stops[from]?.name ?? '',
        toStop: stops[rides.toStop[left] as number]?.name ?? '',
        departs: rides.departs[boarded] as number,
        arrives: rides.arrives[left] as number,
      });
      at = from;
    }
    return { rides: way, firstStop: at };
  }
}

function firstAtOrAfter(order: Int32Array, departs: Int32Array, moment: number): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((departs[order[middle] as number] as number) < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}
