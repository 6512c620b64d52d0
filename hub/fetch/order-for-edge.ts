/** Answers the `fetch` of an edge: one of its workstations asked for a study of another trust by C-MOVE or C-GET. */
import { type FetchRpcReply, FetchRpcRequestSchema } from '../../shared/contract/rpc.ts';
import type { FetchOrders } from './fetch-orders.ts';

/** @param ods the trust whose edge asks: it is brought there, and nowhere else @throws FetchError, LogError */
export async function orderForEdge(
  fetches: Pick<FetchOrders, 'request'>,
  ods: string,
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
      ...(home === undefined ? {} : { home }),
      ...(seriesInstanceUIDs === undefined ? {} : { seriesInstanceUIDs }),
    },
    { name: `${requestedBy} at ${ods}`, role: 'clinician', trust: ods },
  );
  return { fetchId };
}
