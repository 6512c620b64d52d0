/** `/`: one search over all trusts, and what it found, with whom the answer speaks for. */
import type { FastifyRequest } from 'fastify';
import { printNhsNumber } from '../../shared/nhs-number.ts';
import { mayBreakGlass, type Principal } from '../access/rules.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import type { Answered } from '../fleet/fleet.ts';
import type { Discloser, WithheldNote } from '../relations/disclosure.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import type { PatientView, StudyView } from '../search/rows.ts';
import { day, personName } from '../web/format.ts';
import { type FieldFault, type Form, faultsByField, fieldFaults, pick, readForm } from './forms.ts';
import { pagedList } from './page-list.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { trustName } from './routes-studies.ts';
import { StudiesQuery } from './schemas.ts';
import { validate } from './validate.ts';

/** Which fields belong to which way of asking. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  nhs: ['nhsNumber'],
  local: ['patientId', 'issuer'],
  name: ['patientName', 'birthDate'],
  accession: ['accessionNumber'],
};
const FILTERS = ['modality', 'from', 'to', 'offset'] as const;
const DATES = ['birthDate', 'from', 'to'] as const;
const PAGE_SIZE = 25;

export function findPage(parts: HttpParts): Page {
  return {
    method: 'GET',
    path: '/',
    action: 'search',
    audit: 'search',
    isRecorded: ({ request }) => isAsked(request, askedBy(request)),
    run: ({ request, principal, discloser, render, saw }) => {
      const form = readForm(request.query);
      const by = askedBy(request);
      const answered = parts.fleet.answered();
      const common = {
        title: 'Find a patient’s imaging',
        section: 'find',
        form: { ...form, by },
        trusts: parts.config.trusts,
        answered,
        missing: answered.filter((one) => !one.ok).length,
        faults: {},
        mayView: parts.access.refuse(principal, 'view') === null,
      };
      if (!isAsked(request, by)) return render('find.njk', common);
      const found = search(parts, discloser, { form, by });
      if (Array.isArray(found)) {
        const faults = { faultList: found, faults: faultsByField(found) };
        return render('find.njk', {
          ...common,
          ...faults,
          title: 'Error: Find a patient’s imaging',
        });
      }
      const { studies, total, offset, asked, given, withheld } = found;
      saw(subjectsOfStudies(studies));
      return render('find.njk', {
        ...common,
        asked,
        ...withheldPart(discloser, { withheld, given }),
        title: `Imaging for ${asked}`,
        list: pagedList(request, { total, offset, limit: PAGE_SIZE, shown: studies.length }),
        patients: distinctPatients(studies),
        studies: studies.map((study) => shownStudy(parts, study, { principal, answered })),
      });
    },
  };
}

function askedBy(request: FastifyRequest): string {
  const { by = '' } = readForm(request.query);
  return Object.hasOwn(FIELDS, by) ? by : 'nhs';
}

/** The form was sent, if only with empty fields; else it is just to be shown. */
function isAsked(request: FastifyRequest, by: string): boolean {
  const names = Object.keys((request.query ?? {}) as object);
  return (FIELDS[by] ?? []).some((name) => names.includes(name));
}

type Found = {
  readonly studies: readonly StudyView[];
  readonly total: number;
  readonly offset: number;
  readonly asked: string;
  /** What was asked, by the API's names. */
  readonly given: Form;
  readonly withheld: WithheldNote;
};

function search(
  parts: HttpParts,
  discloser: Discloser,
  { form, by }: { form: Form; by: string },
): Found | FieldFault[] {
  const keys = FIELDS[by] ?? [];
  const missing = keys.filter((name) => form[name] === undefined);
  const given = pick(form, [...keys, ...FILTERS], DATES);
  // An empty field would not be a fault of the schema's: the others might do. Here the person chose it.
  const wanted = Object.fromEntries(missing.map((name) => [name, '']));
  try {
    const query = validate(StudiesQuery, { ...given, ...wanted, limit: PAGE_SIZE }, 'query');
    const { limit, offset, ...question } = query;
    const found = findDisclosed(parts.projection.db, discloser, {
      query: question,
      page: { limit, offset },
    });
    const { studies, total, withheld } = found;
    const asked = { given: pick(form, keys, DATES), asked: askedWords(given, by) };
    return { studies, total, offset, withheld, ...asked };
  } catch (error) {
    return fieldFaults(error, {});
  }
}

/** What of the answer is withheld, and, for whom it may be opened, what has to be sent for it: never in an address. */
export function withheldPart(
  { asker }: Discloser,
  { withheld, given }: Pick<Found, 'withheld' | 'given'>,
): object {
  const count = withheld.unrelated + withheld.restricted.length;
  const months = withheld.restricted.map(({ month }) => month ?? 'no date');
  return {
    withheld: { ...withheld, count, months },
    breakGlass: mayBreakGlass(asker) && count > 0 ? Object.entries(given) : undefined,
  };
}

function askedWords(given: Form, by: string): string {
  const text = (name: string): string => given[name] ?? '';
  switch (by) {
    case 'nhs':
      return `NHS number ${printNhsNumber(text('nhsNumber').replace(/\D/g, ''))}`;
    case 'local':
      return `patient number ${text('patientId')} of ${text('issuer')}`;
    case 'name':
      return `${text('patientName')}, born ${day(text('birthDate'))}`;
    default:
      return `accession number ${text('accessionNumber')}`;
  }
}

/** Which people the studies name: by NHS number, birth date and family name, however it is spelt in capitals. */
function distinctPatients(studies: readonly StudyView[]): PatientView[] {
  const people = new Map<string, PatientView>();
  for (const { patient } of studies) {
    const family = personName(patient.name).split(',')[0]?.toUpperCase() ?? '';
    const key = [patient.nhsNumber, patient.birthDate, family].join('|');
    if (!people.has(key)) people.set(key, patient);
  }
  return [...people.values()];
}

function shownStudy(
  parts: HttpParts,
  study: StudyView,
  { principal, answered }: { principal: Principal; answered: readonly Answered[] },
): object {
  const address = studyAddress(study.studyInstanceUID);
  return {
    ...study,
    trustName: trustName(parts, study.home),
    href: address,
    fetchHref: `${address}/fetch?home=${study.home}`,
    silent: answered.some((one) => one.trust === study.home && !one.ok),
    here: whereHere(study, principal),
  };
}

/** The words for a study that the person's own trust holds already; undefined when it has to be fetched. */
function whereHere(study: StudyView, principal: Principal): string | undefined {
  if (principal.trust === null) return undefined;
  if (study.home === principal.trust) return 'At your trust';
  const isCopied = study.copies.some((copy) => copy.trust === principal.trust && copy.complete);
  return isCopied ? 'Copy at your trust' : undefined;
}

export const studyAddress = (uid: string): string => `/studies/${encodeURIComponent(uid)}`;

/** A query value of a page's own address; the first when it is there twice. */
export function queryValue(request: FastifyRequest, name: string): string | undefined {
  return readForm(request.query)[name];
}
