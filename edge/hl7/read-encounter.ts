/**
 * PV1: the admission, attendance or visit that an ADT message is of. HL7 2.5 §3.4.3.
 *
 *   A01, A04, A13, … ─► open      A05, A14 ─► planned      A03 ─► ended      A11, A38, … ─► cancelled
 *
 * It makes the trust concerned with the patient; where in the house the patient lies is not kept.
 */
import type { EncounterStatus } from '../../shared/contract/events.ts';
import type { EncounterFacts } from '../index/records/types.ts';
import type { Message } from './message.ts';
import { firstFilled } from './read-order.ts';
import { type Reading, timeOf } from './reading.ts';

/** HL7 table 0003. */
const BY_EVENT: Readonly<Record<string, EncounterStatus>> = {
  ...{ A01: 'open', A02: 'open', A04: 'open', A06: 'open', A07: 'open', A12: 'open', A13: 'open' },
  ...{ A05: 'planned', A14: 'planned', A03: 'ended' },
  ...{ A11: 'cancelled', A27: 'cancelled', A38: 'cancelled' },
};

/** @returns undefined when the message is of none, or none that has a number */
export function readEncounter(
  { event, segments }: Message,
  { zone }: Reading,
): EncounterFacts | undefined {
  const status = BY_EVENT[event];
  const [pv1, pid] = ['PV1', 'PID'].map((name) => segments.find((one) => one.name === name));
  const encounterId = firstFilled(pv1?.text(19), pv1?.text(50), pid?.text(18));
  if (status === undefined || pv1 === undefined || encounterId === undefined) return undefined;
  return {
    encounterId: encounterId.slice(0, 64),
    status,
    patientClass: firstFilled(pv1.text(2)),
    beganAt: timeOf(pv1, 44, zone),
    endedAt: timeOf(pv1, 45, zone),
  };
}
