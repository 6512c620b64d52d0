/** Fetch orders: asked for, watched, given a patient, cancelled. */

import type { FetchRequest, FetchView } from '../fetch/order.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import {
  FetchAnswer,
  FetchesAnswer,
  FetchesQuery,
  FetchRequestInput,
  NamePatientInput,
  NoQuery,
} from './schemas.ts';

export function fetchRoutes({ fetches }: Pick<HttpParts, 'fetches'>): ApiRoute[] {
  return [
    apiRoute({
      method: 'POST',
      path: '/api/fetches',
      summary: 'Brings a study to a trust; 202 with the address of the order in Location',
      action: 'fetch',
      query: NoQuery,
      body: FetchRequestInput,
      answer: { status: 202, schema: FetchAnswer },
      problems: ['VALIDATION_FAILED', 'STUDY_UNKNOWN', 'TRUST_UNKNOWN'],
      run: async ({ body, principal, reply }) => {
        const order = await fetches.request(withoutUndefined(body) as FetchRequest, principal);
        reply.header('location', `/api/fetches/${encodeURIComponent(order.fetchId)}`);
        return order;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/fetches',
      summary: 'Fetch orders, newest first',
      action: 'fetch',
      query: FetchesQuery,
      answer: { status: 200, schema: FetchesAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query }) => {
        const { limit, offset } = query;
        const filter = withoutUndefined(query) as Parameters<typeof fetches.list>[0];
        return { ...fetches.list(filter), limit, offset };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/fetches/:id',
      summary: 'How a fetch stands',
      action: 'fetch',
      query: NoQuery,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['FETCH_UNKNOWN'],
      run: ({ path }) => foundFetch(fetches.find(path['id'] ?? '')),
    }),
    apiRoute({
      method: 'PATCH',
      path: '/api/fetches/:id',
      summary: 'Names the local patient of a held fetch, which then goes on',
      action: 'fetch',
      query: NoQuery,
      body: NamePatientInput,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['VALIDATION_FAILED', 'FETCH_UNKNOWN'],
      run: ({ path, body, principal }) => {
        const { fetchId } = foundFetch(fetches.find(path['id'] ?? ''));
        return fetches.namePatient(fetchId, withoutUndefined(body.localPatient), principal);
      },
    }),
    apiRoute({
      method: 'DELETE',
      path: '/api/fetches/:id',
      summary: 'Cancels a fetch; what was delivered stays',
      action: 'fetch',
      query: NoQuery,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['FETCH_UNKNOWN'],
      run: ({ path, principal }) => {
        const { fetchId } = foundFetch(fetches.find(path['id'] ?? ''));
        return fetches.cancel(fetchId, principal);
      },
    }),
  ];
}

/** @throws HttpProblem `FETCH_UNKNOWN` */
export function foundFetch(found: FetchView | null): FetchView {
  if (found === null) throw new HttpProblem('FETCH_UNKNOWN', 'There is no such fetch order.');
  return found;
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** What was left out is left out, not undefined: the parts behind tell the two apart by type. */
export function withoutUndefined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
