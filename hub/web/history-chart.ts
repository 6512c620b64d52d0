/** A metric over time as a picture: SVG, made on the server, so that it stands in a page without scripts. */
import { drawSvg } from './draw.ts';

export interface ChartPoint {
  readonly at: number;
  readonly mean: number;
  readonly least: number;
  readonly most: number;
}

export interface ChartOptions {
  readonly points: readonly ChartPoint[];
  readonly unit: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  /** Points that lie further apart have a hole between them: nothing was heard. */
  readonly holeMs: number;
}

const WIDTH = 560;
const HEIGHT = 180;
const BLUE = '#005eb8';
const GREY = '#4c6272';

/** Its mean as a line, between the least and the most. */
export function historySvg({ points, unit, from, to, holeMs }: ChartOptions): Promise<string> {
  const label = { color: GREY, fontFamily: 'arial, sans-serif', fontSize: 12 };
  const of = (value: (point: ChartPoint) => number): (number | null)[][] =>
    withHoles(points, holeMs).map(({ at, point }) => [at, point === null ? null : value(point)]);
  const line = {
    type: 'line',
    showSymbol: points.length < 2,
    animation: false,
    silent: true,
  } as const;
  const band = { ...line, stack: 'band', showSymbol: false, lineStyle: { opacity: 0 } };
  const option = {
    grid: { left: 56, right: 16, top: 24, bottom: 28 },
    xAxis: { type: 'time', min: from, max: to, axisLabel: label, splitNumber: 5 },
    yAxis: {
      ...{ type: 'value', min: 0, axisLabel: label, splitNumber: 3, name: unit },
      nameTextStyle: { ...label, align: 'left' },
    },
    series: [
      { ...band, data: of(({ least }) => least) },
      {
        ...band,
        data: of(({ least, most }) => most - least),
        areaStyle: { color: BLUE, opacity: 0.15 },
      },
      {
        ...line,
        data: of(({ mean }) => mean),
        lineStyle: { color: BLUE, width: 2 },
        itemStyle: { color: BLUE },
      },
    ],
  };
  return drawSvg(option, { width: WIDTH, height: HEIGHT });
}

function withHoles(
  points: readonly ChartPoint[],
  holeMs: number,
): { at: number; point: ChartPoint | null }[] {
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const isAfterHole = before !== undefined && point.at - before.at > holeMs;
    const here = { at: point.at, point };
    return isAfterHole ? [{ at: before.at + 1, point: null }, here] : [here];
  });
}
