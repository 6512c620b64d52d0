/**
 * Trips that go on after midnight belong to the day that they began (`28:50:00` in GTFS). Who sets out early meets
 * them on the next: each gets a twin there, of what is left of it, 24 hours earlier by its times.
 */
import type { StopTime } from './rides-in-order.ts';
import type { Service, Trip } from './timetable.ts';

const DAY_SECONDS = 86_400;
const DAY_MS = 86_400_000;

export interface Trips {
  readonly trips: readonly Trip[];
  readonly times: readonly StopTime[];
  /** By trip: when it starts, where it starts again and again. */
  readonly repeats: ReadonlyMap<number, readonly number[]>;
  readonly services: ReadonlyMap<string, Service>;
}

export function withTwins({ trips, times, repeats, services }: Trips): Trips {
  const twins = new Map<number, number>();
  const more = { trips: [...trips], repeats: new Map(repeats), services: new Map(services) };
  const twinOf = (trip: number): number => {
    const known = twins.get(trip);
    if (known !== undefined) return known;
    const { route, service } = trips[trip] as Trip;
    const twin = more.trips.push({ route, service: nightOf(service) }) - 1;
    twins.set(trip, twin);
    more.services.set(nightOf(service), dayLater(services.get(service) as Service));
    return twin;
  };
  for (const [trip, starts] of repeats) {
    const late = starts.filter((start) => start >= DAY_SECONDS);
    if (late.length === 0) continue;
    const earlier = late.map((start) => start - DAY_SECONDS);
    more.repeats.set(twinOf(trip), earlier);
  }
  const left = times.flatMap((time) => {
    const isRepeated = repeats.has(time.trip);
    if (isRepeated) {
      const twin = twins.get(time.trip);
      return twin === undefined ? [] : [{ ...time, trip: twin }];
    }
    if (time.departs < DAY_SECONDS) return [];
    const [arrives, departs] = [time.arrives - DAY_SECONDS, time.departs - DAY_SECONDS];
    return [{ ...time, trip: twinOf(time.trip), arrives, departs }];
  });
  return { ...more, times: [...times, ...left] };
}

/** No name of a CSV file has a line end of this kind. */
const nightOf = (service: string): string => `${service}\u2028`;

function dayLater({ weekdays, from, to, added, removed }: Service): Service {
  return {
    weekdays: weekdays.map((_, at) => weekdays.at(at - 1) === true),
    ...{ from: nextDay(from), to: nextDay(to) },
    ...{ added: new Set([...added].map(nextDay)), removed: new Set([...removed].map(nextDay)) },
    isOfDayBefore: true,
  };
}

const nextDay = (day: string): string =>
  day === '' ? '' : new Date(Date.parse(day) + DAY_MS).toISOString().slice(0, 10);
