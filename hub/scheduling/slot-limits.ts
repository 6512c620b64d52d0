/** What a slot that was given back is too short for, and for whom its trust keeps it. SC-15, SC-21. */
import { rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { askedBy } from './bookings.ts';
import { minutesAt } from './demand.ts';
import { ownP2Waiting, trustCount, waitsByTrust } from './refill-rows.ts';
import { DAY_MS, type Removal } from './rules/facts.ts';
import { guardrailsAgainst, medianWaits } from './rules/guardrails.ts';
import type { ImagingRequest, Resource } from './types.ts';

/** Slots are counted for so long before and after this one. */
const WINDOW_MS = 14 * DAY_MS;

export function tooLong(
  request: ImagingRequest,
  resource: Resource,
  { start, minutes }: { start: string; minutes: number },
): Removal[] {
  const needed = minutesAt(askedBy(request), resource, start);
  if (needed === null || needed <= minutes) return [];
  return [{ rule: 'duration', reason: `Needs ${needed} minutes, the slot has ${minutes}` }];
}

/**
 * Why a patient of another trust may not have it, by the trust that would send.
 *
 * @param kept slots that are free for this, and for nothing else
 */
export function guardrailsAt(
  db: Sqlite,
  { trust, modality, offeredOutShare }: Resource,
  { start, kept, now }: { start: string; kept: number; now: number },
): (sender: string) => readonly Removal[] {
  const at = Date.parse(start);
  const window = { from: rfc3339(at - WINDOW_MS), to: rfc3339(at + WINDOW_MS) };
  const counted = trustCount(db, { trust, modality, ...window });
  const count = {
    ...counted,
    free: counted.free + kept,
    ownP2Waiting: ownP2Waiting(db, trust, modality),
  };
  const waits = waitsByTrust(db, modality, rfc3339(now));
  const known = new Map<string, readonly Removal[]>([[trust, []]]);
  return (sender) => {
    const against =
      known.get(sender) ??
      guardrailsAgainst(
        trust,
        { ...count, ...medianWaits(waits.get(trust), waits.get(sender)) },
        { offeredOutShare, agreed: offeredOutShare >= 1 },
      );
    known.set(sender, against);
    return against;
  };
}
