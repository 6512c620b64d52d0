/** The rest of the network, as queries and retrieves of this trust's workstations see it; put together by the edge's main. */
import type {
  ContentsReply,
  ContentsRequest,
  FetchRpcReply,
  FetchRpcRequest,
  QueryReply,
  QueryRequest,
} from '../../../shared/contract/rpc.ts';
import type { StudyKey } from '../../index/edge-index.ts';

/** How a fetch to this trust stands. */
export interface FetchStand {
  readonly state: string;
  readonly isOver: boolean;
  readonly instancesDone: number;
  readonly instancesExpected: number;
  readonly reason: { readonly code: string; readonly detail: string } | null;
  /** SOP Instance UIDs that could not be brought. */
  readonly failed: readonly string[];
}

/** All reject with a GatewayError when the hub can't be asked. */
export interface Network {
  query(request: QueryRequest): Promise<QueryReply>;
  contents(request: ContentsRequest): Promise<ContentsReply>;
  orderFetch(request: FetchRpcRequest): Promise<FetchRpcReply>;
  /** What of a copy was brought here. */
  brought(copy: StudyKey): 'all' | ReadonlySet<string>;
  /** Undefined: the command has not come yet. */
  fetchStand(fetchId: string): FetchStand | undefined;
}
