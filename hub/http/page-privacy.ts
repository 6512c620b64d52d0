/** `/privacy`: emergency accesses to be reviewed by the officer's trust, overdue ones first; and what is restricted. */
import type { CONFIDENTIALITIES } from '../access/decide.ts';
import { GLASS_REASONS, listGlass, REVIEW_OUTCOMES } from '../relations/glass.ts';
import { RelationError } from '../relations/relation-error.ts';
import { listRestrictions, RESTRICTION_KINDS } from '../relations/restrictions.ts';
import { type FieldFault, faultsByField, fieldFaults, readForm } from './forms.ts';
import { queryValue } from './page-find.ts';
import { pagedList } from './page-list.ts';
import type { Page, PageCall } from './pages.ts';
import type { HttpParts } from './parts.ts';
import { glassJson } from './routes-relations.ts';
import { RestrictionBody, ReviewBody } from './schemas-relations.ts';
import { validate } from './validate.ts';

const PAGE_SIZE = 25;

export function privacyPages(parts: HttpParts): Page[] {
  return [
    {
      ...{ method: 'GET', path: '/privacy', action: 'review', audit: 'break-glass' },
      run: (call) => showReviews(parts, call, []),
    },
    {
      ...{ method: 'POST', path: '/privacy/:id/review', action: 'review', audit: 'break-glass' },
      run: async (call) => {
        const { request, principal, reply } = call;
        try {
          const body = validate(ReviewBody, readForm(request.body), 'body');
          await parts.relations.review(principal, (request.params as { id: string }).id, body);
        } catch (error) {
          return showReviews(parts, call, faultsOf(error));
        }
        return reply.redirect('/privacy', 303);
      },
    },
    {
      ...{ method: 'GET', path: '/privacy/restrictions', action: 'restrict', audit: 'restriction' },
      run: (call) => showRestrictions(parts, call, []),
    },
    {
      method: 'POST',
      path: '/privacy/restrictions',
      ...{ action: 'restrict', audit: 'restriction' },
      run: async (call) => {
        try {
          await restrict(parts, call);
        } catch (error) {
          return showRestrictions(parts, call, faultsOf(error));
        }
        return call.reply.redirect('/privacy/restrictions', 303);
      },
    },
  ];
}

const WORDS: Readonly<Record<string, string>> = {
  words: 'Say in a few words what was found',
  outcome: 'Choose what was found',
  reason: 'Say why it is restricted',
  kind: 'Choose what kind it is',
  level: 'Choose how close it is kept',
  trust: 'Enter the code of the trust',
  patient: 'Enter the patient number, or a Study Instance UID',
};

function faultsOf(error: unknown): FieldFault[] {
  if (error instanceof RelationError) return [{ field: '', message: error.message }];
  return fieldFaults(error, {}).map(({ field, message }) => ({
    field,
    message: WORDS[field] ?? message,
  }));
}

const offsetOf = (request: PageCall['request']): number =>
  Number(/^\d{1,6}$/.exec(queryValue(request, 'offset') ?? '')?.[0] ?? 0);

function showReviews(parts: HttpParts, call: PageCall, faults: readonly FieldFault[]): unknown {
  const { request, principal, saw, render, reply } = call;
  const isAll = queryValue(request, 'state') === 'all';
  const page = { limit: PAGE_SIZE, offset: offsetOf(request) };
  const filter = { trust: principal.trust, state: isAll ? 'all' : 'open' } as const;
  const { records, total } = listGlass(parts.projection.db, filter, page);
  const accesses = records.map(({ glass }) => {
    const shown = glassJson(parts, { principal, saw }, glass);
    const isOwed = shown.owedBy.some((one) => principal.trust === null || one === principal.trust);
    return {
      ...shown,
      why: GLASS_REASONS[glass.reason],
      isOwed,
      isInForce: Date.parse(glass.until) > parts.clock.now(),
      reviews: shown.reviews.map((one) => ({ ...one, found: REVIEW_OUTCOMES[one.outcome] })),
    };
  });
  if (faults.length > 0) reply.status(400);
  return render('privacy.njk', {
    section: 'privacy',
    title: `${faults.length > 0 ? 'Error: ' : ''}Emergency accesses`,
    ...{ accesses, isAll, faultList: faults },
    overdue: accesses.filter((one) => one.overdue && one.isOwed).length,
    list: pagedList(request, { total, ...page, shown: accesses.length }),
    outcomes: Object.entries(REVIEW_OUTCOMES),
  });
}

async function restrict(parts: HttpParts, { request, principal, saw }: PageCall): Promise<void> {
  const form = readForm(request.body);
  const { trust, patientId, issuer, studyInstanceUID, level, kind, reason } = form;
  const patient = patientId === undefined ? undefined : { patientId, issuer };
  const input = { trust: principal.trust ?? trust, patient, studyInstanceUID, level, kind, reason };
  const body = validate(RestrictionBody, input, 'body');
  const key = body.patient && {
    patientId: body.patient.patientId,
    issuer: body.patient.issuer ?? body.trust,
  };
  saw({
    patients: key === undefined ? [] : [`${key.patientId}^^^${key.issuer}`],
    studies: body.studyInstanceUID === undefined ? [] : [body.studyInstanceUID],
    homes: [body.trust],
  });
  await parts.relations.restrict(principal, {
    ...{ trust: body.trust, level: body.level, kind: body.kind, reason: body.reason },
    ...{ patient: key ?? null, studyInstanceUID: body.studyInstanceUID ?? null },
  });
}

const LEVELS: Readonly<Record<(typeof CONFIDENTIALITIES)[number], string>> = {
  N: 'As any other',
  R: 'Other trusts see it in an emergency only',
  V: 'Never at other trusts; here in an emergency only',
};

function showRestrictions(
  parts: HttpParts,
  call: PageCall,
  faults: readonly FieldFault[],
): unknown {
  const { request, principal, saw, render, reply } = call;
  const page = { limit: PAGE_SIZE, offset: offsetOf(request) };
  const found = listRestrictions(parts.projection.db, principal.trust, page);
  for (const { trust, patient, studyInstanceUID } of found.restrictions)
    saw({
      patients: patient === null ? [] : [`${patient.patientId}^^^${patient.issuer}`],
      studies: studyInstanceUID === null ? [] : [studyInstanceUID],
      homes: [trust],
    });
  if (faults.length > 0) reply.status(400);
  return render('restrictions.njk', {
    section: 'privacy',
    title: `${faults.length > 0 ? 'Error: ' : ''}Restricted records`,
    form: readForm(request.body),
    ...{ faultList: faults, faults: faultsByField(faults) },
    restrictions: found.restrictions.map((one) => ({
      ...one,
      levelWords: LEVELS[one.level],
      kindWords: RESTRICTION_KINDS[one.kind as keyof typeof RESTRICTION_KINDS] ?? one.kind,
    })),
    list: pagedList(request, { total: found.total, ...page, shown: found.restrictions.length }),
    levels: Object.entries(LEVELS).map(([value, text]) => ({ value, text })),
    kinds: Object.entries(RESTRICTION_KINDS).map(([value, text]) => ({ value, text })),
  });
}
