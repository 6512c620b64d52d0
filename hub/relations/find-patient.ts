/** A patient over all trusts, as one asker may see them: of each trust's record by itself. */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Person } from '../identity/persons.ts';
import { type Timeline, timelineOf } from '../reports/timeline.ts';
import type { StudyRow } from '../search/rows.ts';
import type { Discloser, WithheldNote } from './disclosure.ts';

export interface DisclosedTimeline extends Timeline {
  readonly withheld: WithheldNote;
}

export function disclosedTimeline(
  db: Sqlite,
  discloser: Discloser,
  { nhsNumber, page }: { nhsNumber: string; page: { limit: number; offset: number } },
): DisclosedTimeline {
  let withheld: WithheldNote = { unrelated: 0, restricted: [] };
  const choose = (rows: readonly StudyRow[]): readonly StudyRow[] => {
    const chosen = discloser.chooseRows(rows);
    withheld = chosen.withheld;
    return chosen.shown;
  };
  const found = timelineOf(db, nhsNumber, page, choose);
  const isShown = (trust: string, patient: { patientId: string; issuer: string }): boolean =>
    discloser.record({ ...patient, trust }).kind === 'shown';
  // Places of `person` stay: one of whom nothing may be shown has no members.
  const persons = found.persons.map(
    ({ members }): Person => ({ members: members.filter((one) => isShown(one.trust, one)) }),
  );
  return {
    ...found,
    withheld,
    persons,
    studies: found.studies.map((study) => discloser.masked(study)),
    reports: found.reports.filter((report) => discloser.report(report).kind === 'shown'),
    orders: found.orders.filter(({ trust, patient }) => isShown(trust, patient)),
    appointments: found.appointments.filter(({ trust, patient }) => isShown(trust, patient)),
  };
}
