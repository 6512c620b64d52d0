/**
 * Where a UK postcode is. A full list is read from a file (Code-Point Open or the ONS Postcode Directory
 * with columns for latitude and longitude); without one, or for a postcode that is not in it, the middle of
 * its district stands, rounded to about a kilometre.
 */
import { csvRows, type Row } from './csv-rows.ts';
import type { Point } from './distance.ts';
import { DISTRICTS } from './districts.ts';
import { TravelDataError } from './travel-data-error.ts';

export interface Place extends Point {
  /** True: the middle of the postcode's district. */
  readonly isApproximate: boolean;
}

export class Postcodes {
  readonly #known: ReadonlyMap<string, Point>;

  /** @param known by postcode, as {@link normalised} writes it */
  constructor(known: ReadonlyMap<string, Point> = new Map()) {
    this.#known = known;
  }

  /** Null: neither the postcode nor its district is known. */
  find(postcode: string): Place | null {
    const wanted = normalised(postcode);
    const known = this.#known.get(wanted);
    if (known !== undefined) return { ...known, isApproximate: false };
    // The inward part is always a digit and two letters.
    const district = /^([A-Z]{1,2}\d[A-Z\d]?)(\d[A-Z]{2})?$/.exec(wanted)?.[1] ?? '';
    const [latitude, longitude] = DISTRICTS.get(district) ?? [];
    if (latitude === undefined || longitude === undefined) return null;
    return { latitude, longitude, isApproximate: true };
  }
}

/** `b15 2gw` as `B152GW`. */
export const normalised = (postcode: string): string => postcode.toUpperCase().replace(/\s+/g, '');

/** By what a list may call them. */
const COLUMNS = {
  postcode: ['pcds', 'pcd', 'postcode'],
  latitude: ['lat', 'latitude'],
  longitude: ['long', 'lon', 'lng', 'longitude'],
};

/**
 * Reads a list of postcodes, a CSV with a header.
 *
 * @throws TravelDataError `TRAVEL_DATA_UNREADABLE`, `TRAVEL_DATA_COLUMN`
 */
export async function readPostcodes(file: string): Promise<Postcodes> {
  const known = new Map<string, Point>();
  const value = (row: Row, of: keyof typeof COLUMNS): string => {
    const column = COLUMNS[of].find((name) => row[name] !== undefined);
    if (column === undefined) throw new TravelDataError('TRAVEL_DATA_COLUMN', `${file}: ${of}`);
    return row[column] ?? '';
  };
  for await (const row of csvRows(file)) {
    const latitude = Number(value(row, 'latitude'));
    const longitude = Number(value(row, 'longitude'));
    // Postcodes that have no place stand beyond the pole in the ONS directory.
    if (latitude > 0 && latitude < 90 && Number.isFinite(longitude))
      known.set(normalised(value(row, 'postcode')), { latitude, longitude });
  }
  return new Postcodes(known);
}
