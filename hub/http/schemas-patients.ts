/** What the API answers of patients, reports, orders and bookings. */
import * as z from 'zod';
import {
  AppointmentEventSchema,
  OrderEventSchema,
  REPORT_STATUSES,
} from '../../shared/contract/events.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';

const Text = z.string().nullable();
const Time = z.iso.datetime();

export const IdentityAnswer = z.object({
  id: z.string().describe('Names it in a decision'),
  trust: ODSCode,
  patientId: z.string(),
  issuer: z.string(),
  nhsNumber: Text,
  nhsStatus: Text.describe('NHS Number Status Indicator Code'),
  name: Text,
  birthDate: Text,
  sex: Text,
  deceased: z.boolean(),
  restricted: z.boolean(),
  mergedInto: z.object({ patientId: z.string(), issuer: z.string() }).nullable(),
  isTold: z.boolean().describe('False: only studies name it'),
  by: z
    .enum(['self', 'merge', 'A', 'B', 'person'])
    .optional()
    .describe('Why it belongs to the person: a merge of its trust, a rule, a decision of somebody'),
});

export const PersonAnswer = z.object({ identities: z.array(IdentityAnswer) });

const VersionAnswer = z.object({
  version: z.int(),
  status: z.enum(REPORT_STATUSES),
  issuedAt: Time,
  title: Text,
  author: Text,
  text: Text.describe('null: the report was withdrawn'),
  isCut: z.boolean().describe('The edge holds more of the text'),
  document: z.object({ mediaType: z.string(), bytes: z.int() }).nullable(),
});

export const ReportAnswer = VersionAnswer.extend({
  trust: ODSCode,
  reportId: z.string(),
  patientId: z.string(),
  issuer: z.string(),
  accessionNumbers: z.array(z.string()),
  studyInstanceUIDs: z.array(z.string()),
  earlier: z.array(VersionAnswer).describe('Versions that are not in force'),
});

export const PersonPlace = { person: z.int().nullable().describe('Place in `persons`') };
const envelope = { v: true, epoch: true, seq: true, kind: true, at: true } as const;
export const TimelineParts = {
  persons: z
    .array(PersonAnswer)
    .describe('More than one: these may be different people, until somebody decides'),
  reports: z.array(ReportAnswer.extend(PersonPlace)),
  orders: z.array(OrderEventSchema.omit(envelope).extend(PersonPlace)),
  appointments: z.array(AppointmentEventSchema.omit(envelope).extend(PersonPlace)),
};
export const ReviewsAnswer = z.object({
  reviews: z.array(
    z.object({ a: IdentityAnswer, b: IdentityAnswer, reasons: z.array(z.string()), foundAt: Time }),
  ),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
});

export const DecisionBody = z.strictObject({
  a: z.string().min(1).max(400),
  b: z.string().min(1).max(400),
  decision: z.enum(['same', 'different', 'undone']),
  reason: z.string().trim().min(3).max(500),
});
export const DecisionAnswer = DecisionBody.omit({ reason: true });
