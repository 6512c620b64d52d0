/** Draws a chart as SVG, here: the browser gets an image, and works without scripts. */
import type { EChartsCoreOption } from 'echarts/dist/echarts.esm.min.mjs';

export interface ChartSize {
  readonly width: number;
  readonly height: number;
}

/** The library, a megabyte, is loaded with the first chart. */
export async function drawSvg(option: EChartsCoreOption, size: ChartSize): Promise<string> {
  const { init } = await import('echarts/dist/echarts.esm.min.mjs');
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({ animation: false, ...option });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}
