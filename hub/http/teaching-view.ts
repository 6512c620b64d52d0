/** A teaching file as API and pages show it: never its answer, never what leads to the original. */
import type { Principal } from '../access/rules.ts';
import type { CaseQuery, TeachingCase } from '../teaching/cases.ts';

/** That a patient has the S-flag is not for authors. ID-21. */
const CLOSER = {
  code: 'RESTRICTED',
  detail: 'the record is kept closer than others: it is not used for teaching',
};

export function teachingJson({ file, copy }: TeachingCase, { role }: Principal) {
  const { caseId: id, note, by, at: markedAt, withdrawn } = file;
  const { title, question, keywords, category } = note;
  const study = withdrawn === null ? (copy?.study ?? null) : null;
  const series = study?.series ?? [];
  return {
    ...{ id, title, question, keywords, category, markedAt },
    author: { name: by.name, trust: by.trust },
    state: withdrawn === null ? (copy?.state ?? 'preparing') : ('withdrawn' as const),
    reason: reasonOf({ file, copy }, role),
    withheld: copy?.withheld ?? [],
    studyInstanceUID: study?.studyInstanceUID ?? null,
    modalities: each(series.map(({ modality }) => modality)),
    bodyParts: each(series.map(({ bodyPart }) => bodyPart)),
    numberOfInstances: study?.instances ?? 0,
  };
}

function reasonOf({ file, copy }: Pick<TeachingCase, 'file' | 'copy'>, role: string) {
  const { withdrawn } = file;
  if (withdrawn !== null) return { code: withdrawn.code, detail: withdrawn.reason };
  const reason = copy?.reason ?? null;
  return reason?.code.startsWith('SENSITIVE') && role !== 'privacy' ? CLOSER : reason;
}

const each = (values: readonly (string | null)[]): string[] => [
  ...new Set(values.filter((value) => value !== null)),
];

/** Whose files that are not shown to all an asker finds. */
export const pendingFor = ({ name, role, trust }: Principal): CaseQuery =>
  role === 'privacy' ? { pending: true } : { pendingOf: { name, trust } };
