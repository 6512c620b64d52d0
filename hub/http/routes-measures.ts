/** The measures: what they mean, and their figures as JSON, CSV or Parquet. */
import * as z from 'zod';
import { dimensionsOf, type Question } from '../measures/answer.ts';
import { dm01Csv } from '../measures/dm01.ts';
import { columnsOf, csvOf } from '../measures/export.ts';
import type { Measure } from '../measures/measure.ts';
import { MeasureError } from '../measures/measure-error.ts';
import type { MeasureAnswer } from '../measures/measures.ts';
import { SMALLEST } from '../measures/suppress.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { PageShape } from './schemas.ts';
import { MeasureFiguresAnswer, MeasureRowsAnswer, MeasuresAnswer } from './schemas-measures.ts';

export const Month = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$/, 'a month, 2026-03, or a day of it')
  .transform((text) => text.slice(0, 7));

/** Beside these, any dimension of the measure with the value that is wanted. */
export const MeasureQuery = z
  .object({
    by: z
      .string()
      .max(200)
      .optional()
      .transform((text) => (text === undefined || text === '' ? [] : text.split(',')))
      .describe('dimensions, with commas between: trust,month'),
    from: Month.optional().describe('the first month; whole months are counted'),
    to: Month.optional().describe('the last month'),
    format: z.enum(['json', 'csv', 'parquet']).default('json'),
    version: z
      .string()
      .regex(/^[1-9]\d{0,3}$/, 'the number of a version, as GET /api/measures has it')
      .transform(Number)
      .optional()
      .describe('of the definition; absent: the newest'),
  })
  .catchall(z.string().max(200));

export function questionOf(query: z.output<typeof MeasureQuery>, own: string | null): Question {
  const { by, from, to, format: _, version: __, ...where } = query;
  return { by: [...new Set(by)], from: from ?? null, to: to ?? null, where, own };
}

export function measureRoutes(parts: Pick<HttpParts, 'measures' | 'config'>): ApiRoute[] {
  const { measures } = parts;
  return [
    apiRoute({
      method: 'GET',
      path: '/api/measures',
      summary: 'What is measured, and how',
      action: 'measure',
      audit: null,
      query: z.strictObject({}),
      answer: { status: 200, schema: MeasuresAnswer },
      problems: [],
      run: () => ({ measures: measures.definitions.map(definitionJson) }),
    }),
    apiRoute({
      method: 'GET',
      path: '/api/measures/:id',
      summary: 'The figures of a measure, by dimensions and months; small ones are withheld',
      action: 'measure',
      audit: null,
      query: MeasureQuery,
      answer: { status: 200, schema: MeasureFiguresAnswer },
      problems: ['MEASURE_UNKNOWN', 'MEASURE_VERSION', 'MEASURE_DIMENSION', 'MEASURES_NOT_BUILT'],
      run: async ({ path, query, principal, reply }) => {
        const question = questionOf(query, principal.trust);
        const answer = await measures.answer(path['id'] ?? '', question, query.version);
        const columns = columnsOf(answer.measure, question.by);
        const name = `${answer.measure.id}-v${answer.measure.version}-${answer.asOf.slice(0, 10)}`;
        if (query.format === 'json') return answerJson(answer, question);
        reply.header('content-disposition', `attachment; filename="${name}.${query.format}"`);
        if (query.format === 'csv') {
          reply.type('text/csv; charset=utf-8');
          return csvOf(columns, answer.rows);
        }
        reply.type('application/vnd.apache.parquet');
        return measures.parquet(columns, answer.rows);
      },
    }),
    ...ownRoutes(parts),
  ];
}

const RowsQuery = z.strictObject({
  trust: z.string().optional().describe('the own one'),
  from: Month.optional(),
  to: Month.optional(),
  ...PageShape,
});

