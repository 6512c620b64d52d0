/** What keeps a shared pool from being unfair to a trust or to those who can't reply fast. SC-21. */
import type { Removal } from './facts.ts';

export interface Guardrails {
  /** Share of a trust's slots that patients of other trusts may take, 0 to 1. */
  readonly offeredOutShare: number;
  /** The trust agreed to more. */
  readonly agreed: boolean;
}

export const DEFAULT_GUARDRAILS: Guardrails = { offeredOutShare: 0.2, agreed: false };

/** How a trust's slots of the same group stand over the window that is counted. */
export interface TrustCount {
  readonly slots: number;
  /** Taken by, or held for, patients of other trusts. */
  readonly offeredOut: number;
  readonly free: number;
  /** The trust's own urgent suspected cancer patients who wait for one. */
  readonly ownP2Waiting: number;
  /** Of those who wait for this kind: at this trust, and at the one that would send. Absent: not compared. */
  readonly medianWaitDays?: { readonly here: number; readonly sender: number };
}

/** A journey has to gain more than a weekend. */
const LEAST_GAIN_DAYS = 3;

/** A median of fewer says nothing of a trust. */
export const LEAST_COMPARED = 20;

/**
 * How long people wait at a trust and at the one that would send: compared where enough wait.
 *
 * @param here days of waiting so far, the shortest first
 * @param sender likewise
 */
export function medianWaits(
  here: readonly number[] = [],
  sender: readonly number[] = [],
): Pick<TrustCount, 'medianWaitDays'> {
  if (here.length < LEAST_COMPARED) return {};
  return { medianWaitDays: { here: middleOf(here), sender: middleOf(sender) } };
}

export const middleOf = (days: readonly number[]): number => days[days.length >> 1] ?? 0;

/** Why a patient of another trust may not be offered one of these; empty: may. */
export function guardrailsAgainst(
  trust: string,
  count: TrustCount,
  { offeredOutShare, agreed }: Guardrails = DEFAULT_GUARDRAILS,
): Removal[] {
  const isOver = !agreed && count.offeredOut + 1 > count.slots * offeredOutShare;
  const isReserved = count.free <= count.ownP2Waiting;
  const { here, sender } = count.medianWaitDays ?? { here: 0, sender: LEAST_GAIN_DAYS };
  return [
    ...(isOver
      ? [
          {
            rule: 'offered-out',
            reason: `${trust} offers out ${Math.round(offeredOutShare * 100)} % of its slots at most`,
          },
        ]
      : []),
    ...(isReserved
      ? [{ rule: 'own-p2', reason: `Kept for urgent suspected cancer patients of ${trust}` }]
      : []),
    ...(sender - here < LEAST_GAIN_DAYS
      ? [{ rule: 'no-gain', reason: `At ${trust} people wait as long as at the own trust` }]
      : []),
  ];
}

export interface RefillCount {
  /** Slots that were filled again by patients who are reached by phone only. */
  readonly byPhoneOnly: number;
  /** What was due to them: for each slot that was filled again their share of the list as it stood then. */
  readonly due: number;
  /** Of the list that the next is filled from. */
  readonly waiting: number;
  readonly waitingPhoneOnly: number;
}

/** Of the list; what each slot that is filled again adds to `due`. */
export const phoneOnlyShare = ({
  waiting,
  waitingPhoneOnly,
}: Pick<RefillCount, 'waiting' | 'waitingPhoneOnly'>): number =>
  waiting === 0 ? 0 : waitingPhoneOnly / waiting;

/** Not every turn finds somebody: who aims at the share alone stays a little below it. */
const AIM = 1.05;

/**
 * True: the next released slot is for staff to fill by phone first, or else those who reply fast would
 * get more than their share of the list.
 */
export function isPhoneTurn(count: RefillCount): boolean {
  const aimedAt = (count.due + phoneOnlyShare(count)) * AIM;
  return count.waitingPhoneOnly > 0 && count.byPhoneOnly < aimedAt;
}
