/** `/measures/forecast`: the waiting list now, as it will be, and when six weeks are passed. */
import * as z from 'zod';
import type { Picture } from '../measures/charts.ts';
import type { Forecast } from '../measures/forecast.ts';
import { chartSvg } from '../web/chart.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { ForecastQuery, listOwner } from './routes-forecast.ts';
import { validate } from './validate.ts';

const CHART = { width: 960, height: 380 };
const Asked = ForecastQuery.extend({ test: z.string().max(60).optional() });

export function forecastPages({ measures }: Pick<HttpParts, 'measures'>): Page[] {
  const common = { method: 'GET', action: 'measure', audit: null } as const;
  const asked = async ({ request, principal }: PageCall) => {
    const query = validate(Asked, request.query, 'query');
    const trust = listOwner(query.of, principal.trust);
    const { asOf, tests } = await measures.forecast(trust);
    const [longest] = tests.toSorted((a, b) => (b.waiting ?? 0) - (a.waiting ?? 0));
    const chosen = tests.find(({ test }) => test === query.test) ?? longest;
    return { trust, asOf, tests, chosen };
  };
  return [
    {
      ...common,
      path: '/measures/forecast',
      run: async (call) => {
        const { trust, asOf, tests, chosen } = await asked(call);
        const of = trust === null ? 'network' : 'own';
        const picture = chosen && pictureOf(chosen);
        return call.render('forecast.njk', {
          title: 'Waiting list now and forecast',
          section: 'measures',
          ...{ trust, of, asOf, tests: tests.map(rowOf), chosen: chosen && rowOf(chosen) },
          picture: picture && {
            ...picture,
            ...CHART,
            source: `/measures/forecast/chart.svg?${new URLSearchParams({ of, test: chosen.test })}`,
          },
          weeks: chosen?.weeks.map(weekOf) ?? [],
        });
      },
    },
    {
      ...common,
      path: '/measures/forecast/chart.svg',
      run: async (call) => {
        const { chosen } = await asked(call);
        const picture = chosen && pictureOf(chosen);
        if (!picture) throw new HttpProblem('NOT_FOUND', 'There is no picture of this.');
        call.reply.type('image/svg+xml; charset=utf-8');
        return chartSvg(picture, CHART);
      },
    },
  ];
}

function pictureOf({ test, waiting, weeks }: Forecast): Picture | undefined {
  const points = weeks.flatMap(({ ends, expected }) =>
    expected === null ? [] : [{ label: ends, value: expected, n: null }],
  );
  const [first, last] = [points[0], points.at(-1)];
  if (waiting === null || first === undefined || last === undefined) return undefined;
  return {
    ...{ kind: 'run', title: 'Waiting', unit: 'count', points, limits: [] },
    description: `${test}: ${waiting} wait now; ${first.value} are expected on ${first.label}, ${last.value} on ${last.label}. The table has every figure.`,
    lines: [{ label: 'now', value: waiting }],
  };
}

const number = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 1 });
const text = (value: number | null): string => (value === null ? 'under 5' : number.format(value));

const rowOf = ({ test, firstBreach, ...of }: Forecast) => ({
  test,
  ...{ waiting: text(of.waiting), sixWeeks: text(of.sixWeeks), firstBreach },
  ...{ added: text(of.addedAWeek), left: text(of.leftAWeek) },
});

const weekOf = (week: Forecast['weeks'][number]) => ({
  ends: week.ends,
  cells: [week.expected, week.low, week.high, week.dueBySixWeeks, week.breaches].map(text),
});
