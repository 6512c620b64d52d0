/** `/patients/{nhsNumber}`: who is under the number, and what each of them has: reports first. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import { disclosedTimeline } from '../relations/find-patient.ts';
import { isoDate } from '../search/dates.ts';
import { withheldPart } from './page-find.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { nhsNumberOfPath } from './routes-patients.ts';

const SHOWN = { limit: 200, offset: 0 };

export function patientPage(parts: HttpParts): Page {
  return {
    method: 'GET',
    path: '/patients/:nhsNumber',
    action: 'view',
    audit: 'look',
    run: ({ request, render, discloser, saw }) => {
      const nhsNumber = nhsNumberOfPath((request.params as { nhsNumber: string }).nhsNumber);
      const asked = { nhsNumber, page: SHOWN };
      const found = disclosedTimeline(parts.projection.db, discloser, asked);
      const members = found.persons.flatMap((person) => person.members);
      saw({
        patients: members.map(auditedPatient),
        studies: found.studies.map(({ studyInstanceUID }) => studyInstanceUID),
        homes: members.map(({ trust }) => trust),
      });
      const persons = found.persons.map((person, at) => {
        const own = <T extends { readonly person: number | null }>(list: readonly T[]): T[] =>
          list.filter((one) => one.person === at);
        return {
          members: person.members.map((one) => ({ ...one, birthDay: isoDate(one.birthDate) })),
          ...{ reports: own(found.reports), studies: own(found.studies) },
          ...{ orders: own(found.orders), appointments: own(found.appointments) },
        };
      });
      const answered = parts.fleet.answered();
      return render('patient.njk', {
        section: 'find',
        title: 'Patient',
        nhsNumber,
        persons: persons.filter(({ members: shown }) => shown.length > 0),
        ...withheldPart(discloser, { withheld: found.withheld, given: { nhsNumber } }),
        answered,
      });
    },
  };
}
