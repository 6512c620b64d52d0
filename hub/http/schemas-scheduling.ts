/** What the API takes of scheduling. Names of capabilities, gates and wishes are those of hub/scheduling/rules/facts.ts. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { BANDS, CAPABILITIES, PREPARATIONS } from '../scheduling/rules/facts.ts';
import { ukMoment } from '../scheduling/rules/uk-time.ts';
import { BOOKING_STATES } from '../scheduling/types.ts';
import { isoDate, readDate } from '../search/dates.ts';
import { INVALID_NHS_NUMBER } from '../search/query.ts';
import { PageShape } from './schemas.ts';

const Line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}]*$/u, 'no control characters');
export const ResourceId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'letters, digits and . _ : - , 64 at most');
const Minutes = z.int().min(1).max(1_440);
const Postcode = z
  .string()
  .trim()
  .toUpperCase()
  .regex(/^[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}$/, 'a UK postcode');
const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text).toISOString())
  .describe('RFC 3339');
export const DateText = z
  .string()
  .transform((text, context) => {
    const date = isoDate(readDate(text));
    if (date !== null) return date;
    context.addIssue({ code: 'custom', message: 'a date: YYYY-MM-DD or YYYYMMDD' });
    return z.NEVER;
  })
  .describe('YYYY-MM-DD or YYYYMMDD');
/** A day is its midnight by the clock of Europe/London. */
const Moment = z
  .union([Time, DateText.transform((date) => new Date(ukMoment(date, 0)).toISOString())])
  .describe('RFC 3339, or a day: its midnight in Europe/London');
const NhsNumber = z.string().transform((text, context) => {
  const digits = readNhsNumber(text);
  if (digits !== null) return digits;
  const params = { code: INVALID_NHS_NUMBER };
  const message = 'not an NHS number: ten digits of which the last is the check digit';
  context.addIssue({ code: 'custom', message, params });
  return z.NEVER;
});

const MODALITIES: Readonly<Record<string, string>> = { MRI: 'MR', XR: 'DX', 'X-RAY': 'DX' };
const Modality = z
  .string()
  .trim()
  .toUpperCase()
  .transform((text) => MODALITIES[text] ?? text)
  .pipe(z.string().regex(/^[A-Z]{2,16}$/, 'a DICOM modality, such as CT, MR, US, DX'));
const Hours = z.number().min(0).max(2_000);

export const DiaryDate = z.iso.date();

export const ResourceInput = z.strictObject({
  trust: ODSCode,
  name: Line(100),
  modality: Modality,
  capabilities: z
    .union([z.array(Line(64)).max(64), z.record(z.string(), z.unknown())])
    .default([])
    .describe(`Of ${CAPABILITIES.join(', ')}: a list, or an object with true for what it has`),
  tesla: z.number().positive().max(20).optional(),
  maxWeightKg: z.number().positive().max(1_000).optional(),
  leadHours: z
    .partialRecord(z.enum(PREPARATIONS), Hours)
    .optional()
    .describe('Hours before a slot that a preparation needs here'),
  egfrDays: z.int().min(1).max(730).optional().describe('How old an eGFR may be for contrast'),
  durations: z
    .strictObject({
      minutes: z
        .record(z.string().toUpperCase(), Minutes)
        .optional()
        .describe('By examination code'),
      changeoverMinutes: z.int().min(0).max(240).optional(),
    })
    .optional(),
  postcode: Postcode.optional().describe('Absent: that of its trust'),
  risName: Line(64).optional().describe('How the RIS names it: AIG-3 or AIL-3'),
  closures: z
    .array(z.strictObject({ from: Time, to: Time, reason: Line(200) }))
    .max(500)
    .default([]),
  offeredOutShare: z.number().min(0).max(1).default(0.2),
});

export const DiaryInput = z.strictObject({
  authority: z
    .enum(['cdip', 'ris'])
    .optional()
    .describe('ris: what is held has to be confirmed by the RIS of the trust'),
  slots: z
    .array(
      z
        .strictObject({ id: Line(100), start: Time, minutes: Minutes })
        .describe('id names one slot of the network'),
    )
    .max(1_000),
});

const Answer3 = z.enum(['none', 'conditional', 'unsafe']);
const SafetyInput = z.strictObject({
  mri: z
    .strictObject({
      ...{ pacemaker: Answer3.optional(), implant: Answer3.optional() },
      maxTesla: z.number().positive().max(20).optional(),
      ...{ aneurysmClip: z.boolean().optional(), metalInEye: z.boolean().optional() },
      firstTrimester: z.boolean().optional(),
    })
    .optional(),
  egfr: z
    .strictObject({ value: z.number().min(0).max(300), on: DateText })
    .optional()
    .describe('mL/min/1.73 m², and the day it was taken'),
  ...{ kidneyDisease: z.boolean().optional(), metformin: z.boolean().optional() },
  contrastReaction: z.enum(['none', 'mild', 'severe']).optional(),
  pregnant: z.boolean().optional(),
  weightKg: z.number().positive().max(700).optional(),
  allergies: z.array(Line(100)).max(50).optional(),
  ...{ infectious: z.boolean().optional(), needsTransport: z.boolean().optional() },
  capacity: z.enum(['has', 'best-interest-decided', 'lacks']).optional(),
});

