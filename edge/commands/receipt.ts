/** How a fetch stands, as the hub is told. shared/contract/events.ts. */
import { rfc3339 } from '../../shared/clock.ts';
import {
  type EventBody,
  FETCH_STATES,
  type FetchStateName,
  type ReceiptEvent,
} from '../../shared/contract/events.ts';
import type { CopyMapping } from './copy-mapping.ts';
import type { FetchRow } from './fetch-row.ts';

/** A message stays below a broker's limit: the count of the others stands in the reason. */
const MAX_FAILURES = 2_000;

export interface ReceiptFacts {
  readonly steps: readonly { readonly state: FetchStateName; readonly at: number }[];
  readonly failures: readonly { sopInstanceUID: string; code: string; detail: string }[];
  readonly mapping: CopyMapping | undefined;
}

export function receiptOf(
  row: FetchRow,
  { steps, failures, mapping }: ReceiptFacts,
): EventBody<ReceiptEvent> {
  return {
    kind: 'receipt',
    fetchId: row.fetchId,
    state: row.state,
    reason: row.reason,
    instances: { done: row.instancesDone, expected: row.instancesExpected },
    bytes: { done: row.bytesDone, expected: row.bytesExpected },
    etaSeconds: row.etaSeconds,
    failures: failures.slice(0, MAX_FAILURES).map((failure) => ({ ...failure })),
    localPatient:
      mapping === undefined
        ? null
        : {
            patientId: mapping.patient.patientId,
            issuer: mapping.patient.issuer,
            by: mapping.patient.by,
          },
    steps: inOrder(steps).map(({ state, at }) => ({ state, at: rfc3339(at) })),
  };
}

/** Steps of one millisecond stand as they follow each other. */
function inOrder(steps: ReceiptFacts['steps']): ReceiptFacts['steps'] {
  const place = (state: FetchStateName): number => FETCH_STATES.indexOf(state);
  return [...steps].sort((a, b) => a.at - b.at || place(a.state) - place(b.state));
}
