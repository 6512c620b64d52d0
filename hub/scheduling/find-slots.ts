/**
 * Which free slots of which sites somebody can really use, and why the others are not offered. SC-10 to
 * SC-14, SC-34. The own trust is always part of the answer.
 *
 *   resources of the modality ─► rules that hold for any time ─► free slots in a row ─► rules ─► travel
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type Asked, minutesAt, minutesOf, openingOf, slotsInARow } from './demand.ts';
import { freeSlots, listResources } from './rows.ts';
import { missingCapabilities } from './rules/capability.ts';
import { removalsOf } from './rules/eligibility.ts';
import type { Removal } from './rules/facts.ts';
import { type Gate, safetyGates } from './rules/safety-gates.ts';
import type { Resource, Slot } from './types.ts';

export interface TravelTime {
  readonly by: 'car' | 'public';
  /** Null: nobody can say, or there is no way in time. */
  readonly minutes: number | null;
  readonly basis: string;
  readonly leaveAt: string | null;
  readonly words: string;
}

export interface SlotQuestion {
  readonly asked: Asked;
  readonly from: string;
  readonly to: string;
  /** Of one trust or resource only. */
  readonly trust?: string;
  readonly resource?: string;
  readonly now: number;
  /** Null: where the patient comes from is not told, or must not be used. */
  readonly travelTo: ((resource: Resource, start: string) => TravelTime) | null;
  readonly limit: number;
  readonly offset: number;
}

export interface FoundSlot {
  /** To be booked; with those that follow when the examination takes several. */
  readonly id: string;
  readonly slotIds: readonly string[];
  readonly resource: string;
  readonly resourceName: string;
  readonly trust: string;
  readonly date: string;
  readonly start: string;
  readonly minutes: number;
  readonly isOwnTrust: boolean;
  readonly travel: TravelTime | null;
  /** What has to be asked or done before it can be confirmed, or on the day. */
  readonly open: readonly Gate[];
}

export interface FoundSlots {
  readonly slots: readonly FoundSlot[];
  readonly hasMore: boolean;
  /** Resources, or some of their slots, that are not offered, and why. */
  readonly notOffered: readonly {
    readonly resource: string;
    readonly resourceName: string;
    readonly trust: string;
    /** 0: none was looked at, since the reason holds for all of them. */
    readonly slots: number;
    readonly reasons: readonly Removal[];
  }[];
}

/** No more of one resource are looked at: who reads the answer reads the first pages of it. */
const MAX_LOOKED_AT = 2_000;

export function findSlots(db: Sqlite, question: SlotQuestion): FoundSlots {
  const { asked, limit, offset, trust = null } = question;
  const { modality } = asked.demand.examination;
  const resources = listResources(db, { modality, trust }).filter(
    ({ id }) => question.resource === undefined || question.resource === id,
  );
  const most = offset + limit + 1;
  const looked = resources.map((resource) => lookAt(db, resource, { question, most }));
  const found = looked.flatMap(({ slots }) => slots);
  found.sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : a.id < b.id ? -1 : 1));
  return {
    slots: found.slice(offset, offset + limit),
    hasMore: found.length > offset + limit,
    notOffered: looked.flatMap(({ resource, refused, reasons }) =>
      reasons.size === 0
        ? []
        : [
            {
              ...{ resource: resource.id, resourceName: resource.name, trust: resource.trust },
              ...{ slots: refused, reasons: [...reasons.values()] },
            },
          ],
    ),
  };
}

interface Looked {
  readonly resource: Resource;
  readonly slots: FoundSlot[];
  refused: number;
  readonly reasons: Map<string, Removal>;
}

function lookAt(
  db: Sqlite,
  resource: Resource,
  { question, most }: { question: SlotQuestion; most: number },
): Looked {
  const looked: Looked = { resource, slots: [], refused: 0, reasons: new Map() };
  const always = refusedAlways(resource, question);
  for (const one of always) looked.reasons.set(one.reason, one);
  if (always.length > 0) return looked;
  const from = new Date(Math.max(Date.parse(question.from), question.now)).toISOString();
  const range = { resource: resource.id, from, to: question.to };
  let count = 0;
  for (const slots of eachRow(freeSlots(db, range))) {
    for (const first of slots) {
      count += 1;
      if (count > MAX_LOOKED_AT || looked.slots.length >= most) return looked;
      weigh(looked, { slots, first }, question);
    }
  }
  return looked;
}

/** Reasons that hold whatever the time is. */
function refusedAlways(resource: Resource, { asked, now, from }: SlotQuestion): Removal[] {
  const { demand } = asked;
  const opening = openingOf(resource, { id: '', start: from }, 0);
  const missing = missingCapabilities(demand, opening.place);
  if (missing.length > 0) return missing.map((reason) => ({ rule: 'capability', reason }));
  const circumstances = { now, travelMinutes: 0 };
  return removalsOf(demand, { ...opening, start: FAR_AHEAD, minutes: 1_440 }, circumstances).filter(
    ({ rule }) => ALWAYS.has(rule),
  );
}

const FAR_AHEAD = '9000-01-01T12:00:00.000Z';
const ALWAYS: ReadonlySet<string> = new Set(['band', 'consent', 'excluded-trust']);

/** Slots that follow each other without a gap, so that several make room for one examination. */
function* eachRow(slots: Iterable<Slot>): Generator<Slot[]> {
  let row: Slot[] = [];
  let end = Number.NaN;
  for (const slot of slots) {
    const start = Date.parse(slot.start);
    if (row.length > 0 && (start !== end || row[0]?.date !== slot.date)) {
      yield row;
      row = [];
    }
    row.push(slot);
    end = start + slot.minutes * 60_000;
  }
  if (row.length > 0) yield row;
}

function weigh(
  looked: Looked,
  { slots, first }: { slots: readonly Slot[]; first: Slot },
  question: SlotQuestion,
): void {
  const { resource } = looked;
  const { asked, now, travelTo } = question;
  const needed = minutesAt(asked, resource, first.start);
  const row = slotsInARow(slots, first, needed ?? first.minutes);
  const minutes = minutesOf(row);
  const travel = travelTo === null ? null : travelTo(resource, first.start);
  // As long as the diary cut it, where nobody says how long the examination takes.
  const opening = openingOf(resource, first, needed === null ? 1_440 : minutes);
  const removals = [
    ...closedAt(resource, first.start),
    ...removalsOf(asked.demand, opening, {
      ...{ now, travelMinutes: travel === null ? 0 : travel.minutes },
      durations: { changeoverMinutes: 0, ...resource.durations },
    }),
  ];
  if (removals.length > 0) {
    looked.refused += 1;
    for (const one of removals) looked.reasons.set(one.rule, one);
    return;
  }
  looked.slots.push({
    ...{ id: first.id, slotIds: row.map(({ id }) => id), resource: resource.id },
    ...{ resourceName: resource.name, trust: resource.trust, date: first.date },
    ...{ start: first.start, minutes, isOwnTrust: resource.trust === asked.demand.trust, travel },
    open: safetyGates(asked.demand, opening, now).filter(({ outcome }) => outcome !== 'pass'),
  });
}

function closedAt({ closures }: Resource, start: string): Removal[] {
  return closures
    .filter(({ from, to }) => start >= from && start < to)
    .map(({ reason }) => ({ rule: 'closed', reason: `Closed: ${reason}` }));
}
