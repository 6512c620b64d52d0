/**
 * Travel as far as its files are read. While they are read, and where one can't be, estimates stand and
 * every answer says so: the hub does not wait for a timetable.
 */
import { codeOf } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { Postcodes, readPostcodes } from './postcodes.ts';
import { readGtfs } from './read-gtfs.ts';
import { Travel, type TravelAnswer, type Trip } from './travel.ts';

export interface TravelFiles {
  /** CSV of postcodes. */
  readonly postcodesFile?: string | undefined;
  /** GTFS, unpacked. */
  readonly timetableFolder?: string | undefined;
}

export class LoadedTravel {
  readonly #sites: readonly string[];
  #travel: Travel;

  /** @param sites postcodes of the trusts */
  constructor(sites: readonly string[]) {
    this.#sites = sites;
    this.#travel = new Travel({ postcodes: new Postcodes(), timetable: null, sites });
  }

  to(trip: Trip): TravelAnswer {
    return this.#travel.to(trip);
  }

  /** Reads what is configured; a file that can't be used is logged, and the estimate stands. */
  async load({ postcodesFile, timetableFolder }: TravelFiles, log: Log): Promise<void> {
    const attempt = async <T>(path: string | undefined, read: (path: string) => Promise<T>) => {
      if (path === undefined) return null;
      return read(path).catch((error: unknown) => {
        const detail = error instanceof Error ? error.message : String(error);
        log.error('travel.file-refused', { code: codeOf(error), detail });
        return null;
      });
    };
    const postcodes = (await attempt(postcodesFile, readPostcodes)) ?? new Postcodes();
    const timetable = await attempt(timetableFolder, readGtfs);
    this.#travel = new Travel({ postcodes, timetable, sites: this.#sites });
    if (timetable !== null)
      log.info('travel.timetable-read', {
        stops: timetable.data.stops.length,
        trips: timetable.data.trips.length,
        ...{ from: timetable.from, to: timetable.to },
      });
  }
}
