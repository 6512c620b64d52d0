/** FHIR R4 AuditEvent: the audit trail for other systems, such as a trust's or a national patient audit service. */
import * as z from 'zod';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { numbersOfPerson } from '../audit/subjects.ts';
import { auditEventResource, patientOfToken } from '../fhir/audit-event.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { FHIR_JSON, PageQuery, rangeOf, sendOne, sendSet, Values } from './routes-fhir.ts';
import { NoQuery } from './schemas.ts';

const RESOURCE = { status: 200, schema: FHIR_JSON } as const;
const Text = z.string().trim().min(1).max(200).optional();

/** A trust's own people see what concerns the trust. */
export function auditEventRoutes(
  parts: Pick<HttpParts, 'audit' | 'config' | 'projection' | 'scheduling' | 'clock'>,
): ApiRoute[] {
  const { audit } = parts;
  const common = { method: 'GET', action: 'audit', audit: 'audit', answer: RESOURCE } as const;
  return [
    apiRoute({
      ...common,
      path: '/fhir/AuditEvent',
      summary: 'Who did what to whose data, newest first',
      query: z.strictObject({
        patient: Text.describe('NHS number, or system|number'),
        'patient.identifier': Text,
        agent: Text.describe('the name of a person or machine'),
        'agent-name': Text,
        date: Values,
        _upTo: z.coerce
          .number()
          .pipe(z.int().min(0))
          .optional()
          .describe('of a next link: what came since is left out'),
        ...PageQuery,
      }),
      problems: ['VALIDATION_FAILED'],
      run: ({ query, principal, saw, reply, request }) => {
        const { _count: count, _offset: offset } = query;
        const patient = patientOf(query.patient ?? query['patient.identifier']);
        const numbers =
          patient === undefined ? undefined : numbersOfPerson(parts.projection.db, patient);
        saw({ patients: patient === undefined ? [] : [patient], studies: [], homes: [] });
        const { from, to } = rangeOf('date', query.date);
        const { events, total } = audit.find(
          {
            ...{ patient: numbers, user: query.agent ?? query['agent-name'] },
            ...{ from: milliseconds(from), to: milliseconds(to) },
            ...{ trust: principal.trust ?? undefined, upTo: query._upTo },
          },
          { limit: count, offset },
        );
        const resources = events.map(auditEventResource);
        const upTo = String(query._upTo ?? events[0]?.seq ?? 0);
        const found = { resources, total, count, offset, also: { _upTo: upTo } };
        return sendSet(parts, { reply, request }, found);
      },
    }),
    apiRoute({
      ...common,
      path: '/fhir/AuditEvent/:id',
      summary: 'One event of the audit trail',
      ...{ query: NoQuery, problems: ['NOT_FOUND'] },
      run: ({ path: { id = '' }, principal, saw, reply }) => {
        const seq = /^[1-9]\d{0,14}$/.test(id) ? Number(id) : 0;
        const filter = { seq, trust: principal.trust ?? undefined };
        const [event] = audit.find(filter, { limit: 1, offset: 0 }).events;
        if (event === undefined) throw new HttpProblem('NOT_FOUND', 'There is no such AuditEvent.');
        saw(event);
        return sendOne(reply, auditEventResource(event));
      },
    }),
  ];
}

const milliseconds = (time: string | null): number | undefined =>
  time === null ? undefined : Date.parse(time);

/** @throws HttpProblem `VALIDATION_FAILED` */
function patientOf(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const patient = patientOfToken(token);
  if (patient === null)
    throw new HttpProblem('VALIDATION_FAILED', 'query.patient: a number, or system|number');
  return readNhsNumber(patient) ?? patient;
}
