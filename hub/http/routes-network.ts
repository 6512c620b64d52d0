/** The network itself: how complete the hub's view is, enrolment, keys, health. */
import * as z from 'zod';
import { EnrolReplySchema, EnrolRequestSchema } from '../../shared/contract/enrol.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { answeredJson } from './routes-studies.ts';
import { CompletenessAnswer, NoQuery } from './schemas.ts';

export function networkRoutes(parts: HttpParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/api/completeness',
      summary: 'Per trust: what it holds, what this hub holds of it, and whether that is equal',
      action: 'watch',
      audit: null,
      query: NoQuery,
      answer: { status: 200, schema: CompletenessAnswer },
      problems: [],
      run: () => ({
        trusts: parts.projection.completeness(),
        answered: answeredJson(parts.fleet.answered()),
      }),
    }),
    apiRoute({
      method: 'POST',
      path: '/api/enrol',
      summary: "Takes a one-time token for an edge's credentials",
      action: null,
      audit: 'enrolment',
      query: NoQuery,
      body: EnrolRequestSchema,
      answer: { status: 200, schema: EnrolReplySchema },
      problems: ['VALIDATION_FAILED', 'TOKEN_INVALID'],
      run: ({ body, saw }) => {
        saw({ patients: [], studies: [], homes: [body.trust] });
        return parts.enrol(body);
      },
    }),
    apiRoute({
      method: 'GET',
      path: '/.well-known/jwks.json',
      summary: 'The public keys that transfer tickets are signed with (RFC 7517)',
      action: null,
      audit: null,
      answer: { status: 200, schema: z.object({ keys: z.array(z.looseObject({})) }) },
      problems: [],
      run: () => parts.ticketKeys(),
    }),
    ...healthRoutes(parts),
  ];
}

const Health = z.object({ status: z.literal('ok') });

function healthRoutes({ projection }: HttpParts): ApiRoute[] {
  return [
    apiRoute({
      method: 'GET',
      path: '/health/live',
      summary: 'The program answers',
      action: null,
      audit: null,
      answer: { status: 200, schema: Health },
      problems: [],
      run: () => ({ status: 'ok' }),
    }),
    apiRoute({
      method: 'GET',
      path: '/health/ready',
      summary: 'Events of the network are being applied',
      action: null,
      audit: null,
      answer: { status: 200, schema: Health },
      problems: ['NOT_READY'],
      run: () => {
        if (projection.connected()) return { status: 'ok' };
        throw new HttpProblem('NOT_READY', 'The hub is not connected to the log of the network.');
      },
    }),
  ];
}
