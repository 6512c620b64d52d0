/** The bodies that the phantoms show. Values are Hounsfield units unless a list says otherwise. */
import type { Ellipsoid } from './volume.ts';

/** A head: scalp, skull, brain, ventricles, falx, and a small bleed on one side. Its middle is z = 0. */
export function head(bleedSide: 1 | -1): readonly Ellipsoid[] {
  return [
    { centre: [0, 0, 0], radii: [84, 102, 96], value: 10 },
    { centre: [0, 0, 0], radii: [80, 98, 92], value: 1_050 },
    { centre: [0, 0, 0], radii: [73, 91, 85], value: 32 },
    { centre: [-32, 6, 6], radii: [37, 76, 66], value: 37 },
    { centre: [32, 6, 6], radii: [37, 76, 66], value: 37 },
    { centre: [0, -20, 14], radii: [2, 62, 62], value: 44 },
    { centre: [-13, -14, 10], radii: [7, 24, 18], angle: 14, value: 6 },
    { centre: [13, -14, 10], radii: [7, 24, 18], angle: -14, value: 6 },
    { centre: [0, 10, -4], radii: [4, 12, 14], value: 6 },
    { centre: [-20, 30, 4], radii: [9, 6, 6], value: 30 },
    { centre: [20, 30, 4], radii: [9, 6, 6], value: 30 },
    { centre: [38 * bleedSide, -6, 16], radii: [13, 17, 12], angle: 25 * bleedSide, value: 72 },
    { centre: [0, 52, -46], radii: [46, 30, 26], value: 40 },
    { centre: [-30, -78, -38], radii: [13, 13, 13], value: 12 },
    { centre: [30, -78, -38], radii: [13, 13, 13], value: 12 },
    { centre: [0, -84, -46], radii: [15, 14, 20], value: -980 },
  ];
}

/** A chest with lungs, heart, spine, ribs and a nodule. Its middle is z = 0. */
export function chest(noduleSide: 1 | -1): readonly Ellipsoid[] {
  const ribs = Array.from({ length: 8 }, (_, index): Ellipsoid[] => {
    const z = 100 - index * 27;
    return [-1, 1].map(
      (side) => ({ centre: [side * 112, 30, z], radii: [16, 70, 5], value: 420 }) as const,
    );
  }).flat();
  const vertebrae = Array.from(
    { length: 10 },
    (_, index): Ellipsoid => ({
      centre: [0, 74, 120 - index * 26],
      radii: [19, 19, 11],
      value: 380,
    }),
  );
  return [
    { centre: [0, 0, 0], radii: [172, 118, 260], value: -90 },
    { centre: [0, 0, 0], radii: [158, 106, 250], value: 45 },
    ...ribs,
    { centre: [-72, -2, 8], radii: [58, 80, 132], value: -840 },
    { centre: [72, -2, 8], radii: [54, 80, 132], value: -840 },
    { centre: [22, -34, -36], radii: [56, 44, 58], angle: -20, value: 52 },
    { centre: [10, 22, 40], radii: [13, 13, 90], value: 180 },
    { centre: [0, 6, 90], radii: [9, 9, 60], value: -980 },
    { centre: [76 * noduleSide, 8, 46], radii: [9, 9, 9], value: 38 },
    ...vertebrae,
    { centre: [-60, -10, -140], radii: [92, 80, 40], value: 62 },
  ];
}
