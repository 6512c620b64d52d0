/**
 * What a fetch order shall be, from what the rows and the edges say now. Writes nothing.
 *
 *   request ─► allowed? ─► which study, whose ─► from where ─► FetchOrder
 */
import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { destinationRefusal, type Principal } from '../access/rules.ts';
import type { TrustConfig } from '../config.ts';
import { findHolders } from '../search/study.ts';
import type { FetchOrder } from './decisions.ts';
import { FetchError } from './fetch-error.ts';
import type { FetchRequest } from './order.ts';
import { expectedOf, homeOf, sourceOf } from './source.ts';

/** Where edges are, and whether they answer. */
export interface EdgeDirectory {
  isLive(ods: string): boolean;
  urlOf(ods: string): string | null;
  lastHeardAt(ods: string): string | null;
}

export interface DecidedBy {
  readonly db: Sqlite;
  readonly trusts: readonly TrustConfig[];
  readonly edges: EdgeDirectory;
  readonly clock: Clock;
}

/** @throws FetchError `DESTINATION_FORBIDDEN` */
export function requireAllowed(to: string, by: Principal): void {
  const refusal = destinationRefusal(by, to);
  if (refusal !== null) throw new FetchError('DESTINATION_FORBIDDEN', refusal);
}

/** @throws FetchError for what can not, or may not, be brought there */
export function decideOrder(request: FetchRequest, by: Principal, parts: DecidedBy): FetchOrder {
  const { db, trusts, edges, clock } = parts;
  const { studyInstanceUID, seriesInstanceUIDs, to } = request;
  if (!trusts.some(({ ods }) => ods === to.trust))
    throw new FetchError('TRUST_UNKNOWN', `${to.trust} is no trust of this network.`);
  requireAllowed(to.trust, by);
  const holders = findHolders(db, studyInstanceUID);
  const home = homeOf(holders, request.home);
  if (to.trust === home)
    throw new FetchError('DESTINATION_IS_HOME', `${home} is the home of the study: it is there.`);
  const source = sourceOf(holders, { home, to: to.trust }, (ods) => edges.isLive(ods));
  for (const ods of [source, to.trust])
    if (edges.urlOf(ods) === null)
      throw new FetchError('EDGE_NOT_ENROLLED', `${ods} has no edge in the network yet.`);
  const study = { trust: source, studyInstanceUID, home };
  return {
    fetchId: randomUUID(),
    studyInstanceUID,
    seriesInstanceUIDs: seriesInstanceUIDs === undefined ? null : [...seriesInstanceUIDs],
    home,
    source,
    to: { trust: to.trust, peer: to.peer ?? null },
    deliver: request.deliver ?? true,
    priority: request.priority,
    purpose: request.purpose,
    reason: request.reason ?? null,
    neededBy: request.neededBy ?? null,
    localPatient: request.localPatient ?? null,
    requestedBy: by.name,
    requestedAt: rfc3339(clock.now()),
    basis: request.basis ?? null,
    expected: expectedOf(db, study, seriesInstanceUIDs),
    namings: 0,
    cancelled: null,
  };
}

/** The trust to ask when the order's source is silent; undefined: nobody better is known. */
export function otherSource(
  { studyInstanceUID, home, source, to }: FetchOrder,
  { db, edges }: Pick<DecidedBy, 'db' | 'edges'>,
): string | undefined {
  if (edges.isLive(source)) return undefined;
  const isLive = (ods: string): boolean => edges.isLive(ods) && edges.urlOf(ods) !== null;
  const holders = findHolders(db, studyInstanceUID);
  const ods = holders.length === 0 ? source : sourceOf(holders, { home, to: to.trust }, isLive);
  return ods !== source && isLive(ods) ? ods : undefined;
}
