/**
 * `/break-glass`: a person opens a patient's records in an emergency, and says why. Whom it is about comes with the
 * form, never in an address.
 *
 *   search ─► "Open in an emergency" ─► why ─► /break-glass/{id}: what it shows, and until when
 */
import { auditedPatient } from '../../shared/audit/entry.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { findIdentity, type Identity, keyOfText } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import { findGlass, GLASS_REASONS, type Glass, listGlass } from '../relations/glass.ts';
import { RelationError } from '../relations/relation-error.ts';
import { studiesOfPatients } from '../search/studies.ts';
import { type FieldFault, type Form, faultsByField, fieldFaults, pick, readForm } from './forms.ts';
import { openGlass, TO_BREAK_GLASS } from './open-glass.ts';
import { studyAddress } from './page-find.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { GlassBody, whomShape } from './schemas-relations.ts';
import { requireStepUp } from './step-up.ts';
import { validate } from './validate.ts';

const WHOM = Object.keys(whomShape);
const OWN = { limit: 20, offset: 0 };

export function breakGlassPages(parts: HttpParts): Page[] {
  const action = 'break-glass';
  return [
    {
      ...{ method: 'GET', path: '/break-glass', action, audit: null },
      run: (call) => showForm(parts, call, { form: {}, faults: [] }),
    },
    {
      // Whoever had to confirm who they are comes back here.
      ...{ method: 'GET', path: '/break-glass/new', action, audit: null },
      run: ({ reply }) => reply.redirect('/break-glass', 303),
    },
    {
      // It shows what was sent, and nothing of anybody.
      ...{ method: 'POST', path: '/break-glass/new', action, audit: null },
      run: (call) => showForm(parts, call, { form: readForm(call.request.body), faults: [] }),
    },
    {
      ...{ method: 'POST', path: '/break-glass', action, audit: 'break-glass' },
      run: (call) => open(parts, call),
    },
    {
      ...{ method: 'GET', path: '/break-glass/:id', action, audit: 'look' },
      run: (call) => showOpened(parts, call),
    },
  ];
}

async function open(parts: HttpParts, call: PageCall): Promise<unknown> {
  const form = readForm(call.request.body);
  try {
    const given = pick(form, [...WHOM, 'reason', 'words'], ['birthDate']);
    const { reason, words, ...whom } = validate(GlassBody, given, 'body');
    const query = withoutUndefined(whom);
    const { id } = await openGlass(parts, call, { query, reason, words });
    return call.reply.redirect(`/break-glass/${id}`, 303);
  } catch (error) {
    if (error instanceof RelationError) {
      const faults = [{ field: '', message: error.message }];
      return showForm(parts, call, { form, faults });
    }
    return showForm(parts, call, { form, faults: worded(fieldFaults(error, {})) });
  }
}

const WORDS: Readonly<Record<string, string>> = {
  reason: 'Choose why it has to be seen',
  words: 'Say in a few words why: at least 10 letters',
};
const worded = (faults: readonly FieldFault[]): FieldFault[] =>
  faults.map(({ field, message }) => ({ field, message: WORDS[field] ?? message }));

function showForm(
  parts: HttpParts,
  call: PageCall,
  { form, faults }: { form: Form; faults: readonly FieldFault[] },
): unknown {
  const { principal, render, reply } = call;
  requireStepUp(parts, principal, TO_BREAK_GLASS);
  const filter = { trust: principal.trust, by: principal.name, state: 'all' } as const;
  const { records } = listGlass(parts.projection.db, filter, OWN);
  if (faults.length > 0) reply.status(400);
  return render('break-glass.njk', {
    section: 'find',
    title: `${faults.length > 0 ? 'Error: ' : ''}Open a record in an emergency`,
    form,
    nhsNumber: readNhsNumber(form['nhsNumber'] ?? ''),
    isGiven: WHOM.some((name) => form[name] !== undefined),
    hidden: WHOM.flatMap((name) => (form[name] === undefined ? [] : [[name, form[name]]])),
    reasons: Object.entries(GLASS_REASONS).map(([value, text]) => ({ value, text })),
    faultList: faults,
    faults: faultsByField(faults),
    accesses: records.map(({ glass }) => ({
      ...glass,
      isOpen: Date.parse(glass.until) > parts.clock.now(),
      why: GLASS_REASONS[glass.reason],
    })),
  });
}

function showOpened(parts: HttpParts, call: PageCall): unknown {
  const { request, principal, discloser, saw, render } = call;
  const { db } = parts.projection;
  const { id } = request.params as { id: string };
  const glass = findGlass(db, id)?.glass;
  if (glass === undefined || glass.by.name !== principal.name || glass.by.trust !== principal.trust)
    throw new RelationError('GLASS_UNKNOWN', 'There is no such emergency access of yours.');
  const isOpen = Date.parse(glass.until) > parts.clock.now();
  const persons = isOpen ? personsOf(db, glass) : [];
  const shown = persons.map((members) => {
    const studies = studiesOfPatients(db, members)
      .filter((study) => discloser.study(study).kind === 'shown')
      .map((study) => ({ ...study, href: studyAddress(study.studyInstanceUID) }));
    saw(subjectsOfStudies(studies));
    const known = members.filter((one) => discloser.record(one).kind === 'shown');
    saw({ patients: known.map(auditedPatient), studies: [], homes: known.map((one) => one.trust) });
    const nhsNumber = known.find((one) => one.nhsNumber !== null)?.nhsNumber ?? null;
    return { name: known[0]?.name ?? null, nhsNumber, studies };
  });
  return render('break-glass-open.njk', {
    section: 'find',
    title: isOpen ? 'Opened in an emergency' : 'The emergency access is over',
    ...{ glass, isOpen, persons: shown, why: GLASS_REASONS[glass.reason] },
  });
}

function personsOf(db: HttpParts['projection']['db'], glass: Glass): (readonly Identity[])[] {
  const persons: (readonly Identity[])[] = [];
  for (const text of glass.patients) {
    const key = keyOfText(text);
    const identity = key === null ? undefined : findIdentity(db, key);
    if (identity === undefined) continue;
    const isThere = persons
      .flat()
      .some(
        ({ trust, patientId, issuer }) =>
          trust === identity.trust &&
          patientId === identity.patientId &&
          issuer === identity.issuer,
      );
    if (!isThere) persons.push(personOf(db, identity).members);
  }
  return persons;
}
