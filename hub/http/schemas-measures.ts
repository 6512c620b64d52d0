/** What the routes of the measures answer. */
import * as z from 'zod';

const Column = z.object({ name: z.string(), title: z.string(), unit: z.string() });

const Target = z
  .object({
    share: z.string(),
    atLeast: z.number().optional(),
    atMost: z.number().optional(),
    source: z.string(),
  })
  .nullable();

export const MeasuresAnswer = z.object({
  measures: z.array(
    z.object({
      id: z.string(),
      version: z.int(),
      name: z.string(),
      question: z.string(),
      formula: z.string(),
      grain: z.string(),
      exclusions: z.array(z.string()),
      source: z.string(),
      target: Target,
      kind: z.enum(['events', 'snapshot']),
      dimensions: z.array(z.string()),
      columns: z.array(Column),
      earlier: z
        .array(
          z.object({
            version: z.int(),
            formula: z.string(),
            exclusions: z.array(z.string()),
            target: Target,
            changed: z.string().describe('what the next version counts otherwise'),
          }),
        )
        .describe('versions that can still be asked for: `version=1`'),
    }),
  ),
});

export const MeasureFiguresAnswer = z.object({
  id: z.string(),
  version: z.int(),
  name: z.string(),
  asOf: z.iso.datetime().describe('what was told until then is counted'),
  from: z.string().nullable().describe('the first month that is counted'),
  to: z.string().nullable(),
  by: z.array(z.string()),
  where: z.record(z.string(), z.string()),
  coverage: z.object({
    reporting: z.int().describe('trusts that have told anything'),
    of: z.int(),
    trusts: z.array(
      z.object({
        trust: z.string(),
        name: z.string(),
        lastToldAt: z.iso.datetime().nullable(),
        exams: z.int(),
        shareMapped: z.number().nullable(),
        shareWithReport: z.number().nullable(),
        quality: z
          .object({
            share: z.number().nullable().describe('of records free of faults, in these months'),
            isPublished: z.boolean().describe('false: its figures are not held against others'),
          })
          .optional(),
      }),
    ),
  }),
  columns: z.array(Column),
  levels: z
    .array(
      z.object({
        trust: z.string().nullable().describe('whose own level it is; null: of the network'),
        examination: z.string(),
        quantity: z.string(),
        level: z.number(),
        unit: z.string(),
        source: z.string(),
        version: z.string(),
      }),
    )
    .optional()
    .describe('reference levels of dose that are in force, of measures that compare with them'),
  medians: z
    .enum(['exact', 'sampled'])
    .describe('sampled: from one row in sixteen or in 256, where the question is about very many'),
  suppression: z.object({
    below: z
      .int()
      .describe('counts from 1 to this, exclusive, are withheld, and what would show them'),
    rows: z.int().describe('rows that are withheld for that'),
    unpublished: z.int().describe('rows that are withheld for the quality of their records'),
  }),
  rows: z.array(
    z.looseObject({
      suppressed: z.boolean(),
      withheld: z
        .enum(['small-numbers', 'data-quality'])
        .optional()
        .describe('why; data-quality: too few of its records are free of faults (BI-29)'),
      atLeast: z.record(z.string(), z.int()).optional(),
    }),
  ),
});

export const MeasureRowsAnswer = z.object({
  trust: z.string(),
  rows: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  limit: z.int(),
  offset: z.int(),
});

export const SqlAsked = z.strictObject({
  sql: z.string().min(1).max(20_000).describe('one SELECT, in the SQL of DuckDB'),
  purpose: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe('an approved purpose: rows of people under its keys; without one, figures'),
});

export const SqlTableAnswer = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
  isCut: z.boolean().describe('there are more rows than are told at once'),
});

export const DidsAnswer = z.object({
  trust: z.string(),
  month: z.string(),
  records: z.int(),
  rejected: z.int().describe('records that would be rejected'),
  warned: z.int(),
  checked: z
    .array(z.string())
    .describe('fields that the hub hears of; of the birth date the month'),
  rules: z.array(
    z.object({
      code: z.string(),
      kind: z.enum(['reject', 'warning']),
      field: z.string().nullable(),
      what: z.string(),
      records: z.int(),
    }),
  ),
  findings: z.array(
    z.object({
      accession: z.string(),
      code: z.string(),
      kind: z.enum(['reject', 'warning']),
      what: z.string(),
    }),
  ),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
});

const Rounded = z.number().nullable().describe("null: less than five, and not the own trust's");

export const ForecastAnswer = z.object({
  of: z.string().describe('the own trust, whole; or `network`, rounded down to fives'),
  asOf: z.iso.datetime(),
  tests: z.array(
    z.object({
      test: z.string(),
      waiting: Rounded,
      sixWeeks: Rounded,
      addedAWeek: Rounded.describe('mean of the last eight weeks'),
      leftAWeek: Rounded.describe('made or cancelled, mean of the last eight weeks'),
      firstBreach: z.iso.date().nullable(),
      weeks: z.array(
        z.object({
          ends: z.iso.date(),
          expected: Rounded,
          low: Rounded,
          high: Rounded,
          dueBySixWeeks: Rounded,
          breaches: Rounded,
        }),
      ),
    }),
  ),
});