const WishesInput = z.strictObject({
  transport: z.enum(['car', 'public']).optional(),
  maxTravelMinutes: z.int().min(1).max(1_000).optional(),
  days: z.array(z.int().min(1).max(7)).max(7).optional().describe('1 Monday to 7 Sunday'),
  hours: z
    .tuple([z.number().min(0).max(24), z.number().min(0).max(24)])
    .optional()
    .describe('Hours of the day in the UK, from and to'),
  noticeHours: Hours.optional(),
  excludedTrusts: z.array(ODSCode).max(50).optional(),
  ...{ notBefore: DateText.optional(), notAfter: DateText.optional() },
});

const Channel = z.enum(['app', 'sms', 'email', 'letter', 'automated-call', 'phone']);

const PatientInput = z.strictObject({
  patientId: Line(64),
  issuer: Line(64).optional().describe('Absent: the trust'),
  nhsNumber: NhsNumber.optional(),
  patientName: Line(324).optional().describe('As DICOM PN'),
  birthDate: DateText,
  sex: z.enum(['M', 'F', 'O']).optional(),
  postcode: Postcode.optional(),
  decile: z.int().min(1).max(10).optional().describe('Of deprivation; 1 the most deprived'),
  email: z.email().max(254).optional(),
  phone: z
    .string()
    .regex(/^\+?[\d ()-]{6,20}$/, 'a telephone number')
    .optional(),
  verifiedOn: DateText.optional().describe('When phone and e-mail were last found right'),
  restricted: z.boolean().default(false).describe('S-flag'),
  deceased: z.boolean().default(false),
});

const requestShape = {
  band: z.enum(BANDS),
  vetted: z
    .union([z.boolean(), z.literal('refused')])
    .optional()
    .describe('Justified under IR(ME)R'),
  safety: SafetyInput.optional(),
  needs: z.array(z.enum(CAPABILITIES)).max(20).optional(),
  interpreter: z.boolean().optional(),
  language: Line(64).optional(),
  wishes: WishesInput.optional(),
  channels: z
    .array(Channel)
    .max(6)
    .optional()
    .describe('How the patient can be reached, best first'),
  consentsElsewhere: z
    .boolean()
    .optional()
    .describe('Agreed to be offered other trusts, and to the referral going there'),
  shortNotice: z.boolean().optional().describe('Asked for offers at short notice'),
  optedOut: z.boolean().optional().describe('Wants no offers'),
};

export const RequestInput = z.strictObject({
  ...requestShape,
  trust: ODSCode,
  patient: PatientInput,
  examCode: Line(64).describe('NICIP, or SNOMED CT with a modality'),
  examText: Line(200).optional(),
  modality: Modality.optional().describe('Where the code does not tell it'),
  contrast: z.boolean().optional(),
  minutes: Minutes.optional().describe('How long it takes wherever it is done'),
  ...{ since: Time.optional(), breachAt: Time.optional(), dueAt: Time.optional() },
  orderId: Line(64).optional().describe('Of the order of the trust that it comes from'),
  accessionNumber: Line(64).optional(),
  referrer: Line(200).optional(),
});

export const RequestChange = z
  .strictObject({ ...requestShape, band: requestShape.band.optional() })
  .describe('What is given is changed; of `safety` only what is given');

export const SlotsQuery = z
  .strictObject({
    examCode: Line(64).optional(),
    requestId: Line(64).optional(),
    from: Moment.optional(),
    to: Moment.optional(),
    postcode: Postcode.optional(),
    transport: z.enum(['car', 'public']).optional(),
    maxMinutes: z.coerce.number().pipe(z.int().min(1).max(1_000)).optional(),
    modality: Modality.optional().describe('Where the code does not tell it'),
    trust: ODSCode.optional(),
    resource: ResourceId.optional(),
    ...PageShape,
  })
  .refine(({ examCode, requestId }) => (examCode === undefined) !== (requestId === undefined), {
    message: 'either examCode or requestId',
  });

export const BookingInput = z.strictObject({
  slotId: Line(100),
  requestId: Line(64),
  hold: z
    .boolean()
    .optional()
    .describe('True: only held, for ten minutes; POST …/confirm books it'),
});
export const ReasonInput = z.strictObject({ reason: Line(500).optional() });

export const TransferInput = z.strictObject({
  accept: z.boolean(),
  reason: Line(500).optional(),
});

export const BookingsQuery = z.strictObject({
  requestId: Line(64).optional(),
  trust: ODSCode.optional().describe('Where it is'),
  resource: ResourceId.optional(),
  state: z.enum(BOOKING_STATES).optional(),
  ...{ from: Moment.optional(), to: Moment.optional() },
  ...PageShape,
});
export const RequestsQuery = z.strictObject({
  trust: ODSCode.optional(),
  state: z.enum(['waiting', 'held', 'booked', 'cancelled']).optional(),
  modality: Modality.optional(),
  ...PageShape,
});
export const ResourcesQuery = z.strictObject({
  trust: ODSCode.optional(),
  modality: Modality.optional(),
});
export const SessionMovesQuery = z.strictObject({ modality: Modality });
