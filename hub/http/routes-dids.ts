/** What the own trust's DIDS file would be rejected for, day by day. BI-05. */
import * as z from 'zod';
import { type DidsDay, HEARD } from '../measures/dids/daily.ts';
import type { DidsFinding } from '../measures/dids/fields.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { Month, ownTrust } from './routes-measures.ts';
import { PageShape } from './schemas.ts';
import { DidsAnswer } from './schemas-measures.ts';

export function didsRoutes({ measures, clock }: Pick<HttpParts, 'measures' | 'clock'>): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/returns/dids',
      summary:
        "What the own trust's DIDS file of a month would be rejected for, from what was told until now",
      action: 'return',
      audit: 'look',
      query: z.strictObject({
        month: Month.optional().describe('of the tests; the month that runs if it is left out'),
        trust: z.string().optional().describe('the own one'),
        ...PageShape,
      }),
      answer: { status: 200, schema: DidsAnswer },
      problems: ['MEASURE_ROWS_FORBIDDEN', 'MEASURES_NOT_BUILT'],
      run: async ({
        query: { month = thisMonth(clock.now()), trust, limit, offset },
        principal,
        saw,
      }) => {
        const own = ownTrust(principal, trust);
        const day = await measures.dids(own, month);
        saw({ patients: [], studies: [], homes: [own] });
        return {
          ...{ trust: own, month, checked: HEARD, rules: byRule(day) },
          ...{ records: day.records, rejected: day.rejected, warned: day.warned },
          findings: namedFindings(day).slice(offset, offset + limit),
          ...{ total: day.findings.length, limit, offset },
        };
      },
    }),
  ];
}

const LOCAL_MONTH = new Intl.DateTimeFormat('en-CA', {
  ...{ timeZone: 'Europe/London', year: 'numeric', month: '2-digit' },
});
/** The month that it is by the clock on the wall. */
export const thisMonth = (now: number): string => LOCAL_MONTH.format(now).slice(0, 7);

export interface RuleCount extends Pick<DidsFinding, 'code' | 'kind' | 'field' | 'what'> {
  readonly records: number;
}

/** What rejects most first, then what is warned of. */
export function byRule({ findings }: DidsDay): RuleCount[] {
  const counts = new Map<string, RuleCount>();
  for (const { code, kind, field, what } of findings) {
    const records = (counts.get(code)?.records ?? 0) + 1;
    counts.set(code, { code, kind, field, what: counts.get(code)?.what ?? what, records });
  }
  return [...counts.values()].sort(
    (a, b) => a.kind.localeCompare(b.kind) || b.records - a.records || a.code.localeCompare(b.code),
  );
}

export const namedFindings = ({ findings, accessions }: DidsDay) =>
  findings.map(({ line, code, kind, what }) => ({
    accession: accessions[line - 1] ?? '',
    ...{ code, kind, what },
  }));
