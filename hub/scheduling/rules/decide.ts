/**
 * Who is offered a slot, with all that the decision stood on: each candidate, the rules that removed it
 * or its score. It is stored with the offer, so that a patient can ask why and an auditor can do it again.
 * SC-20, SC-21, SC-23.
 */
import { type Circumstances, removalsOf } from './eligibility.ts';
import type { Demand, Opening, Removal } from './facts.ts';
import { compareScores, type Score, scoreOf } from './order.ts';

/** Of the rules; a stored decision says by which it was made. */
export const RULES_VERSION = 1;

export interface Candidate {
  readonly demand: Demand;
  /** By the way the patient travels to the opening; null: nobody can say. */
  readonly travelMinutes: number | null;
  /** What was found beside the rules here: guardrails, offers, identity. */
  readonly removedBy?: readonly Removal[];
}

export interface Considered {
  readonly requestId: string;
  readonly score: Score;
  /** Empty: stood for selection. */
  readonly removedBy: readonly Removal[];
}

export interface Decision {
  readonly v: typeof RULES_VERSION;
  readonly slotId: string;
  /** RFC 3339. */
  readonly at: string;
  readonly seed: string;
  /** Those who stood, first in order; then those who were removed. */
  readonly considered: readonly Considered[];
}

export function decideOrder(
  opening: Opening,
  candidates: readonly Candidate[],
  { seed, now, durations }: Pick<Circumstances, 'now' | 'durations'> & { seed: string },
): Decision {
  const considered = candidates.map(({ demand, travelMinutes, removedBy = [] }): Considered => {
    const circumstances = { now, travelMinutes, ...(durations === undefined ? {} : { durations }) };
    return {
      requestId: demand.id,
      score: scoreOf(demand, { now, travelMinutes, seed }),
      removedBy: [...removalsOf(demand, opening, circumstances), ...removedBy],
    };
  });
  return {
    v: RULES_VERSION,
    slotId: opening.id,
    at: new Date(now).toISOString(),
    seed,
    considered: inOrder(considered),
  };
}

function inOrder(considered: readonly Considered[]): Considered[] {
  const stands = ({ removedBy }: Considered): number => (removedBy.length === 0 ? 0 : 1);
  return considered.toSorted((a, b) => stands(a) - stands(b) || compareScores(a.score, b.score));
}

/** The requests to offer to next: never of two bands at once, since the faster reply would then pass by the higher. */
export function nextToOffer(
  { considered }: Pick<Decision, 'considered'>,
  { atOnce, alreadyOffered }: { atOnce: number; alreadyOffered: ReadonlySet<string> },
): string[] {
  const standing = considered.filter(
    ({ removedBy, requestId }) => removedBy.length === 0 && !alreadyOffered.has(requestId),
  );
  const band = standing[0]?.score.band;
  return standing
    .filter(({ score }) => score.band === band)
    .slice(0, atOnce)
    .map(({ requestId }) => requestId);
}

/** True: the stored order is the one that its stored scores give. */
export function isAsItWasDecided(decision: Decision): boolean {
  const again = inOrder(decision.considered).map(({ requestId }) => requestId);
  return again.every((id, at) => decision.considered[at]?.requestId === id);
}

/** Why a request was offered the slot, or was not, in words for the patient. */
export function explain(decision: Decision, requestId: string): string {
  const standing = decision.considered.filter(({ removedBy }) => removedBy.length === 0);
  const found = decision.considered.find((one) => one.requestId === requestId);
  if (found === undefined) return 'This request was not waiting when the slot was offered.';
  if (found.removedBy.length > 0)
    return `Not offered: ${found.removedBy.map(({ reason }) => reason).join('; ')}.`;
  const place = standing.indexOf(found) + 1;
  const { band, daysToBreach, waitDays } = found.score;
  return (
    `Number ${place} of ${standing.length} who could take it: priority ${band}, ` +
    `${daysToBreach} days to the latest date, ${waitDays} days of waiting so far.`
  );
}
