/** The measures: what they mean, and their figures as JSON, CSV or Parquet. */
import * as z from 'zod';
import { dimensionsOf, type Question } from '../measures/answer.ts';
import { columnsOf, csvOf } from '../measures/export.ts';
import type { Measure } from '../measures/measure.ts';
import type { MeasureAnswer } from '../measures/measures.ts';
import { SMALLEST } from '../measures/suppress.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { MeasureFiguresAnswer, MeasuresAnswer } from './schemas-measures.ts';

const Month = z
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
  })
  .catchall(z.string().max(200));

export function questionOf(query: z.output<typeof MeasureQuery>, own: string | null): Question {
  const { by, from, to, format: _, ...where } = query;
  return { by: [...new Set(by)], from: from ?? null, to: to ?? null, where, own };
}

export function measureRoutes(parts: Pick<HttpParts, 'measures'>): ApiRoute[] {
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
      problems: ['MEASURE_UNKNOWN', 'MEASURE_DIMENSION', 'MEASURES_NOT_BUILT'],
      run: async ({ path, query, principal, reply }) => {
        const question = questionOf(query, principal.trust);
        const answer = await measures.answer(path['id'] ?? '', question);
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
  ];
}

function definitionJson(measure: Measure): object {
  const { id, version, name, question, formula, grain, exclusions, source, target, kind } = measure;
  return {
    ...{ id, version, name, question, formula, grain, exclusions, source, target, kind },
    dimensions: dimensionsOf(measure),
    columns: columnsJson(measure),
  };
}

function columnsJson({ counts, shares, quantiles, sums }: Measure): object[] {
  return [
    ...counts.map(({ name, title }) => ({ name, title, unit: 'count' })),
    ...(shares ?? []).map(({ name, title }) => ({ name, title, unit: 'share' })),
    ...(quantiles ?? []).map(({ name, title, unit }) => ({ name, title, unit })),
    ...(sums ?? []).map(({ name, title, unit }) => ({ name, title, unit })),
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
    suppression: {
      below: SMALLEST,
      rows: rows.filter(({ suppressed }) => suppressed === true).length,
    },
    rows,
  };
}
