/** Points on the earth, and the straight line between two of them. */

export interface Point {
  /** Degrees, WGS 84. */
  readonly latitude: number;
  readonly longitude: number;
}

const EARTH_METRES = 6_371_000;
const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Metres on the great circle. */
export function metresBetween(a: Point, b: Point): number {
  const dLatitude = radians(b.latitude - a.latitude);
  const dLongitude = radians(b.longitude - a.longitude);
  const chord =
    Math.sin(dLatitude / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * Math.sin(dLongitude / 2) ** 2;
  return 2 * EARTH_METRES * Math.asin(Math.min(1, Math.sqrt(chord)));
}

/** Streets are longer than the straight line; the usual factor for towns. */
export const DETOUR = 1.3;
const WALK_METRES_PER_SECOND = 1.2;

export const walkSeconds = (metres: number): number =>
  Math.round((metres * DETOUR) / WALK_METRES_PER_SECOND);

/** Points by cells of about the radius, so that those near another one are found without looking at all. */
export class NearPoints {
  readonly #points: readonly Point[];
  readonly #radius: number;
  readonly #cells = new Map<string, number[]>();
  readonly #size: number;

  constructor(points: readonly Point[], radiusMetres: number) {
    this.#points = points;
    this.#radius = radiusMetres;
    // A degree of longitude in Britain is at least 55 km: cells are never narrower than the radius.
    this.#size = radiusMetres / 55_000;
    for (const [index, point] of points.entries()) {
      const key = this.#cell(point, 0, 0);
      const cell = this.#cells.get(key);
      if (cell === undefined) this.#cells.set(key, [index]);
      else cell.push(index);
    }
  }

  /** Indices with metres, in no order. */
  near(point: Point): { readonly index: number; readonly metres: number }[] {
    const found: { index: number; metres: number }[] = [];
    for (const dx of [-1, 0, 1])
      for (const dy of [-1, 0, 1])
        for (const index of this.#cells.get(this.#cell(point, dx, dy)) ?? []) {
          const metres = metresBetween(point, this.#points[index] as Point);
          if (metres <= this.#radius) found.push({ index, metres });
        }
    return found;
  }

  #cell({ latitude, longitude }: Point, dx: number, dy: number): string {
    return `${Math.floor(longitude / this.#size) + dx} ${Math.floor(latitude / this.#size) + dy}`;
  }
}
