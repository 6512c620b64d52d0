/**
 * Teaching files: studies that a clinician marked with a note, de-identified at their home, for everybody who
 * teaches and learns in the network.
 */
import * as z from 'zod';

/**
 * What stands for the home of a study of the collection, in paths and tickets. No organisation has it: an ODS code
 * of eight characters is none of a trust.
 */
export const TEACHING_HOME = 'TEACHING';
/** The destination of the project that lets a trust's studies into the collection. */
export const TEACHING_COLLECTION = 'teaching-collection';

const Line = z.string().trim().min(1).max(200);

export const TeachingNoteSchema = z.object({
  title: Line,
  /** The history, and what is asked: shown at once. */
  question: z.string().trim().min(1).max(10_000),
  /** What is to be learnt: hidden until somebody asks for it. */
  answer: z.string().trim().min(1).max(20_000),
  keywords: z.array(z.string().trim().min(1).max(60)).max(20).default([]),
  category: z.string().trim().min(1).max(60).nullable().default(null),
});
export type TeachingNote = z.output<typeof TeachingNoteSchema>;

/**
 * `held`: something stands against it at its home, and is looked at again. `refused`, `withdrawn`: for good; no image
 * of it is in the collection.
 */
export const TEACHING_STATES = ['preparing', 'held', 'refused', 'published', 'withdrawn'] as const;
export type TeachingState = (typeof TEACHING_STATES)[number];

const Reason = z.object({ code: z.string(), detail: z.string() });
const Count = z.int().nonnegative();

/** @param series as of any study */
export const teachingFields = <S extends z.ZodType>(series: S) => ({
  kind: z.literal('teaching'),
  caseId: z.uuid(),
  state: z.enum(TEACHING_STATES),
  /** Why it is held, refused or withdrawn. */
  reason: Reason.nullable(),
  /** Objects that are left out, and why. */
  withheld: z.array(Reason.extend({ objects: Count })),
  /** As it stands in the collection, under pseudonyms; null: it is not there. */
  study: z
    .object({
      studyInstanceUID: z.string().min(1).max(128),
      patientId: z.string(),
      studyDate: z.string().nullable(),
      description: z.string().nullable(),
      instances: Count,
      bytes: Count,
      series: z.array(series),
    })
    .nullable(),
});
