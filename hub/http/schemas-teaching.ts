/** What the routes of teaching files take and answer. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { TEACHING_STATES, TeachingNoteSchema } from '../../shared/contract/teaching.ts';
import { PageShape } from './schemas.ts';

const Term = z.string().trim().min(1).max(200).optional();
const Text = z.string().nullable();

export const TeachingBody = z.strictObject({
  studyInstanceUID: z.string().min(1).max(128),
  home: ODSCode.optional().describe('Where several trusts claim the UID'),
  ...TeachingNoteSchema.shape,
});

export const TeachingQuery = z.strictObject({
  q: Term.describe('Words, each of which stands in the note'),
  modality: Term,
  bodyPart: Term,
  keyword: Term,
  state: z
    .enum(['published', 'pending'])
    .default('published')
    .describe(
      "pending: the asker's own that are not shown to all; of everybody for the role privacy",
    ),
  ...PageShape,
});

export const WithdrawTeachingBody = z.strictObject({
  reason: z.string().trim().min(1).max(1_000).default('withdrawn'),
});

const Reason = z.object({ code: z.string(), detail: z.string() });
export const TeachingAnswer = z.object({
  id: z.string(),
  title: z.string(),
  question: z.string(),
  keywords: z.array(z.string()),
  category: Text,
  author: z.object({ name: z.string(), trust: ODSCode.nullable() }),
  markedAt: z.iso.datetime(),
  state: z.enum(TEACHING_STATES),
  reason: Reason.nullable().describe('Why it is held, refused or withdrawn'),
  withheld: z
    .array(Reason.extend({ objects: z.int() }))
    .describe('Objects of the study that are left out'),
  studyInstanceUID: Text.describe('In /teaching/dicom-web, a pseudonym; null: it is not there'),
  modalities: z.array(z.string()),
  bodyParts: z.array(z.string()),
  numberOfInstances: z.int(),
});
export const TeachingListAnswer = z.object({
  cases: z.array(TeachingAnswer),
  total: z.int(),
  limit: z.int(),
  offset: z.int(),
});
export const TeachingNoteAnswer = z.object({ id: z.string(), answer: z.string() });
