/** Who has seen whom: the audit trail, asked by patient, user, study and time. A trust's people see what concerns their trust. */
import * as z from 'zod';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { numbersOfPerson } from '../audit/subjects.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { AuditAnswer, PageShape } from './schemas.ts';

const Text = z.string().trim().min(1).max(200);
const Time = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .describe('RFC 3339');

const AuditQuery = z.strictObject({
  patient: Text.describe('NHS number, or number^^^issuer').optional(),
  user: Text.optional(),
  study: Text.describe('Study Instance UID').optional(),
  from: Time.optional(),
  to: Time.optional(),
  ...PageShape,
});

export function auditRoute({
  audit,
  projection,
}: Pick<HttpParts, 'audit' | 'projection'>): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/api/audit',
    summary: 'Who did what to whose data, newest first',
    action: 'audit',
    audit: 'audit',
    query: AuditQuery,
    answer: { status: 200, schema: AuditAnswer },
    problems: ['VALIDATION_FAILED'],
    run: ({ query: { limit, offset, patient, ...rest }, principal, saw }) => {
      const numbers =
        patient === undefined
          ? undefined
          : numbersOfPerson(projection.db, readNhsNumber(patient) ?? patient);
      const trust = principal.trust ?? undefined;
      const found = audit.find({ ...rest, patient: numbers, trust }, { limit, offset });
      saw({ patients: numbers?.slice(0, 1) ?? [], studies: [], homes: [] });
      return { ...found, limit, offset };
    },
  });
}
