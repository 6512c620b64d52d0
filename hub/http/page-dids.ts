/** `/measures/dids`: what the own trust's DIDS file would be rejected for, today. */
import * as z from 'zod';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { byRule, namedFindings, thisMonth } from './routes-dids.ts';
import { Month, ownTrust } from './routes-measures.ts';
import { validate } from './validate.ts';

const SHOWN = 200;
const Asked = z.object({
  month: z.preprocess((value) => (value === '' ? undefined : value), Month.optional()),
  code: z.string().max(10).optional(),
});

export function didsPages({ measures, clock }: Pick<HttpParts, 'measures' | 'clock'>): Page[] {
  return [
    {
      ...{ method: 'GET', path: '/measures/dids', action: 'return', audit: 'look' },
      run: async ({ request, principal, render, saw }) => {
        const own = ownTrust(principal, undefined);
        const { month = thisMonth(clock.now()), code } = validate(Asked, request.query, 'query');
        const day = await measures.dids(own, month);
        saw({ patients: [], studies: [], homes: [own] });
        const all = namedFindings(day);
        const found =
          code === undefined || code === '' ? all : all.filter((one) => one.code === code);
        return render('dids.njk', {
          title: 'DIDS, checked daily',
          section: 'measures',
          ...{ trust: own, month, code, rules: byRule(day) },
          ...{ records: day.records, rejected: day.rejected, warned: day.warned },
          findings: found.slice(0, SHOWN),
          total: found.length,
        });
      },
    },
  ];
}
