/** Ends a fetch: its last receipt, then what it had staged goes. What is filed or delivered stays. */
import { StagingFolder } from '../transfer/staging.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';

export interface FetchEnd {
  readonly state: 'available' | 'partial' | 'failed' | 'cancelled' | 'expired';
  readonly reason: FetchReason | null;
  readonly done?: { readonly instances: number; readonly bytes: number };
}

export function endFetch(
  {
    store,
    spool,
    deliverer,
    deliveries,
  }: Pick<FetchParts, 'store' | 'spool' | 'deliverer' | 'deliveries'>,
  { fetchId }: FetchRow,
  { state, reason, done }: FetchEnd,
): void {
  store.end(fetchId, state, { reason, ...(done === undefined ? {} : { done }) });
  if (deliveries.find(fetchId)?.endedAt === null) deliverer.cancel(fetchId);
  // A folder that a crash leaves here goes at the next start.
  new StagingFolder(spool, fetchId).remove();
}
