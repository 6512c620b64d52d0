/** Emergency accesses and their reviews, restrictions, lists of meetings. */
import { auditedPatient } from '../../shared/audit/entry.ts';
import { rfc3339 } from '../../shared/clock.ts';
import type { Principal } from '../access/rules.ts';
import { findIdentity, type Identity, keyOfText } from '../identity/identities.ts';
import { type Glass, listGlass, owedBy } from '../relations/glass.ts';
import { listMdtLists, type MdtList } from '../relations/mdt-lists.ts';
import { listRestrictions } from '../relations/restrictions.ts';
import { reviewDue } from '../relations/review-due.ts';
import { personsMeant } from '../relations/whom.ts';
import { isoDate } from '../search/dates.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { Sight } from './audited.ts';
import { openGlass } from './open-glass.ts';
import type { HttpParts } from './parts.ts';
import { withoutUndefined } from './routes-fetches.ts';
import { NoQuery } from './schemas.ts';
import * as schemas from './schemas-relations.ts';

type Parts = Pick<HttpParts, 'clock' | 'config' | 'projection' | 'relations'>;

export const relationRoutes = (parts: Parts): ApiRoute[] => [
  ...glassRoutes(parts),
  ...restrictionRoutes(parts),
  ...meetingRoutes(parts),
];

