/** The waiting list of the coming weeks. */
import * as z from 'zod';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { ForecastAnswer } from './schemas-measures.ts';

export const ForecastQuery = z.object({
  of: z
    .enum(['own', 'network'])
    .optional()
    .describe('whose list; the own one if the asker is of a trust'),
});

/** Null: the network's. */
export const listOwner = (of: 'own' | 'network' | undefined, own: string | null): string | null =>
  of === 'network' ? null : own;

export function forecastRoutes({ measures }: Pick<HttpParts, 'measures'>): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/forecast',
      summary:
        'The waiting list of each test now and in the coming weeks, and when six weeks are passed',
      action: 'measure',
      audit: null,
      query: ForecastQuery.strict(),
      answer: { status: 200, schema: ForecastAnswer },
      problems: ['MEASURES_NOT_BUILT'],
      run: async ({ query: { of }, principal }) => {
        const trust = listOwner(of, principal.trust);
        return { of: trust ?? 'network', ...(await measures.forecast(trust)) };
      },
    }),
  ];
}
