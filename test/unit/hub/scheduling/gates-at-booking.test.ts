/** Every gate of SC-12 keeps a booking from being made, with the reason in words for people. */
import t from 'tap';
import type { NewRequest } from '../../../../hub/scheduling/requests.ts';
import { examinationOf } from '../../../../hub/scheduling/rules/examinations.ts';
import { SchedulingError } from '../../../../hub/scheduling/scheduling-error.ts';
import { BOOKER, schedulingWorld } from '../../../support/scheduling-in-memory.ts';

const NOW = '2026-12-01T09:00:00.000Z';
const SOON = '2026-12-01T18:00:00.000Z';
const LATER = '2026-12-10T10:00:00.000Z';
const clear = {
  pacemaker: 'none',
  implant: 'none',
  aneurysmClip: false,
  metalInEye: false,
} as const;
const contrast = examinationOf('CCHESC') as NewRequest['examination'];
const ct = { examination: contrast };
const known = { vetted: true, contrastReaction: 'none', metformin: false } as const;

interface Case {
  readonly gate: string;
  readonly says: RegExp;
  readonly given: Partial<NewRequest>;
  readonly start?: string;
  readonly resource?: object;
  /** May be held all the same, until it is known. */
  readonly mayBeHeld?: boolean;
}

const CASES: readonly Case[] = [
  {
    ...{ gate: 'vetting', says: /Not justified and vetted yet/, mayBeHeld: true },
    given: { safety: { mri: clear } },
  },
  {
    ...{ gate: 'vetting', says: /refused the examination/ },
    given: { safety: { mri: clear, vetted: 'refused' } },
  },
  {
    ...{ gate: 'mri-safety', says: /pacemaker that is not safe/ },
    given: { safety: { vetted: true, mri: { ...clear, pacemaker: 'unsafe' } } },
  },
  {
    ...{ gate: 'mri-safety', says: /not known.*too late here for screening/, start: SOON },
    given: { safety: { vetted: true } },
  },
  {
    ...{ gate: 'kidney-function', says: /eGFR is 20: a radiologist has to decide/ },
    given: { ...ct, safety: { ...known, egfr: { value: 20, on: '2026-11-25' } } },
  },
  {
    ...{ gate: 'kidney-function', says: /needs an eGFR.*too late/, start: SOON },
    given: { ...ct, safety: { ...known, kidneyDisease: true } },
  },
  {
    ...{ gate: 'contrast-reaction', says: /Severe reaction to contrast/ },
    given: { ...ct, safety: { ...known, contrastReaction: 'severe' } },
  },
  {
    ...{ gate: 'metformin', says: /kidney function is not known/, mayBeHeld: true },
    given: { ...ct, safety: { ...known, metformin: true } },
  },
  {
    ...{ gate: 'pregnancy', says: /pregnant/ },
    given: { ...ct, safety: { ...known, pregnant: true } },
  },
  {
    ...{
      gate: 'weight',
      says: /210 kg is more than the table bears/,
      resource: { maxWeightKg: 200 },
    },
    given: { safety: { vetted: true, mri: clear, weightKg: 210 } },
  },
  {
    ...{ gate: 'allergies', says: /Allergy to iodine/ },
    given: { ...ct, safety: { ...known, allergies: ['Iodine'] } },
  },
  {
    ...{ gate: 'infection', says: /only where the site can isolate/ },
    given: { safety: { vetted: true, mri: clear, infectious: true } },
  },
  {
    ...{ gate: 'transport', says: /transport has to be ordered/i, start: SOON },
    given: { safety: { vetted: true, mri: clear, needsTransport: true } },
  },
  {
    ...{ gate: 'capacity', says: /can not consent/, mayBeHeld: true },
    given: { safety: { vetted: true, mri: clear, capacity: 'lacks' } },
  },
  {
    ...{ gate: 'consent', says: /not agreed to be offered another trust/ },
    given: { trust: 'RJE', consentsElsewhere: false },
  },
  {
    ...{ gate: 'capability', says: /no hoist here/ },
    given: { needs: ['hoist'] },
  },
];

for (const { gate, says, given, start = LATER, resource = {}, mayBeHeld = false } of CASES)
  t.test(`${gate} blocks a booking: ${says.source}`, async (t) => {
    const world = schedulingWorld(t, NOW);
    const modality = given.examination?.modality ?? 'MR';
    const capabilities = modality === 'CT' ? ['contrast'] : [];
    const [slot = ''] = await world.diary('S1', [start], { modality, capabilities, ...resource });
    // Of an age at which pregnancy is asked for.
    const { requestId } = await world.request(given, { birthDate: '1990-02-03' });
    const { bookings } = world.scheduling;
    const refused = await bookings
      .book({ slotId: slot, requestId }, BOOKER)
      .catch((error) => error);
    t.ok(refused instanceof SchedulingError);
    t.match(refused, { code: 'GATE_BLOCKED', message: says });
    const blocks = refused.members['blocks'] as { rule: string }[];
    t.ok(blocks.some(({ rule }) => rule === gate));
    t.match(world.scheduling.slot(slot), { status: 'free' }, 'and nobody has the slot');
    const held = await bookings.book({ slotId: slot, requestId, hold: true }, BOOKER).then(
      ({ state }) => state,
      () => 'refused',
    );
    t.equal(held, mayBeHeld ? 'held' : 'refused');
  });

t.test('what is held while it is not vetted is booked once it is', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('S1', [LATER]);
  const { requestId } = await world.request({ safety: { mri: clear } });
  const { bookings, requests } = world.scheduling;
  const held = await bookings.book({ slotId: slot, requestId, hold: true }, BOOKER);
  await t.rejects(bookings.confirm(held.bookingId, BOOKER), { code: 'GATE_BLOCKED' });
  await requests.change(requestId, { safety: { vetted: true } }, BOOKER);
  t.match(await bookings.confirm(held.bookingId, BOOKER), { state: 'booked' });
});

t.test('a hold that nobody confirms ends by itself, and then the slot is free', async (t) => {
  const world = schedulingWorld(t, NOW);
  const [slot = ''] = await world.diary('S1', [LATER]);
  const [one, other] = [await world.request(), await world.request()];
  const wish = { slotId: slot, requestId: one.requestId, hold: true };
  const { bookingId } = await world.scheduling.bookings.book(wish, BOOKER);
  await world.scheduling.settle();
  await t.rejects(world.book(slot, other.requestId), { code: 'SLOT_TAKEN' });
  world.clock.ms += 11 * 60_000;
  await world.scheduling.settle();
  t.match(world.scheduling.bookings.find(bookingId), { state: 'expired' });
  await world.book(slot, other.requestId);
  await t.rejects(world.scheduling.bookings.confirm(bookingId, BOOKER), { code: 'BOOKING_ENDED' });
});

t.test('an examination takes as many slots in a row as it needs, or none', async (t) => {
  const world = schedulingWorld(t, NOW);
  const starts = ['10:00', '10:30', '11:30'].map((time) => `2026-12-10T${time}:00.000Z`);
  const durations = { minutes: { MSKUH: 50 } };
  const [first = '', second = '', alone = ''] = await world.diary('S1', starts, { durations });
  const { requestId } = await world.request();
  await t.rejects(world.book(alone, requestId), { code: 'SLOT_TOO_SHORT' });
  const booking = world.scheduling.bookings.find(await world.book(first, requestId));
  t.strictSame(booking.slotIds, [first, second]);
  t.match(world.scheduling.slot(second), { status: 'booked' });
});
