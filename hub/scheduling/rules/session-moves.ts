/**
 * Where sessions are missing: waits that patients can't even out by travelling are evened out by capacity. SC-22.
 *
 *   how each trust stands ─► longest wait far beyond the middle ─► a session a week of who has time to spare
 *
 * An advice to people, with its numbers; nothing is moved by software. It knows nothing of earlier advice: what was
 * moved shows in slots and waits, and flows back as soon as these say so.
 */
import { LEAST_COMPARED } from './guardrails.ts';

/** A trust's list and diaries of one modality. */
export interface Standing {
  readonly trust: string;
  readonly waiting: number;
  /** Of those who wait. */
  readonly medianWaitDays: number;
  readonly slotsAWeek: number;
  readonly referralsAWeek: number;
}

export interface SessionMove {
  readonly from: string;
  readonly to: string;
  readonly sessionsAWeek: number;
  readonly slotsAWeek: number;
  readonly reason: string;
}

/** Half a day of a scanner and its staff. */
export const SESSION_SLOTS = 4;
/** What chance makes from month to month is less. */
const LEAST_EXCESS_DAYS = 14;
/** In so many weeks the longer wait is to be gone. */
const CLEARED_WEEKS = 13;
/** At a time: whoever gives sees first what it does. */
const MOST_SESSIONS = 2;

/** Who would move what, the longest wait first; a trust gives, or is given, once at a time. */
export function sessionMoves(standings: readonly Standing[]): SessionMove[] {
  const compared = standings
    .filter(({ waiting }) => waiting >= LEAST_COMPARED)
    .toSorted((a, b) => b.medianWaitDays - a.medianWaitDays);
  const byWait = standings.map(({ medianWaitDays }) => medianWaitDays).toSorted((a, b) => a - b);
  const middle = byWait[(byWait.length - 1) >> 1] ?? 0;
  const givers = standings
    .filter((one) => one.medianWaitDays <= middle && spareSessions(one) > 0)
    .toSorted((a, b) => spareSessions(b) - spareSessions(a) || (a.trust < b.trust ? -1 : 1));
  const moves: SessionMove[] = [];
  for (const receiver of compared) {
    const wanted = sessionsMissing(receiver, middle);
    const giver = wanted === 0 ? undefined : givers.shift();
    if (giver !== undefined) moves.push(moveOf(giver, receiver, { wanted, middle }));
  }
  return moves;
}

/** Beside its own slots: whoever has enough of them waits for something else, such as to be vetted. */
function sessionsMissing(
  { medianWaitDays, referralsAWeek, slotsAWeek }: Standing,
  middle: number,
): number {
  const excess = medianWaitDays - middle;
  if (excess < LEAST_EXCESS_DAYS) return 0;
  const behind = (excess / 7) * (referralsAWeek / CLEARED_WEEKS);
  const sessions = Math.ceil((referralsAWeek + behind - slotsAWeek) / SESSION_SLOTS);
  return Math.max(0, Math.min(MOST_SESSIONS, sessions));
}

/** A trust keeps what its own referrals need. */
const spareSessions = ({ slotsAWeek, referralsAWeek }: Standing): number =>
  Math.max(0, Math.floor((slotsAWeek - referralsAWeek) / SESSION_SLOTS));

function moveOf(
  giver: Standing,
  receiver: Standing,
  { wanted, middle }: { wanted: number; middle: number },
): SessionMove {
  const sessionsAWeek = Math.min(wanted, spareSessions(giver));
  const day = (days: number): string => `${Math.round(days)} days`;
  const a = (count: number): string => `${Math.round(count)}`;
  return {
    ...{ from: giver.trust, to: receiver.trust, sessionsAWeek },
    slotsAWeek: sessionsAWeek * SESSION_SLOTS,
    reason:
      `At ${receiver.trust} half of ${receiver.waiting} wait ${day(receiver.medianWaitDays)} or longer, at most trusts ` +
      `${day(middle)}; ${a(receiver.referralsAWeek)} are referred there a week, for ${a(receiver.slotsAWeek)} slots. ` +
      `${giver.trust} has ${a(giver.slotsAWeek)} slots for ${a(giver.referralsAWeek)}, and a wait of ${day(giver.medianWaitDays)}.`,
  };
}
