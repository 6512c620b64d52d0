/**
 * Anatomy as ellipsoids: good enough to look like a patient, exact enough to be computed.
 * Coordinates are millimetres: x to the patient's left, y to the back, z to the head (PS3.3 C.7.6.2).
 */

export interface Ellipsoid {
  readonly centre: readonly [x: number, y: number, z: number];
  readonly radii: readonly [x: number, y: number, z: number];
  /** Rotation about z, degrees. */
  readonly angle?: number;
  /** What the inside measures: HU, signal, or attenuation. The last ellipsoid that holds a point wins. */
  readonly value: number;
}

export interface SliceGeometry {
  readonly size: number;
  readonly pixelMm: number;
  readonly z: number;
}

/** Paints one axial slice; `background` where no ellipsoid is. Row by row, `size` × `size`. */
export function paintSlice(
  ellipsoids: readonly Ellipsoid[],
  geometry: SliceGeometry,
  background: number,
): Float32Array {
  const { size } = geometry;
  const image = new Float32Array(size * size).fill(background);
  for (const ellipsoid of ellipsoids) paintEllipsoid(image, ellipsoid, geometry);
  return image;
}

function paintEllipsoid(
  image: Float32Array,
  ellipsoid: Ellipsoid,
  { size, pixelMm, z }: SliceGeometry,
): void {
  const [cx, cy, cz] = ellipsoid.centre;
  const [rx, ry, rz] = ellipsoid.radii;
  const room = 1 - ((z - cz) / rz) ** 2;
  if (room <= 0) return;
  const turn = ((ellipsoid.angle ?? 0) * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const reach = Math.max(rx, ry) * Math.sqrt(room);
  const toPixel = (mm: number): number => mm / pixelMm + size / 2;
  const [firstRow, lastRow] = [
    Math.max(0, Math.floor(toPixel(cy - reach))),
    Math.min(size - 1, Math.ceil(toPixel(cy + reach))),
  ];
  const [firstColumn, lastColumn] = [
    Math.max(0, Math.floor(toPixel(cx - reach))),
    Math.min(size - 1, Math.ceil(toPixel(cx + reach))),
  ];
  for (let row = firstRow; row <= lastRow; row += 1) {
    const y = (row - size / 2) * pixelMm - cy;
    for (let column = firstColumn; column <= lastColumn; column += 1) {
      const x = (column - size / 2) * pixelMm - cx;
      const [u, v] = [(x * cos + y * sin) / rx, (y * cos - x * sin) / ry];
      if (u * u + v * v <= room) image[row * size + column] = ellipsoid.value;
    }
  }
}

/** Length in millimetres of a ray along y through an ellipsoid at (x, z); 0 beside it. For projections. */
export function chordMm(ellipsoid: Ellipsoid, x: number, z: number): number {
  const [cx, , cz] = ellipsoid.centre;
  const [rx, ry, rz] = ellipsoid.radii;
  const room = 1 - ((x - cx) / rx) ** 2 - ((z - cz) / rz) ** 2;
  return room <= 0 ? 0 : 2 * ry * Math.sqrt(room);
}

/** Softens edges as a detector does: a 3 × 3 binomial filter. */
export function soften(image: Float32Array, size: number): Float32Array {
  const rows = new Float32Array(image.length);
  const out = new Float32Array(image.length);
  for (let at = 0; at < image.length; at += 1) {
    rows[at] = ((image[at - 1] ?? 0) + 2 * (image[at] ?? 0) + (image[at + 1] ?? 0)) / 4;
  }
  for (let at = 0; at < image.length; at += 1) {
    const [above, below] = [rows[at - size] ?? rows[at], rows[at + size] ?? rows[at]];
    out[at] = ((above ?? 0) + 2 * (rows[at] ?? 0) + (below ?? 0)) / 4;
  }
  return out;
}
