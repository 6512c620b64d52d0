/** A fetch as people and machines see it: the hub's decision and the edge's newest receipt in one. */
import type { FetchStateName } from '../../shared/contract/events.ts';
import type { FetchView } from './order.ts';
import { type FetchRecord, isOver, stateOf } from './rows.ts';

/** States in which the source edge has still to give something. */
const NEEDS_SOURCE: ReadonlySet<FetchStateName> = new Set([
  'authorised',
  'retrieving',
  'transferring',
]);

/** How the trusts' edges are, for the words. */
export interface EdgeStates {
  isLive(ods: string): boolean;
  /** When it was last heard of, RFC 3339; null: never. */
  lastHeardAt(ods: string): string | null;
}

export function viewOf(record: FetchRecord, edges: EdgeStates): FetchView {
  const { order, receipt } = record;
  const { requestedAt } = order;
  return {
    fetchId: order.fetchId,
    studyInstanceUID: order.studyInstanceUID,
    seriesInstanceUIDs: order.seriesInstanceUIDs,
    home: order.home,
    source: order.source,
    to: order.to,
    priority: order.priority,
    purpose: order.purpose,
    reason: order.reason,
    neededBy: order.neededBy,
    localPatient: receipt?.localPatient ?? null,
    requestedBy: order.requestedBy,
    requestedAt,
    state: stateOf(record),
    stateReason: stateReasonOf(record, edges),
    updatedAt: receipt?.at ?? order.cancelled?.at ?? requestedAt,
    instances: receipt?.instances ?? { done: 0, expected: order.expected.instances },
    bytes: receipt?.bytes ?? { done: 0, expected: order.expected.bytes },
    etaSeconds: edges.isLive(order.to.trust) ? (receipt?.etaSeconds ?? null) : null,
    failures: receipt?.failures ?? [],
    steps: stepsOf(record),
  };
}

/** The hub decides and authorises in one step, for now. */
function stepsOf({ order: { requestedAt, cancelled }, receipt }: FetchRecord): FetchView['steps'] {
  const begun: FetchView['steps'] = [
    { state: 'requested', at: requestedAt },
    { state: 'authorised', at: requestedAt },
  ];
  if (receipt !== undefined) return [...begun, ...receipt.steps];
  return cancelled === null ? begun : [...begun, { state: 'cancelled', at: cancelled.at }];
}

function stateReasonOf(record: FetchRecord, edges: EdgeStates): FetchView['stateReason'] {
  const { order, receipt } = record;
  if (isOver(record)) {
    if (receipt !== undefined) return receipt.reason;
    const by = order.cancelled?.by ?? '';
    return { code: 'CANCELLED', detail: `Cancelled by ${by} before it began.` };
  }
  // What a person has to do comes before what will pass.
  const waitsForPerson =
    stateOf(record) === 'held' && order.namings === 0 && order.cancelled === null;
  if (waitsForPerson && receipt !== undefined) return receipt.reason;
  if (!edges.isLive(order.to.trust)) return silence('EDGE_SILENT', order.to.trust, edges);
  if (order.cancelled !== null)
    return { code: 'CANCELLING', detail: `Cancelled by ${order.cancelled.by}; it is being ended.` };
  if (receipt?.reason) return receipt.reason;
  const needsSource = NEEDS_SOURCE.has(stateOf(record));
  if (needsSource && !edges.isLive(order.source))
    return silence('SOURCE_SILENT', order.source, edges);
  return null;
}

function silence(code: string, trust: string, edges: EdgeStates): FetchView['stateReason'] {
  const heard = edges.lastHeardAt(trust);
  const since = heard === null ? 'was never heard of' : `is silent since ${heard}`;
  return { code, detail: `The edge of ${trust} ${since}; the fetch goes on when it is back.` };
}
