/** `/measures`: what is measured, how the network stands; `/measures/{id}`: one measure, as it is asked for. */
import * as z from 'zod';
import { checkQuestion, dimensionsOf, type Question } from '../measures/answer.ts';
import { pictureOf, shownOf } from '../measures/charts.ts';
import { cellText, figureText, unitOf, withheldTexts } from '../measures/figure-text.ts';
import type { Measure } from '../measures/measure.ts';
import { MeasureError } from '../measures/measure-error.ts';
import type { MeasureAnswer } from '../measures/measures.ts';
import { searchOf } from '../measures/question-link.ts';
import { chartSvg } from '../web/chart.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts, MeasuresPart } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { MeasureQuery, questionOf } from './routes-measures.ts';
import { validate } from './validate.ts';

const CHART = { width: 960, height: 420 };
const MAX_ROWS = 500;

export function measurePages({
  measures,
  subscriptions,
  config,
}: Pick<HttpParts, 'measures' | 'subscriptions' | 'config'>): Page[] {
  const common = { action: 'measure', audit: null, method: 'GET' } as const;
  return [
    {
      ...common,
      path: '/measures',
      run: async ({ render, principal }) => {
        subscriptions.saw(principal);
        return render('measures.njk', {
          title: 'Measures',
          section: 'measures',
          ...(await overview(measures)),
        });
      },
    },
    {
      ...common,
      path: '/measures/:id',
      run: async (call) => {
        subscriptions.saw(call.principal);
        const { question, version, answer } = await asked(measures, call);
        return call.render('measure.njk', {
          title: answer.measure.name,
          section: 'measures',
          trusts: config.trusts,
          emailDomains: config.measures.email?.domains,
          ...viewOf(call, { question, version }, answer),
        });
      },
    },
    {
      ...common,
      path: '/measures/:id/chart.svg',
      run: async (call) => {
        const { question, answer } = await asked(measures, call);
        const picture = pictureOf(answer.measure, question.by, answer.rows);
        if (picture === null) throw new HttpProblem('NOT_FOUND', 'There is no picture of this.');
        call.reply.type('image/svg+xml; charset=utf-8');
        return chartSvg(picture, CHART);
      },
    },
  ];
}

async function asked(
  measures: MeasuresPart,
  { request, principal }: Pick<PageCall, 'request' | 'principal'>,
): Promise<{ question: Question; version: number | undefined; answer: MeasureAnswer }> {
  const { id = '' } = request.params as Record<string, string>;
  const measure = measures.definitions.find((one) => one.id === id.toUpperCase());
  if (measure === undefined) throw new MeasureError('MEASURE_UNKNOWN', 'There is no such measure.');
  const given = Object.entries(request.query as Record<string, string | string[]>).flatMap(
    ([name, value]) => (value === '' ? [] : [[name, [value].flat().join(',')]]),
  );
  const query = validate(
    z.preprocess((value) => value, MeasureQuery),
    Object.fromEntries(given),
    'query',
  );
  const plain = questionOf(query, principal.trust);
  const isBare = given.every(([name]) => name !== 'by');
  const question = isBare ? { ...plain, by: firstSplit(measure) } : plain;
  checkQuestion(measure, question);
  const { version } = query;
  return { question, version, answer: await measures.answer(measure.id, question, version) };
}

/** What a page shows that was asked nothing: trust against network; ages and hours, where they are the point. */
function firstSplit({ dimensions }: Measure): string[] {
  const own = dimensions.find((name) => ['age_band', 'hour', 'week_band'].includes(name));
  return [own ?? 'trust'];
}

async function overview(
  measures: MeasuresPart,
): Promise<{ rows: readonly object[]; asOf: string | null; coverage: MeasureAnswer['coverage'] }> {
  const answers = await measures.overview();
  return {
    rows: answers.map(({ measure, rows }) => {
      const { name, title, unit } = shownOf(measure);
      const [row] = rows;
      const value = row?.[name] ?? null;
      return {
        ...{ id: measure.id, name: measure.name, question: measure.question, shown: title },
        value:
          typeof value === 'number'
            ? figureText(value, unit)
            : row === undefined
              ? 'Nothing told yet'
              : 'Withheld',
        target: targetText(measure),
      };
    }),
    asOf: answers[0]?.asOf ?? null,
    coverage: answers[0]?.coverage ?? [],
  };
}

function targetText({ target }: Measure): string {
  if (target === null) return '';
  const { atLeast, atMost } = target;
  return atLeast === undefined
    ? `at most ${figureText(atMost ?? 0, 'share')}`
    : `at least ${figureText(atLeast, 'share')}`;
}

function viewOf(
  { request }: PageCall,
  { question, version }: { question: Question; version: number | undefined },
  answer: MeasureAnswer,
): object {
  const { measure, rows, coverage } = answer;
  const columns = [
    ...measure.counts,
    ...(measure.shares ?? []),
    ...(measure.quantiles ?? []),
    ...(measure.sums ?? []),
    ...(measure.ratios ?? []),
  ].map((one) => ({ name: one.name, title: one.title, unit: unitOf(measure, one.name) }));
  const picture = pictureOf(measure, question.by, rows);
  const newest = searchOf(question);
  const search = version === undefined ? newest : `${newest}&version=${version}`;
  return {
    ...{ measure, question, coverage, asOf: answer.asOf, from: answer.from, to: answer.to },
    dimensions: dimensionsOf(measure),
    by: question.by.map((name) => ({ name, title: dimensionTitle(name) })),
    columns,
    rows: rows.slice(0, MAX_ROWS).map((row) => ({
      keys: question.by.map((name) => String(row[name])),
      cells: columns.map(({ name, unit }) => cellText(row, name, unit)),
      isWithheld: row['suppressed'] === true,
    })),
    total: rows.length,
    picture: picture && {
      ...picture,
      ...CHART,
      source: `/measures/${measure.id}/chart.svg?${search}`,
    },
    isSampled: answer.isSampled,
    levelSources: [
      ...new Set((answer.levels ?? []).map(({ source, version }) => `${source} (${version})`)),
    ],
    levels: (answer.levels ?? []).map(({ level, unit, ...one }) => ({
      ...one,
      level: figureText(level, unit),
    })),
    withheld: withheldTexts(rows),
    unpublished: coverage.flatMap(({ trust, quality }) =>
      quality?.isPublished === false
        ? [{ trust, share: figureText(quality.share ?? 0, 'share') }]
        : [],
    ),
    link: `/measures/${measure.id}?${search}`,
    search: newest,
    earlier: (measure.earlier ?? []).map((one) => ({
      ...{ version: one.version, changed: one.changed },
      href: `/measures/${measure.id}?${newest}&version=${one.version}`,
    })),
    newest: version === undefined ? null : `/measures/${measure.id}?${newest}`,
    downloads: ['csv', 'parquet', 'json'].map((format) => ({
      format,
      href: `/api/measures/${measure.id}?${search}&format=${format}`,
    })),
    titles: Object.fromEntries(dimensionsOf(measure).map((name) => [name, dimensionTitle(name)])),
    path: request.url.split('?', 1)[0],
  };
}

const TITLES: Readonly<Record<string, string>> = {
  ...{ week_band: 'Weeks waited', age_band: 'Age', from_trust: 'From', band: 'Priority band' },
  ...{ lead_time: 'Cancelled before', notice: 'Booked before' },
  ...{ longest_step: 'Longest step', reporting_trust: 'Reported by', read_by: 'Read by' },
};
const dimensionTitle = (name: string): string =>
  TITLES[name] ?? `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`;
