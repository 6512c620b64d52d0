/**
 * Whether a slot that was given back is for those first who can only be phoned, so that who replies fast does not get
 * more than their share of the list. SC-21. Counted by modality over the network, as the list is.
 */
import { rfc3339 } from '../../shared/clock.ts';
import { type CandidateParts, isReachedByPhoneOnly } from './refill-candidates.ts';
import { filledAgain, waitingChannels } from './refill-rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { isPhoneTurn, phoneOnlyShare } from './rules/guardrails.ts';
import type { PhoneTurn } from './types.ts';

/** What was due to them is made up for over this time. */
const COUNTED_MS = 365 * DAY_MS;

export function phoneTurnOf(parts: CandidateParts, modality: string, now: number): PhoneTurn {
  const { db } = parts;
  const waiting = waitingChannels(db, modality);
  const isOne = (channels: (typeof waiting)[number]): boolean =>
    isReachedByPhoneOnly(parts, { channels });
  const list = { waiting: waiting.length, waitingPhoneOnly: waiting.filter(isOne).length };
  const filled = filledAgain(db, { modality, since: rfc3339(now - COUNTED_MS) });
  const byPhoneOnly = filled.filter(({ channels }) => isOne(channels)).length;
  const due = filled.reduce((sum, { share }) => sum + share, 0);
  return { share: phoneOnlyShare(list), isTurn: isPhoneTurn({ byPhoneOnly, due, ...list }) };
}
