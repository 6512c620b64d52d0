/** A patient over all trusts, a report with its versions, and pairs that somebody has to decide on. */
import * as z from 'zod';
import { auditedPatient } from '../../shared/audit/entry.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import type { Principal } from '../access/rules.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { findIdentity, type Identity, keyOfText, keyText } from '../identity/identities.ts';
import type { Member, Person } from '../identity/persons.ts';
import { openReviews } from '../identity/reviews.ts';
import { disclosedTimeline } from '../relations/find-patient.ts';
import { findReport } from '../reports/reports.ts';
import { INVALID_NHS_NUMBER } from '../search/query.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { requireShown, withheldJson } from './disclosed.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { answeredJson, trustName } from './routes-studies.ts';
import { NoQuery, PageShape, PatientTimelineAnswer } from './schemas.ts';
import { DecisionAnswer, DecisionBody, ReportAnswer, ReviewsAnswer } from './schemas-patients.ts';

export function patientRoutes(parts: HttpParts): ApiRoute[] {
  return [timelineRoute(parts), reportRoute(parts), reviewsRoute(parts), decisionRoute(parts)];
}

const subjectsOf = (identities: readonly Identity[]) => ({
  patients: identities.map(auditedPatient),
  studies: [],
  homes: identities.map(({ trust }) => trust),
});

function timelineRoute(parts: HttpParts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/patients/:nhsNumber',
    summary: "A patient's studies, reports, orders and bookings over all trusts, newest first",
    action: 'search',
    audit: 'search',
    query: z.strictObject(PageShape),
    answer: { status: 200, schema: PatientTimelineAnswer },
    problems: ['INVALID_NHS_NUMBER', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
    run: ({ path, query: page, principal, discloser, saw }) => {
      const nhsNumber = nhsNumberOfPath(path['nhsNumber'] ?? '');
      const mayRead = parts.access.refuse(principal, 'view') === null;
      const found = disclosedTimeline(parts.projection.db, discloser, { nhsNumber, page });
      const { persons, studies, reports, withheld, ...rest } = found;
      saw(subjectsOfStudies(studies));
      saw(subjectsOf(persons.flatMap(({ members }) => members)));
      return {
        nhsNumber,
        withheld: withheldJson(withheld),
        persons: persons.map(personJson),
        studies: studies.map((study) => ({ ...study, trustName: trustName(parts, study.home) })),
        reports: mayRead ? reports : [],
        ...rest,
        ...page,
        answered: answeredJson(parts.fleet.answered()),
      };
    },
  });
}

/** Where a patient lives is no part of an answer. */
export function identityJson({ postcode: _p, mergedInto, ...identity }: Identity): object {
  return { ...identity, id: keyText(identity), mergedInto };
}

const personJson = ({ members }: Person): object => ({
  identities: members.map((member: Member) => identityJson(member)),
});

function reportRoute(parts: HttpParts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/reports/:trust/:reportId',
    summary: 'A report: the version in force, and the earlier ones',
    action: 'view',
    audit: 'look',
    query: NoQuery,
    answer: { status: 200, schema: ReportAnswer },
    problems: ['REPORT_UNKNOWN', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
    run: ({ path, discloser, saw }) => {
      const { trust = '', reportId = '' } = path;
      const report = findReport(parts.projection.db, trust, reportId);
      const absent = (): HttpProblem =>
        new HttpProblem('REPORT_UNKNOWN', 'No trust has told of this report.');
      if (report === undefined) throw absent();
      const patient = findIdentity(parts.projection.db, report);
      if (patient !== undefined) saw(subjectsOf([patient]));
      requireShown(discloser.report(report), discloser.asker, absent);
      return report;
    },
  });
}

function reviewsRoute(parts: HttpParts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/identity/reviews',
    summary:
      'Pairs of patients that may be the same person, for somebody to decide on; oldest first',
    action: 'identity',
    audit: 'search',
    query: z.strictObject(PageShape),
    answer: { status: 200, schema: ReviewsAnswer },
    problems: [],
    run: ({ query: page, principal, saw }) => {
      const { reviews, total } = openReviews(parts.projection.db, page, principal.trust);
      saw(subjectsOf(reviews.flatMap(({ a, b }) => [a, b])));
      const shown = reviews.map(({ a, b, ...rest }) => ({
        a: identityJson(a),
        b: identityJson(b),
        ...rest,
      }));
      return { reviews: shown, total, ...page };
    },
  });
}

function decisionRoute(parts: HttpParts): ApiRoute {
  return apiRoute({
    method: 'POST',
    path: '/api/identity/decisions',
    summary: 'Says that two patients are the same person, or are not, or undoes what was said',
    action: 'identity',
    audit: 'look',
    query: NoQuery,
    body: DecisionBody,
    answer: { status: 201, schema: DecisionAnswer },
    problems: ['VALIDATION_FAILED', 'IDENTITY_UNKNOWN', 'LOG_UNAVAILABLE'],
    run: async ({ body, principal, saw }) => {
      const [a, b] = [body.a, body.b].map((id) => {
        const key = keyOfText(id);
        return key === null ? undefined : findIdentity(parts.projection.db, key);
      });
      if (a === undefined || b === undefined || keyText(a) === keyText(b))
        throw new HttpProblem('IDENTITY_UNKNOWN', 'There are no two such patients.');
      requireOwnPair(principal, [a, b]);
      saw(subjectsOf([a, b]));
      const { decision, reason } = body;
      await parts.decideIdentity({ pair: [a, b], decision, reason, by: principal.name });
      return { a: body.a, b: body.b, decision };
    },
  });
}

/** Of two other trusts' patients others decide. @throws HttpProblem `IDENTITY_UNKNOWN` */
export function requireOwnPair(
  { trust }: Principal,
  pair: readonly { readonly trust: string }[],
): void {
  if (trust === null || pair.some((one) => one.trust === trust)) return;
  throw new HttpProblem('IDENTITY_UNKNOWN', 'There are no two such patients.');
}

/** @throws HttpProblem `INVALID_NHS_NUMBER` */
export function nhsNumberOfPath(text: string): string {
  const digits = readNhsNumber(text);
  if (digits !== null) return digits;
  const message = 'not an NHS number: ten digits of which the last is the check digit';
  throw new HttpProblem('INVALID_NHS_NUMBER', `path.nhsNumber: ${message}`, {
    faults: [{ path: 'path.nhsNumber', code: INVALID_NHS_NUMBER, message }],
  });
}
