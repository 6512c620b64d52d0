/** Configurations of edges: proposed, approved by somebody else, and what became of them. */
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Principal } from '../access/rules.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { NoQuery } from './schemas.ts';

const ProposalBody = z.strictObject({
  changes: z
    .record(z.string().max(64), z.unknown())
    .refine((changes) => Object.keys(changes).length > 0, 'nothing would change')
    .describe('by key at the top of edge.yaml; null takes the key out'),
  reason: z.string().trim().min(1).max(500),
  returnSeconds: z
    .int()
    .min(10)
    .max(3_600)
    .default(180)
    .describe('an edge that does not reach the hub within it takes the one before again'),
});

const VersionAnswer = z.object({ trust: ODSCode, version: z.int() });
const ListAnswer = z.object({
  configurations: z.array(
    z.object({
      ...VersionAnswer.shape,
      changes: z.record(z.string(), z.unknown()),
      ...{ returnSeconds: z.int(), reason: z.string() },
      ...{ proposedBy: z.string(), proposedAt: z.iso.datetime() },
      ...{ approvedBy: z.string().nullable(), approvedAt: z.iso.datetime().nullable() },
      edge: z
        .object({
          version: z.int(),
          state: z.enum(['trial', 'kept', 'returned', 'refused']),
          at: z.iso.datetime(),
          reason: z.object({ code: z.string(), detail: z.string() }).nullable(),
        })
        .nullable(),
    }),
  ),
});

export function configurationRoutes({
  configurations,
}: Pick<HttpParts, 'configurations'>): ApiRoute[] {
  const trustOf = (path: Readonly<Record<string, string>>, principal: Principal): string => {
    const trust = path['trust'] ?? '';
    if (principal.trust === null || principal.trust === trust) return trust;
    throw new HttpProblem('FORBIDDEN', `People of ${principal.trust} look after its own edge.`);
  };
  const common = { action: 'fleet', audit: 'configuration' } as const;
  return [
    apiRoute({
      ...{ method: 'GET', path: '/api/configurations/:trust', ...common, audit: null },
      summary:
        'Configurations that were proposed for an edge, newest first, and what became of them',
      query: NoQuery,
      answer: { status: 200, schema: ListAnswer },
      problems: ['TRUST_UNKNOWN'],
      run: ({ path, principal }) => ({
        configurations: configurations.list(trustOf(path, principal)),
      }),
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/configurations/:trust', ...common },
      summary: 'Proposes other values for keys of an edge',
      body: ProposalBody,
      answer: { status: 201, schema: VersionAnswer },
      problems: ['VALIDATION_FAILED', 'TRUST_UNKNOWN', 'LOG_CONFLICT'],
      run: async ({ path, principal, body }) => {
        const trust = trustOf(path, principal);
        const version = await configurations.propose({ trust, ...body, by: principal.name });
        return { trust, version };
      },
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/configurations/:trust/:version/approve', ...common },
      summary: 'Approves what somebody else proposed: the edge tries it',
      answer: { status: 202, schema: VersionAnswer },
      problems: [
        'TRUST_UNKNOWN',
        'CONFIGURATION_UNKNOWN',
        'CONFIGURATION_ENDED',
        'APPROVAL_FORBIDDEN',
      ],
      run: async ({ path, principal }) => {
        const trust = trustOf(path, principal);
        const version = Number(path['version']);
        await configurations.approve(trust, version, principal.name);
        return { trust, version };
      },
    }),
  ];
}
