/** What the API answers of scheduling. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { BANDS, CAPABILITIES } from '../scheduling/rules/facts.ts';
import { BOOKING_STATES } from '../scheduling/types.ts';
import { AnsweredSchema } from './schemas.ts';

const Text = z.string().nullable();
const Time = z.iso.datetime();
const PageAnswer = { total: z.int(), limit: z.int(), offset: z.int() };

export const ResourceAnswer = z.looseObject({
  id: z.string(),
  trust: ODSCode,
  name: z.string(),
  modality: z.string(),
  capabilities: z.array(z.enum(CAPABILITIES)),
  notUnderstood: z.array(z.string()).describe('Capabilities that no rule knows'),
  closures: z.array(z.object({ from: Time, to: Time, reason: z.string() })),
  offeredOutShare: z.number(),
});
export const ResourcesAnswer = z.object({ resources: z.array(ResourceAnswer), total: z.int() });

export const SessionMovesAnswer = z.object({
  modality: z.string(),
  at: Time,
  standings: z.array(
    z.object({
      trust: ODSCode,
      waiting: z.int(),
      medianWaitDays: z.number().describe('Of those who wait without a booking'),
      slotsAWeek: z.number().describe('Planned, of the coming four weeks'),
      referralsAWeek: z.number().describe('Of the last four weeks'),
    }),
  ),
  moves: z.array(
    z.object({
      from: ODSCode,
      to: ODSCode,
      sessionsAWeek: z.int(),
      slotsAWeek: z.int(),
      reason: z.string(),
    }),
  ),
});

export const BookingAnswer = z.looseObject({
  id: z.string(),
  bookingId: z.string(),
  requestId: Text.describe('null: the RIS booked it by itself'),
  trust: ODSCode,
  resource: z.string(),
  date: z.iso.date(),
  slotId: Text.describe('The first of slotIds; null: the RIS has it where no slot is'),
  slotIds: z.array(z.string()),
  start: Time,
  minutes: z.int(),
  state: z.enum(BOOKING_STATES).describe('held: waits to be confirmed, until heldUntil'),
  reason: Text.describe('Why it is in this state'),
  heldUntil: Time.nullable(),
  replaces: Text.describe('The booking that was freed, or will be once this one is booked'),
  notice: z
    .object({
      state: z
        .enum(['due', 'sending', 'sent', 'staff', 'none'])
        .describe(
          'staff: no message reaches the patient, who has to be phoned; none: nobody is to be told any more',
        ),
      at: Time,
      channel: Text,
    })
    .optional()
    .describe(
      'It was answered as held, and the RIS did not book it; or the RIS took or moved it: whether the patient is told',
    ),
});
export const BookingsAnswer = z.object({ bookings: z.array(BookingAnswer), ...PageAnswer });

export const DiaryAnswer = z.object({
  resource: z.string(),
  date: z.iso.date(),
  trust: ODSCode,
  authority: z.enum(['cdip', 'ris']),
  slots: z.array(
    z.object({
      id: z.string(),
      resource: z.string(),
      date: z.iso.date(),
      start: Time,
      minutes: z.int(),
      status: z.enum(['free', 'held', 'offered', 'booked']),
      owner: Text.describe('The booking or the refill that has it'),
      until: Time.nullable(),
    }),
  ),
  bookings: z.array(BookingAnswer),
});

export const RequestAnswer = z.looseObject({
  id: z.string(),
  trust: ODSCode,
  band: z.enum(BANDS),
  state: z.enum(['waiting', 'held', 'booked', 'cancelled']),
  since: Time,
  breachAt: Time,
  notBooked: BookingAnswer.nullable().describe(
    'The newest booking, when it was answered as held and the RIS did not book it, or when the RIS took it',
  ),
  movedByRis: BookingAnswer.nullable().describe(
    'The booking as it was, when the RIS changed it to the one that the request has now',
  ),
});
export const RequestsAnswer = z.object({ requests: z.array(RequestAnswer), ...PageAnswer });

const Reason = z.object({ rule: z.string(), reason: z.string() });
export const SlotsAnswer = z.object({
  slots: z.array(
    z.object({
      id: z.string().describe('To be booked'),
      slotIds: z.array(z.string()),
      resource: z.string(),
      resourceName: z.string(),
      trust: ODSCode,
      trustName: z.string(),
      date: z.iso.date(),
      start: Time,
      minutes: z.int(),
      isOwnTrust: z.boolean(),
      travel: z
        .object({
          by: z.enum(['car', 'public']),
          minutes: z.number().nullable(),
          basis: z.string().describe('timetable, straight-line, walk, unknown'),
          leaveAt: Time.nullable(),
          words: z.string(),
        })
        .nullable(),
      open: z
        .array(z.looseObject({ gate: z.string(), outcome: z.string(), reason: z.string() }))
        .describe('What has to be asked or done before it can be confirmed, or on the day'),
    }),
  ),
  hasMore: z.boolean(),
  ownTrust: z
    .object({ trust: ODSCode, isShown: z.boolean(), reason: Text })
    .nullable()
    .describe("The patient's own trust: whether it is among the slots, and if not why"),
  notOffered: z.array(
    z.object({
      resource: z.string(),
      resourceName: z.string(),
      trust: ODSCode,
      slots: z.int().describe('0: all of them'),
      reasons: z.array(Reason),
    }),
  ),
  ...{ limit: z.int(), offset: z.int(), answered: AnsweredSchema },
});
