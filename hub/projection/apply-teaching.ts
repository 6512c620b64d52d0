/** How a teaching file stands at the home of its study; the event is the whole of it. */
import type { TeachingEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

export const prepareTeaching = (db: Sqlite) => ({
  teachingCopy: db.prepare<[object]>(
    `INSERT OR REPLACE INTO teaching_copies VALUES (@caseId, @trust, @state, @at, @newStudyUID,
       @newPatientId, @modalities, @bodyParts, @body)`,
  ),
});

export function applyTeaching(
  { teachingCopy }: ReturnType<typeof prepareTeaching>,
  event: TeachingEvent,
): void {
  const { caseId, trust, state, at, reason, withheld, study } = event;
  const series = study?.series ?? [];
  teachingCopy.run({
    ...{ caseId, trust, state, at },
    newStudyUID: study?.studyInstanceUID ?? null,
    newPatientId: study?.patientId ?? null,
    modalities: listed(series.map(({ modality }) => modality)),
    bodyParts: listed(series.map(({ bodyPart }) => bodyPart)),
    body: JSON.stringify({ reason, withheld, study }),
  });
}

/** Each once, a backslash before and behind it: no DICOM value holds one. */
const listed = (values: readonly (string | null)[]): string =>
  ['', ...new Set(values.flatMap((value) => value?.toUpperCase() ?? [])), ''].join('\\');
