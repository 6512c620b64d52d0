/** Teaching files: marked, found, read, withdrawn. What is to be learnt is asked for by itself. */

import { listCases } from '../teaching/cases.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { NoQuery } from './schemas.ts';
import * as schemas from './schemas-teaching.ts';
import { findDisclosedStudy } from './teaching-study.ts';
import { pendingFor, teachingJson } from './teaching-view.ts';

export function teachingRoutes(parts: HttpParts): ApiRoute[] {
  const { teaching, projection } = parts;
  return [
    apiRoute({
      ...{ method: 'POST', path: '/api/teaching', action: 'teach', audit: 'teaching' },
      summary: 'Marks a study for teaching: its home de-identifies it into the collection',
      query: NoQuery,
      body: schemas.TeachingBody,
      answer: { status: 202, schema: schemas.TeachingAnswer },
      problems: [
        ...['STUDY_UNKNOWN', 'STUDY_WITHDRAWN', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
        ...['NOTE_NAMES_PATIENT', 'TEACHING_RESTRICTED', 'TEACHING_FORBIDDEN', 'HOME_AMBIGUOUS'],
      ],
      run: async ({ body, principal, reply, ...sight }) => {
        const { studyInstanceUID, home, ...note } = body;
        const study = findDisclosedStudy(parts, sight, studyInstanceUID, home);
        const given = { study, note, discloser: sight.discloser };
        const file = await teaching.mark(principal, given);
        reply.header('location', `/api/teaching/${file.caseId}`);
        return teachingJson(teaching.require(principal, file.caseId), principal);
      },
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/teaching', action: 'learn', audit: null },
      summary: 'Teaching files, the newest first, without what is to be learnt',
      query: schemas.TeachingQuery,
      answer: { status: 200, schema: schemas.TeachingListAnswer },
      problems: [],
      run: ({ query: { limit, offset, state, ...query }, principal }) => {
        const page = { limit, offset };
        const whose = state === 'pending' ? pendingFor(principal) : {};
        const { cases, total } = listCases(projection.db, { ...query, ...whose }, page);
        return { cases: cases.map((one) => teachingJson(one, principal)), total, ...page };
      },
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/teaching/:id', action: 'learn', audit: 'teaching' },
      summary: 'One teaching file, without what is to be learnt',
      query: NoQuery,
      answer: { status: 200, schema: schemas.TeachingAnswer },
      problems: ['TEACHING_UNKNOWN'],
      run: ({ path, principal }) =>
        teachingJson(teaching.require(principal, path['id'] ?? ''), principal),
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/teaching/:id/answer', action: 'learn', audit: null },
      summary: 'What is to be learnt of it',
      query: NoQuery,
      answer: { status: 200, schema: schemas.TeachingNoteAnswer },
      problems: ['TEACHING_UNKNOWN'],
      run: ({ path, principal }) => {
        const { file } = teaching.require(principal, path['id'] ?? '');
        return { id: file.caseId, answer: file.note.answer };
      },
    }),
    apiRoute({
      ...{ method: 'DELETE', path: '/api/teaching/:id', action: 'learn', audit: 'teaching' },
      summary: 'Takes it out of the collection for good: its author, or the role privacy',
      query: NoQuery,
      body: schemas.WithdrawTeachingBody,
      answer: { status: 200, schema: schemas.TeachingAnswer },
      problems: ['TEACHING_UNKNOWN', 'TEACHING_FORBIDDEN', 'TEACHING_ENDED', 'LOG_CONFLICT'],
      run: async ({ path, body, principal, saw }) => {
        const id = path['id'] ?? '';
        const { studyInstanceUID, home } = await teaching.withdraw(principal, id, body.reason);
        saw({ patients: [], studies: [studyInstanceUID], homes: [home] });
        return teachingJson(teaching.require(principal, id), principal);
      },
    }),
  ];
}
