/**
 * How long a patient travels to a site: by car from the straight line, by public transport from the
 * timetable, on foot where it is near. Every answer says what it stands on. SC-14.
 */
import { ukDay, ukOffsetMs } from '../rules/uk-time.ts';
import type { Journey } from './connection-scan.ts';
import { DETOUR, metresBetween, type Point, walkSeconds } from './distance.ts';
import type { Postcodes } from './postcodes.ts';
import { PublicTransport } from './public-transport.ts';
import type { Timetable } from './timetable.ts';

export type TransportMode = 'car' | 'public';

export interface TravelAnswer {
  readonly by: TransportMode;
  /** Door to door; null: nobody can say, or there is no way in time. */
  readonly minutes: number | null;
  readonly basis: 'timetable' | 'straight-line' | 'walk' | 'unknown';
  /** RFC 3339; null where no timetable says. */
  readonly leaveAt: string | null;
  /** For people: the way, and what the answer stands on. */
  readonly words: string;
}

export interface Trip {
  readonly from: string;
  readonly to: string;
  readonly by: TransportMode;
  /** RFC 3339: the appointment's start. */
  readonly start: string;
}

/** Through a town at first, then faster: metres by road, and metres a minute. */
const TOWN_METRES = 8_000;
const TOWN_METRES_PER_MINUTE = 30_000 / 60;
const ROAD_METRES_PER_MINUTE = 60_000 / 60;
const PARKING_MINUTES = 5;
/** Where no timetable is: a bus with its waits and changes, as a straight line. */
const BUS_METRES_PER_MINUTE = 15_000 / 60;
const WAIT_MINUTES = 10;
const LONGEST_WALK_METRES = 1_500;
/** One is there this long before the appointment. */
const EARLY_SECONDS = 10 * 60;

export interface TravelOptions {
  readonly postcodes: Postcodes;
  /** Null: none was imported. */
  readonly timetable: Timetable | null;
  /** Their postcodes. */
  readonly sites: readonly string[];
}

export class Travel {
  readonly #postcodes: Postcodes;
  readonly #public: PublicTransport | null;
  readonly #sites = new Map<string, number>();

  /** Sites that are known from the start are tried together; any other is added when it is asked for. */
  constructor({ postcodes, timetable, sites }: TravelOptions) {
    this.#postcodes = postcodes;
    this.#public = timetable === null ? null : new PublicTransport(timetable);
    for (const postcode of sites) {
      const place = postcodes.find(postcode);
      if (place !== null) this.#siteAt(postcode, place);
    }
  }

  to(trip: Trip): TravelAnswer {
    const from = this.#postcodes.find(trip.from);
    const to = this.#postcodes.find(trip.to);
    const { by } = trip;
    if (from === null || to === null) {
      const what = from === null ? 'the patient' : 'the site';
      return { ...none(by), words: `The postcode of ${what} is not in the list of postcodes` };
    }
    const metres = metresBetween(from, to);
    if (by === 'car') return byCar(metres);
    if (metres <= LONGEST_WALK_METRES) return onFoot(metres);
    const site = this.#siteAt(trip.to, to);
    if (this.#public === null || !this.#public.covers(from, site)) return byUnknownBus(metres);
    return this.#byTimetable(this.#public, { from, site, start: trip.start });
  }

  #siteAt(postcode: string, place: Point): number {
    const known = this.#sites.get(postcode);
    if (known !== undefined) return known;
    const site = this.#public?.addSite(place) ?? this.#sites.size;
    this.#sites.set(postcode, site);
    return site;
  }

  #byTimetable(
    transport: PublicTransport,
    { from, site, start }: { from: Point; site: number; start: string },
  ): TravelAnswer {
    const at = Date.parse(start);
    const date = ukDay(at);
    const midnight = Date.parse(date) - ukOffsetMs(at);
    const arriveBy = (at - midnight) / 1_000 - EARLY_SECONDS;
    const journey = transport.journey(from, site, { date, arriveBy });
    if (journey === null)
      return { ...none('public'), words: 'No bus, tram or train is there in time' };
    const covered = transport.timetable.coveredDay(date);
    const asOf = covered === date ? '' : `, by the timetable of ${covered}`;
    return {
      by: 'public',
      minutes: Math.round((journey.arrives - journey.leaves) / 60),
      basis: 'timetable',
      leaveAt: new Date(midnight + journey.leaves * 1_000).toISOString(),
      words: `${wayWords(journey)}${asOf}`,
    };
  }
}

const none = (by: TransportMode): Omit<TravelAnswer, 'words'> => ({
  ...{ by, minutes: null, basis: 'unknown', leaveAt: null },
});

const estimate = (by: TransportMode, minutes: number): Omit<TravelAnswer, 'words'> => ({
  ...{ by, minutes: Math.round(minutes), basis: 'straight-line', leaveAt: null },
});

function byCar(metres: number): TravelAnswer {
  const road = metres * DETOUR;
  const town = Math.min(road, TOWN_METRES) / TOWN_METRES_PER_MINUTE;
  const beyond = Math.max(0, road - TOWN_METRES) / ROAD_METRES_PER_MINUTE;
  return {
    ...estimate('car', town + beyond + PARKING_MINUTES),
    words: `About ${kilometres(metres)} by car, estimated from the straight line`,
  };
}

const byUnknownBus = (metres: number): TravelAnswer => ({
  ...estimate('public', (metres * DETOUR) / BUS_METRES_PER_MINUTE + WAIT_MINUTES),
  words: 'No timetable covers this way: estimated from the straight line',
});

const onFoot = (metres: number): TravelAnswer => ({
  ...{ by: 'public', minutes: Math.round(walkSeconds(metres) / 60), basis: 'walk', leaveAt: null },
  words: `On foot, about ${kilometres(metres)}`,
});

const kilometres = (metres: number): string => `${((metres * DETOUR) / 1_000).toFixed(1)} km`;

function wayWords({ rides }: Journey): string {
  const [first] = rides;
  const routes = rides.map(({ route }) => route).join(', then ');
  return `${routes} from ${first?.fromStop ?? ''} at ${clock(first?.departs ?? 0)}`;
}

/** Seconds after midnight as 07:45. */
function clock(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  return `${String(Math.floor(minutes / 60) % 24).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}
