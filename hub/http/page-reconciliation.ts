/** `/reconciliation`: studies that are here and wait for somebody to say whose they are, with whom they may be of. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import { subjectsOfFetches } from '../audit/subjects.ts';
import type { FetchView } from '../fetch/order.ts';
import { localCandidates } from '../identity/local-candidates.ts';
import { isoDate } from '../search/dates.ts';
import type { PatientView } from '../search/rows.ts';
import { findStudy } from '../search/study.ts';
import { headingOf } from './page-fetch.ts';
import { queryValue } from './page-find.ts';
import { pagedList } from './page-list.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { listFetches } from './shown-fetches.ts';

const PAGE_SIZE = 20;

export function reconciliationPage(parts: HttpParts): Page {
  return {
    method: 'GET',
    path: '/reconciliation',
    action: 'fetch',
    audit: 'look',
    run: (call) => {
      const { request, principal, discloser, render, saw } = call;
      const offset = Number(/^\d{1,6}$/.exec(queryValue(request, 'offset') ?? '')?.[0] ?? 0);
      const { fetches, total } = listFetches(parts, discloser, {
        ...{ state: 'held', limit: PAGE_SIZE, offset },
        ...(principal.trust === null ? {} : { trust: principal.trust }),
      });
      saw(subjectsOfFetches(parts.projection.db, fetches));
      return render('reconciliation.njk', {
        section: 'fetches',
        title: 'Whose studies are these?',
        held: fetches.map((order) => shown(parts, call, order)),
        list: pagedList(request, { total, limit: PAGE_SIZE, offset, shown: fetches.length }),
        mayDecide: parts.access.refuse(principal, 'identity') === null,
      });
    },
  };
}

function shown(parts: HttpParts, { principal, saw }: PageCall, order: FetchView): object {
  const { db } = parts.projection;
  const { trust } = order.to;
  const found = findStudy(db, order.studyInstanceUID).find(({ home }) => home === order.home);
  const isOurs = principal.trust === null || principal.trust === trust;
  const candidates = found && isOurs ? localCandidates(db, trust, evidenceOf(found.patient)) : [];
  saw({ patients: candidates.map(auditedPatient), studies: [], homes: [trust] });
  return {
    order,
    isOurs,
    heading: headingOf(parts, order),
    patient: found?.patient ?? null,
    candidates: candidates.map((one) => ({
      ...one,
      birthDay: isoDate(one.birthDate),
      differs: DIFFERS.filter(({ of }) => found && of(one) !== of(evidenceOf(found.patient))).map(
        ({ what }) => what,
      ),
    })),
  };
}

type Compared = Pick<PatientView, 'nhsNumber' | 'name' | 'birthDate' | 'sex'>;

/** Names are shown side by side: how they are spelt differs without meaning anything. */
const DIFFERS: readonly { what: string; of: (one: Compared) => string | null }[] = [
  { what: 'NHS number', of: ({ nhsNumber }) => nhsNumber },
  { what: 'date of birth', of: ({ birthDate }) => birthDate },
  { what: 'sex', of: ({ sex }) => sex },
];

const evidenceOf = ({ nhsNumber, name, birthDate, sex }: PatientView) => ({
  ...{ nhsNumber, name, sex },
  birthDate: birthDate?.replaceAll('-', '') ?? null,
});
