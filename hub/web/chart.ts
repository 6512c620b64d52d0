/** A picture of figures as SVG. */
import type { Limit, Picture } from '../measures/charts.ts';
import { type ChartSize, drawSvg } from './draw.ts';

/** Colours of the NHS identity; each against white 3 : 1 or more. */
const BLUE = '#005eb8';
const GREY = '#4c6272';
const RED = '#d5281b';
const FONT = { fontFamily: 'arial, sans-serif', fontSize: 14, color: '#212b32' };

export function chartSvg(picture: Picture, size: ChartSize): Promise<string> {
  const option = picture.kind === 'funnel' ? funnel(picture) : plain(picture);
  return drawSvg({ textStyle: FONT, backgroundColor: '#ffffff', ...option }, size);
}

const printed = (unit: string) => (value: number) =>
  unit === 'share'
    ? `${Math.round(value * 1_000) / 10} %`
    : new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 }).format(value);

function axisName({ title, unit }: Picture): string {
  return unit === 'share' || unit === 'count' ? title : `${title} (${unit})`;
}

function plain(picture: Picture): object {
  const { kind, points, lines, unit } = picture;
  return {
    grid: { left: 70, right: 130, top: 40, bottom: points.length > 8 ? 90 : 50 },
    xAxis: {
      type: 'category',
      data: points.map(({ label }) => label),
      axisLabel: { ...FONT, rotate: points.length > 8 ? 45 : 0, interval: 0, hideOverlap: true },
    },
    yAxis: {
      type: 'value',
      min: 0,
      name: axisName(picture),
      nameTextStyle: { ...FONT, align: 'left' },
      axisLabel: { ...FONT, formatter: printed(unit) },
    },
    series: [
      {
        type: kind === 'run' ? 'line' : 'bar',
        data: points.map(({ value }) => value),
        itemStyle: { color: BLUE },
        lineStyle: { color: BLUE, width: 3 },
        symbolSize: 9,
        markLine: {
          silent: true,
          symbol: 'none',
          data: lines.map(({ label, value }) => ({
            yAxis: value,
            lineStyle: {
              color: label === 'target' ? RED : GREY,
              type: label === 'mean' ? 'solid' : 'dashed',
            },
            label: { ...FONT, fontSize: 12, formatter: label, position: 'end' },
          })),
        },
      },
    ],
  };
}

function funnel(picture: Picture): object {
  const { points, limits, lines } = picture;
  const limit = (name: keyof Limit, type: string): object => ({
    type: 'line',
    silent: true,
    symbol: 'none',
    smooth: true,
    lineStyle: { color: GREY, type, width: 1 },
    data: limits.map((one) => [one.n, one[name]]),
  });
  const highest = Math.max(...points.map(({ value }) => value), ...lines.map(({ value }) => value));
  return {
    grid: { left: 70, right: 60, top: 40, bottom: 60 },
    xAxis: {
      type: 'value',
      name: 'Number',
      nameLocation: 'middle',
      nameGap: 35,
      nameTextStyle: FONT,
      axisLabel: FONT,
    },
    yAxis: {
      type: 'value',
      min: 0,
      max: Math.min(1, Math.ceil(highest * 13) / 10),
      name: axisName(picture),
      nameTextStyle: { ...FONT, align: 'left' },
      axisLabel: { ...FONT, formatter: printed('share') },
    },
    series: [
      ...[limit('low95', 'dashed'), limit('high95', 'dashed')],
      ...[limit('low998', 'solid'), limit('high998', 'solid')],
      {
        type: 'scatter',
        symbolSize: 12,
        itemStyle: { color: BLUE },
        data: points.map(({ n, value, label }) => ({
          value: [n ?? 0, value],
          label: { show: true, formatter: label, position: 'right', ...FONT, fontSize: 12 },
        })),
        labelLayout: { hideOverlap: true },
        markLine: {
          silent: true,
          symbol: 'none',
          data: lines.map(({ label, value }) => ({
            yAxis: value,
            lineStyle: { color: RED, type: 'dashed' },
            label: { ...FONT, fontSize: 12, formatter: label, position: 'end' },
          })),
        },
      },
    ],
  };
}
