/** `/identity`: pairs of patients side by side, for a person to decide on. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import type { IdentityReason } from '../identity/compare.ts';
import { findIdentity, type Identity, keyOfText, keyText } from '../identity/identities.ts';
import { openReviews } from '../identity/reviews.ts';
import { isoDate } from '../search/dates.ts';
import { day, nhsNumber, personName } from '../web/format.ts';
import type { Page } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { requireOwnPair } from './routes-patients.ts';
import { DecisionBody } from './schemas-patients.ts';
import { validate } from './validate.ts';

const SHOWN = { limit: 20, offset: 0 };

const WORDS: Readonly<Partial<Record<IdentityReason, string>>> = {
  BIRTH_DATES_DIFFER: 'Same NHS number, different dates of birth',
  BIRTH_DATES_SIMILAR: 'Same NHS number, dates of birth that look like a typing error',
  BIRTH_DATE_ABSENT: 'Same NHS number, a date of birth is missing',
  NAMES_DIFFER: 'Same NHS number, different names',
  SURNAMES_DIFFER: 'Same NHS number, not verified, different surnames',
  SEX_AND_GIVEN_NAME_DIFFER: 'Same NHS number, different sex and first name',
  TWINS: 'Same NHS number, surname and date of birth, different first names: twins?',
  PLACEHOLDER_NAME: 'Same NHS number, one of them a baby without a name yet',
  NHS_NUMBER_NOT_VERIFIED: 'Same NHS number, which nobody has verified',
  NHS_NUMBER_ABSENT: 'Same name, date of birth and postcode, an NHS number is missing',
};

export function identityPages(parts: HttpParts): Page[] {
  const { db } = parts.projection;
  const subjects = (identities: readonly Identity[]) => ({
    patients: identities.map(auditedPatient),
    studies: [],
    homes: identities.map(({ trust }) => trust),
  });
  return [
    {
      method: 'GET',
      path: '/identity',
      action: 'identity',
      audit: 'look',
      run: ({ render, principal, saw }) => {
        const { reviews, total } = openReviews(db, SHOWN, principal.trust);
        saw(subjects(reviews.flatMap(({ a, b }) => [a, b])));
        const shown = reviews.map(({ a, b, reasons }) => ({
          ...{ a, b, idA: keyText(a), idB: keyText(b), rows: sideBySide(a, b) },
          why:
            reasons.map((reason) => WORDS[reason]).find((words) => words !== undefined) ??
            'A doubt',
        }));
        return render('identity.njk', {
          section: 'find',
          title: 'Who is the same person?',
          reviews: shown,
          total,
        });
      },
    },
    {
      method: 'POST',
      path: '/identity',
      action: 'identity',
      audit: 'look',
      run: async ({ request, reply, principal, saw }) => {
        const { a, b, decision, reason } = validate(DecisionBody, request.body, 'body');
        const pair = [a, b].map((id) => {
          const key = keyOfText(id);
          return key === null ? undefined : findIdentity(db, key);
        });
        const [first, second] = pair;
        if (first === undefined || second === undefined || a === b)
          throw new HttpProblem('IDENTITY_UNKNOWN', 'There are no two such patients.');
        requireOwnPair(principal, [first, second]);
        saw(subjects([first, second]));
        await parts.decideIdentity({ pair: [first, second], decision, reason, by: principal.name });
        return reply.redirect('/identity', 303);
      },
    },
  ];
}

function sideBySide(a: Identity, b: Identity): string[][] {
  const row = (what: string, of: (one: Identity) => string | null): string[] => [
    ...[what, of(a) || 'Not told', of(b) || 'Not told'],
  ];
  return [
    row('Name', ({ name }) => (name === null ? null : personName(name))),
    row('Born', ({ birthDate }) => day(isoDate(birthDate))),
    row('Sex', ({ sex }) => sex),
    row('NHS number', (one) => nhsNumber(one.nhsNumber)),
    row('Its status', ({ nhsStatus }) => nhsStatus),
    row('Local number', ({ patientId }) => patientId),
    row('Postcode', ({ postcode }) => postcode),
  ];
}
