/** Fetch orders: asked for, watched, given a patient, cancelled. */

import { moveBetween, subjectsOfFetches } from '../audit/subjects.ts';
import type { FetchRequest, FetchView } from '../fetch/order.ts';
import { type ApiCall, type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import {
  FetchAnswer,
  FetchesAnswer,
  FetchesQuery,
  FetchRequestInput,
  NamePatientInput,
  NoQuery,
} from './schemas.ts';
import { basisOfFetch, listFetches, requireFetch } from './shown-fetches.ts';

type Parts = Pick<HttpParts, 'fetches' | 'projection' | 'fleet' | 'config'>;

export const fetchRoutes = (parts: Parts): ApiRoute[] => [
  ...ordersRoutes(parts),
  ...orderRoutes(parts),
];

function ordersRoutes(parts: Parts): ApiRoute[] {
  const { fetches } = parts;
  const { db } = parts.projection;
  return [
    apiRoute({
      method: 'POST',
      path: '/api/fetches',
      summary: 'Brings a study to a trust; 202 with the address of the order in Location',
      action: 'fetch',
      audit: 'fetch',
      query: NoQuery,
      body: FetchRequestInput,
      answer: { status: 202, schema: FetchAnswer },
      problems: [
        ...['VALIDATION_FAILED', 'STUDY_UNKNOWN', 'TRUST_UNKNOWN'],
        ...['RELATIONSHIP_NEEDED', 'RESTRICTED'],
      ],
      run: async ({ body, principal, discloser, reply, saw, moves }) => {
        const request = withoutUndefined(body) as FetchRequest;
        const basis = basisOfFetch(parts, { discloser, saw }, request);
        const order = await fetches.request({ ...request, ...basis }, principal);
        saw(subjectsOfFetches(db, [order]));
        moves(moveBetween(order.home, order.to.trust));
        reply.header('location', `/api/fetches/${encodeURIComponent(order.fetchId)}`);
        return order;
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/fetches',
      summary: 'Fetch orders, newest first',
      action: 'fetch',
      audit: 'look',
      query: FetchesQuery,
      answer: { status: 200, schema: FetchesAnswer },
      problems: ['VALIDATION_FAILED'],
      run: ({ query, discloser, saw }) => {
        const { limit, offset } = query;
        const filter = withoutUndefined(query) as Parameters<typeof fetches.list>[0];
        const found = listFetches(parts, discloser, filter);
        saw(subjectsOfFetches(db, found.fetches));
        return { ...found, limit, offset };
      },
    }),
  ];
}

/** Of one order, by its id. */
function orderRoutes(parts: Parts): ApiRoute[] {
  const { fetches } = parts;
  const orderOf = ({ path, ...sight }: ApiCall<unknown, unknown>): FetchView => {
    const order = requireFetch(parts, sight, path['id'] ?? '');
    if (sight.request.method !== 'GET') sight.moves(moveBetween(order.home, order.to.trust));
    return order;
  };
  return [
    apiRoute({
      method: 'GET',
      path: '/api/fetches/:id',
      summary: 'How a fetch stands',
      action: 'fetch',
      audit: 'look',
      query: NoQuery,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['FETCH_UNKNOWN'],
      run: (call) => orderOf(call),
    }),
    apiRoute({
      method: 'PATCH',
      path: '/api/fetches/:id',
      summary: 'Names the local patient of a held fetch, which then goes on',
      action: 'fetch',
      audit: 'fetch',
      query: NoQuery,
      body: NamePatientInput,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['VALIDATION_FAILED', 'FETCH_UNKNOWN'],
      run: (call) => {
        const { fetchId } = orderOf(call);
        return fetches.namePatient(
          fetchId,
          withoutUndefined(call.body.localPatient),
          call.principal,
        );
      },
    }),
    apiRoute({
      method: 'DELETE',
      path: '/api/fetches/:id',
      summary: 'Cancels a fetch; what was delivered stays',
      action: 'fetch',
      audit: 'fetch',
      query: NoQuery,
      answer: { status: 200, schema: FetchAnswer },
      problems: ['FETCH_UNKNOWN'],
      run: (call) => fetches.cancel(orderOf(call).fetchId, call.principal),
    }),
  ];
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** What was left out is left out, not undefined: the parts behind tell the two apart by type. */
export function withoutUndefined<T extends object>(given: T): Defined<T> {
  const entries = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
