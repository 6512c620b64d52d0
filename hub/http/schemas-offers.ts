/** What the API takes and answers of offers. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { DateText } from './schemas-scheduling.ts';

const Time = z.iso.datetime();

export const BirthDateText = DateText;
export const DeclineInput = z.strictObject({ stop: z.boolean().default(false) });

export const OfferAnswer = z.looseObject({
  id: z.string(),
  requestId: z.string(),
  mode: z.enum(['sequential', 'batch', 'staff']),
  channel: z.string(),
  state: z.enum(['open', 'accepted', 'declined', 'expired', 'refused', 'superseded']),
  offeredAt: Time,
  expiresAt: Time,
  sentAt: Time.nullable().describe('null: not sent, staff pass it on'),
  slot: z.object({
    ...{ id: z.string(), slotIds: z.array(z.string()), resource: z.string(), trust: ODSCode },
    ...{ start: Time, minutes: z.int() },
  }),
});
export const OffersAnswer = z.object({
  ...{ offers: z.array(OfferAnswer), total: z.int(), limit: z.int(), offset: z.int() },
});

export const RefillAnswer = z.looseObject({
  refillId: z.string(),
  state: z.enum(['running', 'filled', 'ended']),
  reason: z.string().nullable(),
  chain: z.int().describe('Refills that led to this one'),
  offers: z.array(OfferAnswer),
  decisions: z.array(z.looseObject({ at: Time, considered: z.array(z.unknown()) })),
});