function glassRoutes(parts: Parts): ApiRoute[] {
  const { db } = parts.projection;
  return [
    apiRoute({
      method: 'POST',
      path: '/api/break-glass',
      summary:
        "Opens a patient's records to this person for four hours, though nothing is known that makes them concerned; each trust whose records they are reviews it",
      action: 'break-glass',
      audit: 'break-glass',
      query: NoQuery,
      body: schemas.GlassBody,
      answer: { status: 201, schema: schemas.GlassOpenedAnswer },
      problems: ['STEP_UP_REQUIRED', 'PATIENT_UNKNOWN', 'GLASS_NOT_NEEDED', 'GLASS_FORBIDDEN'],
      run: async ({ body: { reason, words, ...whom }, ...sight }) => {
        const query = withoutUndefined(whom);
        const { id, openedAt, until } = await openGlass(parts, sight, { query, reason, words });
        return { id, reason, openedAt, until };
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/api/break-glass',
      summary: "Emergency accesses that concern the reviewer's trust; those owed a review first",
      action: 'review',
      audit: 'break-glass',
      query: schemas.GlassListQuery,
      answer: { status: 200, schema: schemas.GlassListAnswer },
      problems: [],
      run: ({ query: { state, ...page }, principal, saw }) => {
        const { records, total } = listGlass(db, { trust: principal.trust, state }, page);
        const accesses = records.map(({ glass }) => glassJson(parts, { principal, saw }, glass));
        return { accesses, total, ...page };
      },
    }),
    apiRoute({
      method: 'POST',
      path: '/api/break-glass/:id/review',
      summary: "Closes the review of the reviewer's trust",
      action: 'review',
      audit: 'break-glass',
      query: NoQuery,
      body: schemas.ReviewBody,
      answer: { status: 200, schema: schemas.GlassAnswer },
      problems: ['GLASS_UNKNOWN', 'REVIEW_ENDED', 'REVIEW_FORBIDDEN', 'LOG_CONFLICT'],
      run: async ({ path, body, principal, saw }) => {
        const glass = await parts.relations.review(principal, path['id'] ?? '', body);
        return glassJson(parts, { principal, saw }, glass);
      },
    }),
  ];
}

/** As a reviewer sees it: of the patients only how the reviewer's own trust names them. */
export function glassJson(
  { projection: { db }, clock, config }: Parts,
  { principal, saw }: Pick<Sight, 'principal' | 'saw'>,
  glass: Glass,
) {
  const own = glass.patients.flatMap((text): Identity[] => {
    const key = keyOfText(text);
    const isOwn = key !== null && (principal.trust === null || key.trust === principal.trust);
    const found = isOwn ? findIdentity(db, key) : undefined;
    return found === undefined ? [] : [found];
  });
  const patients = [...new Set(own.map(auditedPatient))];
  saw({ patients, studies: [], homes: own.map(({ trust }) => trust) });
  const { id, by, reason, words, isSensitive = false, openedAt, until, reviews } = glass;
  const due = reviewDue(openedAt, new Set(config.alerts.bankHolidays));
  const owed = owedBy(glass);
  return {
    ...{ id, by, reason, words, isSensitive, openedAt, until, patients, reviews },
    // Which other trusts hold records of the patient is not told on.
    owedBy: owed.filter((trust) => isTold(principal, glass, trust)),
    dueAt: rfc3339(due),
    overdue: owed.length > 0 && clock.now() > due,
  };
}

const isTold = ({ trust }: Principal, { by }: Glass, of: string): boolean =>
  trust === null || trust === of || by.trust === of;

function restrictionRoutes(parts: Parts): ApiRoute[] {
  const common = { action: 'restrict', audit: 'restriction' } as const;
  return [
    apiRoute({
      ...{ method: 'PUT', path: '/api/restrictions', ...common },
      summary: 'Keeps a record of the trust closer than others, or not any more',
      query: NoQuery,
      body: schemas.RestrictionBody,
      answer: { status: 200, schema: schemas.RestrictionAnswer },
      problems: ['VALIDATION_FAILED', 'RESTRICTION_FORBIDDEN', 'LOG_CONFLICT'],
      run: async ({ body, principal, saw }) => {
        const { trust, patient, studyInstanceUID = null, level, kind, reason } = body;
        const key = patient && { patientId: patient.patientId, issuer: patient.issuer ?? trust };
        saw({
          patients: key === undefined ? [] : [`${key.patientId}^^^${key.issuer}`],
          studies: studyInstanceUID === null ? [] : [studyInstanceUID],
          homes: [trust],
        });
        const given = { trust, patient: key ?? null, studyInstanceUID, level, kind, reason };
        const { v: _v, ...restriction } = await parts.relations.restrict(principal, given);
        return restriction;
      },
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/restrictions', ...common },
      summary: 'What is restricted, newest first',
      query: schemas.PageOnly,
      answer: { status: 200, schema: schemas.RestrictionsAnswer },
      problems: [],
      run: ({ query: page, principal, saw }) => {
        const found = listRestrictions(parts.projection.db, principal.trust, page);
        saw({ patients: [], studies: [], homes: found.restrictions.map(({ trust }) => trust) });
        const restrictions = found.restrictions.map(({ v: _v, streamSeq: _s, ...one }) => one);
        return { restrictions, total: found.total, ...page };
      },
    }),
  ];
}

function meetingRoutes(parts: Parts): ApiRoute[] {
  const { relations, clock } = parts;
  const { db } = parts.projection;
  const common = { action: 'meet', audit: 'mdt-list' } as const;
  const answer = { status: 200, schema: schemas.MeetingAnswer };
  const problems = ['MDT_LIST_UNKNOWN', 'MDT_LIST_FORBIDDEN', 'PATIENT_UNKNOWN', 'LOG_CONFLICT'];
  return [
    apiRoute({
      ...{ method: 'POST', path: '/api/mdt-lists', ...common },
      summary: 'Plans a meeting of one or several trusts',
      query: NoQuery,
      body: schemas.MeetingBody,
      answer: { ...answer, status: 201 },
      problems: ['VALIDATION_FAILED', 'MDT_LIST_FORBIDDEN'],
      run: async ({ body, ...sight }) =>
        meetingJson(parts, sight, await relations.planMeeting(sight.principal, body)),
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/mdt-lists', action: 'view', audit: 'mdt-list' },
      summary: "Meetings of the asker's trust, the next first",
      query: schemas.PageOnly,
      answer: { status: 200, schema: schemas.MeetingsAnswer },
      problems: [],
      run: ({ query: page, ...sight }) => {
        const asked = { trust: sight.principal.trust, since: monthAgo(clock.now()) };
        const { lists, total } = listMdtLists(db, asked, page);
        return { lists: lists.map((list) => meetingJson(parts, sight, list)), total, ...page };
      },
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/mdt-lists/:id/patients', ...common },
      summary: 'Puts a patient on the list: it concerns the people of all trusts that meet',
      query: NoQuery,
      body: schemas.ListedPatientBody,
      ...{ answer, problems },
      run: async ({ path, body: { question, ...whom }, ...sight }) => {
        const persons = personsMeant(db, withoutUndefined(whom));
        const person = persons.length === 1 ? persons[0] : undefined;
        const id = path['id'] ?? '';
        const list = await relations.putOnList(sight.principal, id, { person, question });
        return meetingJson(parts, sight, list);
      },
    }),
    apiRoute({
      ...{ method: 'DELETE', path: '/api/mdt-lists/:id/patients/:place', ...common },
      summary: 'Takes the patient at this place, from 0, off the list',
      query: NoQuery,
      ...{ answer, problems },
      run: async ({ path, ...sight }) => {
        const at = Number(/^\d{1,4}$/.exec(path['place'] ?? '')?.[0] ?? -1);
        const list = await relations.takeOffList(sight.principal, path['id'] ?? '', at);
        return meetingJson(parts, sight, list);
      },
    }),
  ];
}

const MONTH_MS = 30 * 86_400_000;
export const monthAgo = (now: number): string => rfc3339(now - MONTH_MS).slice(0, 10);

/** Patients as the asker may see them: of one who is restricted the place on the list is all. */
export function meetingJson(
  { projection: { db } }: Pick<Parts, 'projection'>,
  { discloser, saw }: Pick<Sight, 'discloser' | 'saw'>,
  { listId, trust, name, meetsOn, trusts, patients }: MdtList,
) {
  return {
    ...{ listId, trust, name, meetsOn, trusts },
    patients: patients.map(({ key, question, by, at }) => {
      const isShown = discloser.record(key).kind === 'shown';
      const found = isShown ? findIdentity(db, key) : undefined;
      if (found !== undefined)
        saw({ patients: [auditedPatient(found)], studies: [], homes: [found.trust] });
      const { nhsNumber = null, name: patientName = null, birthDate = null } = found ?? {};
      const patient = { nhsNumber, name: patientName, birthDate: isoDate(birthDate) };
      return { ...patient, ...{ question, by, at } };
    }),
  };
}
