/** The links of a list that comes in pages. */
import type { FastifyRequest } from 'fastify';

export interface PagedList {
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  /** Number of the last entry that is shown. */
  readonly last: number;
  readonly previous?: string;
  readonly next?: string;
}

export function pagedList(
  request: FastifyRequest,
  list: { total: number; limit: number; offset: number; shown: number },
): PagedList {
  const { total, limit, offset } = list;
  const last = offset + list.shown;
  return {
    total,
    limit,
    offset,
    last,
    ...(offset > 0 ? { previous: withOffset(request, Math.max(0, offset - limit)) } : {}),
    ...(last < total ? { next: withOffset(request, last) } : {}),
  };
}

function withOffset(request: FastifyRequest, offset: number): string {
  const url = new URL(request.url, 'http://here');
  url.searchParams.set('offset', String(offset));
  return `${url.pathname.replace(/\/live$/, '')}${url.search}`;
}
