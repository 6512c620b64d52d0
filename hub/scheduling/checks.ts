/**
 * What keeps a request from slots at booking: everything but wishes, since whoever chooses a slot knows
 * better than what was written down of wishes before. SC-10 to SC-13, SC-34.
 */
import type { Asked } from './demand.ts';
import { minutesAt, openingOf } from './demand.ts';
import { missingCapabilities } from './rules/capability.ts';
import { hoursTo, type Removal } from './rules/facts.ts';
import { tooLateFor } from './rules/preparation.ts';
import { type Gate, gatesBlocking, safetyGates } from './rules/safety-gates.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { Resource, Slot } from './types.ts';

export interface Checked {
  /** Empty: it may be. */
  readonly blocks: readonly Removal[];
  /** Every gate with its outcome, also those that hold nothing up. */
  readonly gates: readonly Gate[];
}

/** @param state `offer`: it may be held; `confirm`: it may be booked */
export function checkedAt(
  { demand, minutesTold }: Asked,
  {
    resource,
    slot,
    minutes,
  }: { resource: Resource; slot: Pick<Slot, 'id' | 'start'>; minutes: number },
  { state, now }: { state: 'offer' | 'confirm'; now: number },
): Checked {
  const opening = openingOf(resource, slot, minutes);
  const gates = safetyGates(demand, opening, now);
  const late = tooLateFor(demand, opening, now);
  const closure = resource.closures.find(({ from, to }) => slot.start >= from && slot.start < to);
  const needed = minutesAt({ demand, minutesTold }, resource, slot.start);
  const checks: [boolean, string, string][] = [
    [hoursTo(slot.start, now) <= 0, 'past', 'The slot has begun'],
    [closure !== undefined, 'closed', `Closed: ${closure?.reason ?? ''}`],
    [
      resource.trust !== demand.trust && demand.consentsElsewhere !== true,
      'consent',
      'The patient has not agreed to be offered another trust',
    ],
    [
      needed !== null && needed > minutes,
      'duration',
      `Needs ${needed} minutes here, there are ${minutes}`,
    ],
    [late !== null, 'preparation', late ?? ''],
  ];
  const blocks = [
    ...missingCapabilities(demand, opening.place).map((reason) => ({ rule: 'capability', reason })),
    ...checks.filter(([isSo]) => isSo).map(([, rule, reason]) => ({ rule, reason })),
    ...gatesBlocking(gates, state).map(({ gate, reason }) => ({ rule: gate, reason })),
  ];
  return { blocks, gates };
}

/** @throws SchedulingError `SLOT_PAST`, `SLOT_TOO_SHORT`, `GATE_BLOCKED` with the reasons in words */
export function requireUnblocked({ blocks, gates }: Checked): void {
  const [first] = blocks;
  if (first === undefined) return;
  const code =
    first.rule === 'past'
      ? 'SLOT_PAST'
      : first.rule === 'duration'
        ? 'SLOT_TOO_SHORT'
        : 'GATE_BLOCKED';
  const reason = blocks.map(({ reason }) => reason).join('; ');
  throw new SchedulingError(code, `${reason}.`, { blocks, gates });
}
