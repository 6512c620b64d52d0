/**
 * Teaching files as they stand in the log: `cdip.hub.teaching.<id>`, whole state each. That a file is of which study
 * is known here, and at the study's home, alone.
 */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { TeachingNoteSchema } from '../../shared/contract/teaching.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { HubDecision } from '../projection/projection.ts';

export const TeachingFileSchema = z.object({
  v: z.literal(1),
  caseId: z.uuid(),
  studyInstanceUID: z.string().min(1),
  home: ODSCode,
  note: TeachingNoteSchema,
  by: z.object({ name: z.string(), role: z.string(), trust: ODSCode.nullable() }),
  at: z.iso.datetime(),
  /** By whom; null: the network, since its home took the study back or keeps it closer now. */
  withdrawn: z
    .object({
      by: z.string().nullable(),
      at: z.iso.datetime(),
      code: z.string(),
      reason: z.string(),
    })
    .nullable(),
});
export type TeachingFile = z.output<typeof TeachingFileSchema>;

/** For searching: small letters without accents. */
export const folded = (text: string): string =>
  text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

/** @throws ZodError for a body of another version */
export function applyTeachingFile(db: Sqlite, { body, streamSeq }: HubDecision): [] {
  const file = TeachingFileSchema.parse(body);
  const { title, question, answer, keywords, category } = file.note;
  db.prepare<[object]>(
    `INSERT OR REPLACE INTO teaching_cases VALUES (@caseId, @studyInstanceUID, @home, @author,
       @authorTrust, @at, @isWithdrawn, @keywords, @words, @body, @streamSeq)`,
  ).run({
    ...{ caseId: file.caseId, studyInstanceUID: file.studyInstanceUID, home: file.home },
    ...{ author: file.by.name, authorTrust: file.by.trust, at: file.at, streamSeq },
    isWithdrawn: Number(file.withdrawn !== null),
    keywords: ['', ...keywords.map(folded), ''].join('\n'),
    words: folded([title, question, answer, ...keywords, category ?? ''].join('\n')),
    body: JSON.stringify(file),
  });
  return [];
}
