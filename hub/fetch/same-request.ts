/** Whether two orders of one study to one trust ask for the same. */
import type { FetchOrder } from './decisions.ts';
import { type FetchRecord, stateOf } from './rows.ts';

/** One that waits for a patient is the same for any patient: it is being given one. */
export function isSameRequest(open: FetchRecord, order: FetchOrder): boolean {
  const other = open.order;
  return (
    other.cancelled === null &&
    other.to.peer === order.to.peer &&
    other.deliver === order.deliver &&
    sameSeries(other.seriesInstanceUIDs, order.seriesInstanceUIDs) &&
    (stateOf(open) === 'held' || samePatient(other.localPatient, order.localPatient))
  );
}

function samePatient(a: FetchOrder['localPatient'], b: FetchOrder['localPatient']): boolean {
  const keys = ['patientId', 'issuer', 'patientName', 'birthDate', 'sex'] as const;
  return keys.every((key) => a?.[key] === b?.[key]);
}

function sameSeries(a: readonly string[] | null, b: readonly string[] | null): boolean {
  return JSON.stringify(a && [...a].sort()) === JSON.stringify(b && [...b].sort());
}
