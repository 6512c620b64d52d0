/** Who has seen whom: the audit trail, asked by patient, user, study and time. A trust's people see what concerns their trust. */
import * as z from 'zod';
import { readNhsNumber } from '../../shared/nhs-number.ts';
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

export function auditRoute({ audit }: Pick<HttpParts, 'audit'>): ApiRoute {
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
      const number = patient === undefined ? undefined : (readNhsNumber(patient) ?? patient);
      const trust = principal.trust ?? undefined;
      const found = audit.find({ ...rest, patient: number, trust }, { limit, offset });
      saw({ patients: number === undefined ? [] : [number], studies: [], homes: [] });
      return { ...found, limit, offset };
    },
  });
}