/** What figures are made of, for the trust that it belongs to. */
function ownRoutes({ measures, config }: Pick<HttpParts, 'measures' | 'config'>): ApiRoute[] {
  const nameOf = (ods: string): string => config.trusts.find((one) => one.ods === ods)?.name ?? ods;
  return [
    apiRoute({
      method: 'GET',
      path: '/api/measures/:id/rows',
      summary: 'The rows behind the figures of the own trust; without S-flagged patients',
      action: 'return',
      audit: 'look',
      query: RowsQuery,
      answer: { status: 200, schema: MeasureRowsAnswer },
      problems: ['MEASURE_UNKNOWN', 'MEASURE_ROWS_FORBIDDEN', 'MEASURES_NOT_BUILT'],
      run: async ({ path, query: { trust, from, to, limit, offset }, principal, saw }) => {
        const own = ownTrust(principal, trust);
        const question = { trust: own, from: from ?? null, to: to ?? null, limit, offset };
        const rows = await measures.rows(path['id'] ?? '', question);
        saw({ patients: [], studies: [], homes: [own] });
        return { trust: own, rows, limit, offset };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/returns/dm01',
      summary: 'The DM01 return of the own trust for a month, as CSV',
      action: 'return',
      audit: 'export',
      query: z.strictObject({ month: Month, trust: z.string().optional() }),
      answer: { status: 200, schema: 'text/csv' },
      problems: ['MEASURE_ROWS_FORBIDDEN', 'MEASURES_NOT_BUILT'],
      run: async ({ query: { month, trust }, principal, reply, saw }) => {
        const own = ownTrust(principal, trust);
        const of = async (id: string, by: readonly string[]) =>
          (await measures.answer(id, { by, from: month, to: month, where: { trust: own }, own }))
            .rows;
        const waiting = await of('BI-10', ['test', 'week_band']);
        const activity = await of('BI-12', ['test']);
        saw({ patients: [], studies: [], homes: [own] });
        reply.type('text/csv; charset=utf-8');
        reply.header('content-disposition', `attachment; filename="DM01-${own}-${month}.csv"`);
        return dm01Csv({ month, trust: { ods: own, name: nameOf(own) }, waiting, activity });
      },
    }),
  ];
}

/** @throws MeasureError `MEASURE_ROWS_FORBIDDEN` for the network's own staff, and for another trust */
export function ownTrust(
  { trust: own }: { trust: string | null },
  asked: string | undefined,
): string {
  if (own !== null && (asked === undefined || asked === own)) return own;
  throw new MeasureError(
    'MEASURE_ROWS_FORBIDDEN',
    'Rows and returns are for people and keys of the trust that they belong to.',
  );
}

function definitionJson(measure: Measure): object {
  const { id, version, name, question, formula, grain, exclusions, source, target, kind } = measure;
  return {
    ...{ id, version, name, question, formula, grain, exclusions, source, target, kind },
    dimensions: dimensionsOf(measure),
    columns: columnsJson(measure),
    earlier: (measure.earlier ?? []).map((one) => ({
      ...{ version: one.version, formula: one.formula, exclusions: one.exclusions },
      ...{ target: one.target, changed: one.changed },
    })),
  };
}

function columnsJson({ counts, shares, quantiles, sums, ratios }: Measure): object[] {
  return [
    ...counts.map(({ name, title }) => ({ name, title, unit: 'count' })),
    ...(shares ?? []).map(({ name, title }) => ({ name, title, unit: 'share' })),
    ...(quantiles ?? []).map(({ name, title, unit }) => ({ name, title, unit })),
    ...(sums ?? []).map(({ name, title, unit }) => ({ name, title, unit })),
    ...(ratios ?? []).map(({ name, title, unit }) => ({ name, title, unit })),
  ];
}

function answerJson(answer: MeasureAnswer, { by, where }: Question): object {
  const { measure, asOf, coverage, rows, from, to } = answer;
  return {
    ...{ id: measure.id, version: measure.version, name: measure.name, asOf, from, to, by, where },
    coverage: {
      reporting: coverage.filter(({ lastToldAt }) => lastToldAt !== null).length,
      of: coverage.length,
      trusts: coverage,
    },
    columns: columnsJson(measure),
    medians: answer.isSampled ? 'sampled' : 'exact',
    suppression: {
      below: SMALLEST,
      rows: rows.filter(({ withheld }) => withheld === 'small-numbers').length,
      unpublished: rows.filter(({ withheld }) => withheld === 'data-quality').length,
    },
    ...(answer.levels === undefined ? {} : { levels: answer.levels }),
    rows,
  };
}
