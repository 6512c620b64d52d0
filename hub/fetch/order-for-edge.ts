/** Answers the `fetch` of an edge: one of its workstations asked for a study of another trust by C-MOVE or C-GET. */
import { type FetchRpcReply, FetchRpcRequestSchema } from '../../shared/contract/rpc.ts';
import type { FetchOrders } from './fetch-orders.ts';

/**
 * @param by the trust whose edge asks: it is brought there, and nowhere else; and why it may see the study
 * @throws FetchError, LogError
 */
export async function orderForEdge(
  fetches: Pick<FetchOrders, 'request'>,
  { ods, basis }: { ods: string; basis: string | undefined },
  raw: unknown,
): Promise<FetchRpcReply> {
  const { requestedBy, peer, studyInstanceUID, home, seriesInstanceUIDs } =
    FetchRpcRequestSchema.parse(raw);
  const { fetchId } = await fetches.request(
    {
      studyInstanceUID,
      to: { trust: ods, ...(peer === undefined ? {} : { peer }) },
      deliver: peer !== undefined,
      priority: 'urgent',
      purpose: 'workstation',
      ...(basis === undefined ? {} : { basis }),
      ...(home === undefined ? {} : { home }),
      ...(seriesInstanceUIDs === undefined ? {} : { seriesInstanceUIDs }),
    },
    { name: `${requestedBy} at ${ods}`, role: 'clinician', trust: ods },
  );
  return { fetchId };
}
