/** What each question of an edge has to look like; those that are not named here ask nothing but their own name. */
import type * as z from 'zod';
import {
  AnchorsRequestSchema,
  ContentsRequestSchema,
  FetchRpcRequestSchema,
  KeysRequestSchema,
  QueryRequestSchema,
  TicketRequestSchema,
} from './rpc.ts';
import type { RpcName } from './subjects.ts';
import { UnaidedReportSchema } from './unaided.ts';

const REQUESTS: Readonly<Partial<Record<RpcName, z.ZodType>>> = {
  anchors: AnchorsRequestSchema,
  contents: ContentsRequestSchema,
  fetch: FetchRpcRequestSchema,
  keys: KeysRequestSchema,
  query: QueryRequestSchema,
  ticket: TicketRequestSchema,
  unaided: UnaidedReportSchema,
};

/** Null: it can be answered. Else which fields can't be understood, never a value of them. */
export function faultOfRequest(name: RpcName, request: unknown): string | null {
  const fault = REQUESTS[name]?.safeParse(request).error;
  if (fault === undefined) return null;
  const fields = fault.issues.map(({ path: [field = 'the question'] }) => String(field));
  return `not understood: ${[...new Set(fields)].slice(0, 5).join(', ').slice(0, 200)}`;
}
