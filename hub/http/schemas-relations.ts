/** What the routes of emergency accesses, restrictions and lists of meetings take and answer. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { CONFIDENTIALITIES } from '../access/decide.ts';
import { GLASS_REASONS, REVIEW_OUTCOMES } from '../relations/glass.ts';
import { RESTRICTION_KINDS } from '../relations/restrictions.ts';
import { checkCombination, hasKey, NEEDS_KEY, studyQueryShape } from '../search/query.ts';
import { PageShape } from './schemas.ts';

const keysOf = <T extends object>(of: T) =>
  Object.keys(of) as [keyof T & string, ...(keyof T & string)[]];
const Words = (least: number) => z.string().trim().min(least).max(1_000);
const Time = z.iso.datetime();
const Text = z.string().nullable();

const { nhsNumber, patientId, issuer, patientName, birthDate, accessionNumber, studyInstanceUID } =
  studyQueryShape;
/** Whom is meant, as a search says it; in a body, never in an address. */
export const whomShape = {
  ...{ nhsNumber, patientId, issuer, patientName, birthDate, accessionNumber, studyInstanceUID },
};
type Whom = { readonly [K in keyof typeof whomShape]?: unknown };

function checkWhom(
  whom: Whom,
  context: { addIssue(issue: { code: 'custom'; path: string[]; message: string }): void },
): void {
  checkCombination(whom, (path, message) =>
    context.addIssue({ code: 'custom', path: [path], message }),
  );
  if (!hasKey(whom)) context.addIssue({ code: 'custom', path: [], message: NEEDS_KEY });
}

export const GlassBody = z
  .strictObject({
    ...whomShape,
    reason: z.enum(keysOf(GLASS_REASONS)),
    words: Words(10).describe('Why it has to be seen, for who reviews it'),
  })
  .superRefine(checkWhom);

export const GlassOpenedAnswer = z.object({
  id: z.string(),
  reason: z.string(),
  openedAt: Time,
  until: Time,
});

const Review = z.object({
  trust: ODSCode,
  by: z.string(),
  at: Time,
  outcome: z.enum(keysOf(REVIEW_OUTCOMES)),
  words: z.string(),
});
export const GlassAnswer = GlassOpenedAnswer.extend({
  by: z.object({ name: z.string(), role: z.string(), trust: ODSCode }),
  words: z.string(),
  isSensitive: z.boolean().describe('The patient had the S-flag'),
  patients: z.array(z.string()).describe("Of the reviewer's trust: NHS number, or number^^^issuer"),
  owedBy: z.array(ODSCode).describe('Trusts that have still to review it'),
  dueAt: Time.describe('Five working days after it was opened'),
  overdue: z.boolean(),
  reviews: z.array(Review),
});
export const GlassListQuery = z.strictObject({
  state: z.enum(['open', 'all']).default('open').describe('open: a review is owed'),
  ...PageShape,
});
export const PageOnly = z.strictObject(PageShape);
const paged = { total: z.int(), limit: z.int(), offset: z.int() };
export const GlassListAnswer = z.object({ accesses: z.array(GlassAnswer), ...paged });
export const ReviewBody = z.strictObject({
  outcome: z.enum(keysOf(REVIEW_OUTCOMES)),
  words: Words(3),
  trust: ODSCode.optional().describe('Whose review it is; only for accounts without a trust'),
});

export const RestrictionBody = z
  .strictObject({
    trust: ODSCode.describe('Whose record it is'),
    patient: z
      .strictObject({
        patientId: z.string().trim().min(1).max(64),
        issuer: z.string().trim().min(1).max(64).optional().describe('Absent: the trust'),
      })
      .optional(),
    studyInstanceUID: studyInstanceUID,
    level: z
      .enum(CONFIDENTIALITIES)
      .describe('R: other trusts by emergency only; V: never, at home by emergency; N: none'),
    kind: z.enum(keysOf(RESTRICTION_KINDS)),
    reason: Words(3),
  })
  .refine(
    (body) => (body.patient === undefined) !== (body.studyInstanceUID === undefined),
    'patient or studyInstanceUID: one of the two',
  );
export const RestrictionAnswer = z.object({
  id: z.string(),
  trust: ODSCode,
  patient: z.object({ patientId: z.string(), issuer: z.string() }).nullable(),
  studyInstanceUID: Text,
  level: z.enum(CONFIDENTIALITIES),
  kind: z.string(),
  reason: z.string(),
  by: z.string(),
  at: Time,
});
export const RestrictionsAnswer = z.object({ restrictions: z.array(RestrictionAnswer), ...paged });

export const MeetingBody = z.strictObject({
  trust: ODSCode.describe('Who holds the meeting'),
  name: z.string().trim().min(3).max(100),
  meetsOn: z.iso.date(),
  trusts: z.array(ODSCode).max(50).default([]).describe('Others that meet'),
});
export const ListedPatientBody = z
  .strictObject({
    ...{ nhsNumber, patientId, issuer },
    question: z.string().trim().min(3).max(500),
  })
  .superRefine(checkWhom);
export const MeetingAnswer = z.object({
  listId: z.string(),
  trust: ODSCode,
  name: z.string(),
  meetsOn: z.iso.date(),
  trusts: z.array(ODSCode),
  patients: z.array(
    z.object({
      nhsNumber: Text,
      name: Text,
      birthDate: Text,
      question: z.string(),
      by: z.string(),
      at: Time,
    }),
  ),
});
export const MeetingsAnswer = z.object({ lists: z.array(MeetingAnswer), ...paged });
