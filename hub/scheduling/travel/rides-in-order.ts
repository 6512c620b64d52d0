/** Stop times of trips, in whatever order, as rides in the order of their departure. */
import type { Rides, Trip } from './timetable.ts';

export interface StopTime {
  readonly trip: number;
  readonly stop: number;
  readonly sequence: number;
  /** Seconds after midnight. */
  readonly arrives: number;
  readonly departs: number;
  readonly mayBoard: boolean;
  readonly mayAlight: boolean;
}

interface Ride {
  readonly fromStop: number;
  readonly toStop: number;
  readonly departs: number;
  readonly arrives: number;
  readonly trip: number;
  readonly mayBoard: number;
  readonly mayAlight: number;
}

/**
 * @param repeats by trip: when it starts, in seconds after midnight; each start is a trip of its own
 * @returns the trips with those that repeats made, and the rides of all
 */
export function ridesInOrder(
  times: readonly StopTime[],
  given: readonly Trip[],
  repeats: ReadonlyMap<number, readonly number[]>,
): { readonly trips: readonly Trip[]; readonly rides: Rides } {
  const trips = [...given];
  const rides: Ride[] = [];
  for (const stopTimes of tripsOf(times)) {
    const [first] = stopTimes;
    if (first === undefined) continue;
    const starts = repeats.get(first.trip);
    if (starts === undefined) {
      rides.push(...ridesOf(stopTimes, { trip: first.trip, later: 0 }));
      continue;
    }
    for (const start of starts) {
      rides.push(...ridesOf(stopTimes, { trip: trips.length, later: start - first.departs }));
      trips.push(given[first.trip] as Trip);
    }
  }
  rides.sort((a, b) => a.departs - b.departs || a.arrives - b.arrives);
  const column = (name: keyof Ride): Int32Array => Int32Array.from(rides, (ride) => ride[name]);
  return {
    trips,
    rides: {
      fromStop: column('fromStop'),
      toStop: column('toStop'),
      departs: column('departs'),
      arrives: column('arrives'),
      trip: column('trip'),
      mayBoard: Uint8Array.from(rides, ({ mayBoard }) => mayBoard),
      mayAlight: Uint8Array.from(rides, ({ mayAlight }) => mayAlight),
    },
  };
}

/** Stop times by trip, each in its sequence. */
function* tripsOf(times: readonly StopTime[]): Generator<StopTime[]> {
  const sorted = times.toSorted((a, b) => a.trip - b.trip || a.sequence - b.sequence);
  let from = 0;
  for (let at = 1; at <= sorted.length; at += 1) {
    if (sorted[at]?.trip === sorted[from]?.trip) continue;
    yield sorted.slice(from, at);
    from = at;
  }
}

const ridesOf = (
  stopTimes: readonly StopTime[],
  { trip, later }: { trip: number; later: number },
): Ride[] =>
  stopTimes.slice(1).map((to, at) => {
    const from = stopTimes[at] as StopTime;
    return {
      fromStop: from.stop,
      toStop: to.stop,
      departs: from.departs + later,
      arrives: to.arrives + later,
      trip,
      mayBoard: Number(from.mayBoard),
      mayAlight: Number(to.mayAlight),
    };
  });
