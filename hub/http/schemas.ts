/** What the API takes and answers, beside the questions of hub/search/query.ts. Described by /api/openapi.json. */
import * as z from 'zod';
import { PRIORITIES } from '../../shared/contract/commands.ts';
import { CrawlProgressSchema, FETCH_STATES } from '../../shared/contract/events.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { readDate } from '../search/dates.ts';
import { checkCombination, studyQueryShape } from '../search/query.ts';
import { WithheldAnswer } from './disclosed.ts';
import { PersonPlace, ReportAnswer, TimelineParts } from './schemas-patients.ts';

const Limit = z.coerce.number().pipe(z.int().min(1).max(500)).default(50);
const Offset = z.coerce.number().pipe(z.int().min(0).max(10_000_000)).default(0);
export const PageShape = { limit: Limit, offset: Offset };

export const StudiesQuery = z
  .strictObject({ ...studyQueryShape, ...PageShape })
  .superRefine((query, context) => {
    checkCombination(query, (path, message) =>
      context.addIssue({ code: 'custom', path: path === '' ? [] : [path], message }),
    );
  });

export const NoQuery = z.strictObject({});

const UID = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[0-9A-Za-z.]+$/, 'a UID');
const Line = (longest: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}]*$/u, 'no control characters');

/** Nothing that DICOM gives a meaning: a backslash would make two values of one. PS3.5 §6.2. */
const Identifier = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}\\]*$/u, 'no backslash and no control characters');

const BirthDate = z
  .string()
  .transform((text, context) => {
    const date = readDate(text);
    if (date !== null) return date;
    context.addIssue({ code: 'custom', message: 'a date: YYYY-MM-DD or YYYYMMDD' });
    return z.NEVER;
  })
  .describe('YYYY-MM-DD or YYYYMMDD');

export const LocalPatientInput = z
  .strictObject({
    patientId: Identifier,
    issuer: Identifier.optional(),
    patientName: z
      .string()
      .trim()
      .min(1)
      .max(324)
      .regex(/^[^\p{Cc}\\]*$/u, 'no backslash and no control characters')
      .optional(),
    birthDate: BirthDate.optional(),
    sex: z.enum(['M', 'F', 'O']).optional(),
  })
  .describe('The patient at the receiving trust whom the copy is filed under');

export const FetchRequestInput = z.strictObject({
  studyInstanceUID: UID,
  seriesInstanceUIDs: z.array(UID).min(1).max(2_000).optional().describe('Absent: the whole study'),
  home: ODSCode.optional().describe('Only needed when several trusts claim the UID as their own'),
  to: z.strictObject({
    trust: ODSCode,
    peer: Line(64)
      .optional()
      .describe('Name of the DICOM peer there; absent: the PACS it imports to'),
  }),
  localPatient: LocalPatientInput.optional(),
  priority: z.enum(PRIORITIES),
  purpose: Line(200).describe('Such as "direct care", "MDT", "second opinion"'),
  reason: Line(1_000).optional(),
  neededBy: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text).toISOString())
    .optional(),
});

export const NamePatientInput = z.strictObject({ localPatient: LocalPatientInput });

export const FetchesQuery = z.strictObject({
  state: z.enum(FETCH_STATES).optional(),
  trust: ODSCode.optional().describe('The receiving or the source trust'),
  studyInstanceUID: UID.optional(),
  ...PageShape,
});

const Text = z.string().nullable();
const Count = z.int().nonnegative();
const Time = z.iso.datetime();

export const AnsweredSchema = z
  .array(
    z.object({
      trust: ODSCode,
      ok: z.boolean(),
      asOf: Time.nullable(),
      reason: z.string().optional(),
    }),
  )
  .describe('Each trust of the network: whether the answer speaks for it now, and as of when');

const PatientAnswer = z.object({
  patientId: z.string(),
  issuer: z.string(),
  nhsNumber: Text,
  name: Text.describe('As DICOM PN'),
  birthDate: Text,
  sex: Text,
});

export const StudyAnswer = z.object({
  studyInstanceUID: z.string(),
  home: ODSCode.describe('The trust that acquired it'),
  trustName: z.string(),
  patient: PatientAnswer,
  studyDate: Text.describe('YYYY-MM-DD; null when the object has no valid one'),
  studyTime: Text.describe('HH:MM:SS'),
  studyId: Text,
  modalities: z.array(z.string()),
  description: Text,
  accessionNumber: Text,
  accessionIssuer: Text,
  referringPhysician: Text,
  institution: Text,
  availability: z
    .enum(['ONLINE', 'NEARLINE'])
    .describe(
      "NEARLINE: not, or not wholly, at its trust's edge; a fetch retrieves it from the PACS",
    ),
  numberOfSeries: Count.nullable().describe('null: its PACS does not say'),
  numberOfInstances: Count.nullable().describe('null: its PACS does not say'),
  bytes: Count,
  setHash: z.string().describe('Order-free digest of the objects: equal hashes, equal studies'),
  quiet: z.boolean().describe('False while objects still come in'),
  complete: z.boolean().nullable().describe('All of it has come; null: its trust does not say'),
  completeBy: z
    .enum(['mpps', 'pacs-count', 'time'])
    .nullable()
    .describe('Performed steps, the count of the PACS, or only because nothing came for long'),
  conflicts: Count.describe('Objects that came again with other content'),
  rejected: z
    .array(z.object({ code: z.string(), instances: Count, at: Time }))
    .describe("Objects that the home took back (IHE IOCM), by the note's title; in no count"),
  copies: z.array(
    z.object({
      trust: ODSCode,
      instances: Count,
      complete: z.boolean().nullable(),
      patientId: z.string(),
      issuer: z.string(),
      asOf: Time,
    }),
  ),
  warnings: z.array(z.object({ code: z.string(), detail: z.string() })),
  asOf: Time,
});

