/**
 * A timetable as the search for journeys reads it: stops, and the rides from one stop to the next in
 * the order of their departure, in typed arrays.
 *
 *   GTFS folder ─ read-gtfs.ts ─► here ─ day ─► connection-scan.ts
 */
import { NearPoints, type Point, walkSeconds } from './distance.ts';

export interface Stop extends Point {
  readonly name: string;
}

/** Every ride between two stops that follow each other, of all trips and days. Seconds after midnight, past 24 hours too. */
export interface Rides {
  readonly fromStop: Int32Array;
  readonly toStop: Int32Array;
  readonly departs: Int32Array;
  readonly arrives: Int32Array;
  readonly trip: Int32Array;
  /** 1: one may get on where it begins; get off where it ends. */
  readonly mayBoard: Uint8Array;
  readonly mayAlight: Uint8Array;
}

export interface Trip {
  /** What stands on the bus: `11A`. */
  readonly route: string;
  readonly service: string;
}

/** When a service runs: days of the week from a day to a day, and days for themselves. */
export interface Service {
  /** Of Monday to Sunday. */
  readonly weekdays: readonly boolean[];
  readonly from: string;
  readonly to: string;
  readonly added: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  /** What goes on after midnight, of the day before. */
  readonly isOfDayBefore?: true;
}

export interface TimetableData {
  readonly stops: readonly Stop[];
  readonly trips: readonly Trip[];
  readonly services: ReadonlyMap<string, Service>;
  /** In the order of `departs`. */
  readonly rides: Rides;
}

/** The rides of one day, in the order of their departure. */
export interface DayOfRides {
  /** The same for days on which the same runs. */
  readonly key: string;
  /** Indices into `rides`. */
  readonly order: Int32Array;
}

/** Who changes walks this far at most. */
const CHANGE_METRES = 600;
/** Who goes to the first stop, or from the last, walks this far at most. */
const ACCESS_METRES = 1_200;
const KEPT_DAYS = 14;
const DAY_MS = 86_400_000;
/** Christmas and New Year take two weeks that follow each other. */
const USUAL_WEEKS = 4;

export class Timetable {
  readonly data: TimetableData;
  /** The days that it was published for, as YYYY-MM-DD. */
  readonly from: string;
  readonly to: string;
  readonly #access: NearPoints;
  /** By stop: where one can walk to from it, as pairs of stop and seconds. */
  readonly walks: readonly (readonly number[])[];
  readonly #days = new Map<string, DayOfRides>();
  readonly #tripsOf = new Map<string, number>();

  constructor(data: TimetableData) {
    this.data = data;
    for (const { service } of data.trips)
      this.#tripsOf.set(service, (this.#tripsOf.get(service) ?? 0) + 1);
    const services = [...data.services.values()].filter(({ isOfDayBefore }) => !isOfDayBefore);
    this.from = services.map(firstDay).toSorted()[0] ?? '';
    this.to = services.map(lastDay).toSorted().at(-1) ?? '';
    this.#access = new NearPoints(data.stops, ACCESS_METRES);
    const changes = new NearPoints(data.stops, CHANGE_METRES);
    this.walks = data.stops.map((stop, at) =>
      changes
        .near(stop)
        .filter(({ index }) => index !== at)
        .flatMap(({ index, metres }) => [index, walkSeconds(metres)]),
    );
  }

  /** Stops that can be walked to. */
  stopsNear(point: Point): { readonly stop: number; readonly seconds: number }[] {
    return this.#access
      .near(point)
      .map(({ index, metres }) => ({ stop: index, seconds: walkSeconds(metres) }));
  }

  /** The rides of a day, or of the one that counts for it. */
  ridesOn(date: string): DayOfRides {
    const runs = this.#runsOn(this.coveredDay(date));
    const key = [...runs].toSorted().join(' ');
    const known = this.#days.get(key);
    if (known !== undefined) return known;
    const { trip } = this.data.rides;
    const isRunning = this.data.trips.map(({ service }) => runs.has(service));
    const found: DayOfRides = {
      key,
      order: Int32Array.from(trip.keys()).filter((at) => isRunning[trip[at] as number]),
    };
    if (this.#days.size >= KEPT_DAYS) this.#days.clear();
    this.#days.set(key, found);
    return found;
  }

  /**
   * Slots lie further ahead than timetables are published: beyond its days the same weekday of its nearest weeks
   * counts, of these the one on which most trips run. The nearest alone may be a bank holiday.
   */
  coveredDay(date: string): string {
    if (date >= this.from && date <= this.to) return date;
    const step = date > this.to ? -7 * DAY_MS : 7 * DAY_MS;
    let day = Date.parse(date);
    while (isoDay(day) > this.to) day += step;
    while (isoDay(day) < this.from) day += step;
    const days = Array.from({ length: USUAL_WEEKS }, (_, at) => isoDay(day + at * step));
    const inside = days.filter((one) => one >= this.from && one <= this.to);
    const trips = inside.map((one) => this.#tripsOn(one));
    return inside[trips.indexOf(Math.max(...trips))] ?? isoDay(day);
  }

  #runsOn(day: string): Set<string> {
    const runs = [...this.data.services].filter(([, service]) => runsOn(service, day));
    return new Set(runs.map(([id]) => id));
  }

  #tripsOn(day: string): number {
    let sum = 0;
    for (const service of this.#runsOn(day)) sum += this.#tripsOf.get(service) ?? 0;
    return sum;
  }
}

const isoDay = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const firstDay = ({ from, added }: Service): string =>
  [from, ...added].filter(Boolean).toSorted()[0] ?? '';
const lastDay = ({ to, added }: Service): string => [to, ...added].toSorted().at(-1) ?? '';

function runsOn(service: Service, day: string): boolean {
  if (service.added.has(day)) return true;
  if (service.removed.has(day) || day < service.from || day > service.to) return false;
  return service.weekdays[(new Date(day).getUTCDay() + 6) % 7] === true;
}