const SeriesAnswer = z.object({
  seriesInstanceUID: z.string(),
  modality: Text,
  seriesNumber: z.int().nullable(),
  description: Text,
  bodyPart: Text,
  numberOfInstances: Count,
  bytes: Count,
  setHash: z.string(),
});

export const StudyDetailAnswer = StudyAnswer.extend({
  series: z.array(SeriesAnswer),
  reports: z
    .array(ReportAnswer)
    .describe('Of all trusts, each as the version in force; newest first'),
});
export const StudyFoundAnswer = StudyDetailAnswer.extend({
  alsoClaimedBy: z
    .array(StudyDetailAnswer)
    .describe('Other trusts that hold the same UID as a study of their own'),
  answered: AnsweredSchema,
});

const paged = { total: Count, limit: Count, offset: Count };
export const StudiesAnswer = z.object({
  studies: z.array(StudyAnswer),
  ...paged,
  withheld: WithheldAnswer,
  answered: AnsweredSchema,
});

export const PatientTimelineAnswer = z.object({
  nhsNumber: z.string(),
  ...TimelineParts,
  studies: z.array(StudyAnswer.extend(PersonPlace)),
  ...paged,
  withheld: WithheldAnswer,
  answered: AnsweredSchema,
});

const Reason = z.object({ code: z.string(), detail: z.string() });
export const FetchAnswer = z.object({
  fetchId: z.string(),
  studyInstanceUID: z.string(),
  seriesInstanceUIDs: z.array(z.string()).nullable(),
  home: ODSCode,
  source: ODSCode,
  to: z.object({ trust: ODSCode, peer: Text }),
  priority: z.enum(PRIORITIES),
  purpose: z.string(),
  reason: Text,
  neededBy: Time.nullable(),
  localPatient: z
    .object({ patientId: z.string(), issuer: z.string(), by: z.string() })
    .nullable()
    .describe('Whom it was filed under, once chosen'),
  requestedBy: z.string(),
  requestedAt: Time,
  state: z.enum(FETCH_STATES),
  stateReason: Reason.nullable().describe('Why it is held, partial or failed; what is to be done'),
  updatedAt: Time,
  instances: z.object({ done: Count, expected: Count }),
  bytes: z.object({ done: Count, expected: Count.nullable() }),
  etaSeconds: z.number().nullable(),
  failures: z.array(z.object({ sopInstanceUID: z.string(), code: z.string(), detail: z.string() })),
  steps: z.array(z.object({ state: z.enum(FETCH_STATES), at: Time })),
});
export const FetchesAnswer = z.object({ fetches: z.array(FetchAnswer), ...paged });

const Held = z.object({ studies: Count, series: Count, instances: Count });
export const CompletenessAnswer = z.object({
  trusts: z.array(
    z.object({
      trust: ODSCode,
      name: z.string(),
      here: Held,
      there: Held.nullable(),
      equal: z.boolean().nullable(),
      comparedAt: Time.nullable(),
      asOf: Time.nullable(),
      lagSeconds: z.number().nullable(),
      crawl: z.array(CrawlProgressSchema).describe('How far each PACS of the trust is known'),
    }),
  ),
  answered: AnsweredSchema,
});

const AuditEnd = z
  .union([
    z.literal(['user', 'here']),
    z.object({ kind: z.string(), id: z.string(), address: z.string().nullable() }),
  ])
  .describe('Who did it, this hub, or another one');

export const AuditAnswer = z.object({
  events: z.array(
    z.object({
      seq: z.int(),
      at: z.iso.datetime(),
      event: z.string(),
      action: z.enum(['C', 'R', 'U', 'D', 'E']),
      outcome: z.union([z.literal(0), z.literal(4), z.literal(8), z.literal(12)]),
      code: z.string().nullable(),
      user: z.string(),
      role: z.string(),
      trust: z.string().nullable(),
      what: z.string(),
      address: z.string().nullable(),
      purpose: z.string().nullable(),
      query: z.record(z.string(), z.unknown()),
      patients: z.array(z.string()),
      studies: z.array(z.string()),
      homes: z.array(z.string()),
      basis: z
        .array(z.string())
        .optional()
        .describe('Why it was shown: own record, a relationship, `break-glass` and its id'),
      withheld: z.int().optional().describe('Studies and records that were not shown'),
      moved: z
        .object({ from: AuditEnd, to: AuditEnd })
        .optional()
        .describe('Where what was ordered or sent goes from, and where to'),
    }),
  ),
  ...paged,
});

export const ProblemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('Stable; decide on this'),
  detail: z.string(),
  faults: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
});
