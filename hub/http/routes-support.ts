/** Support bundles of edges: asked for, listed, fetched by staff; brought by edges. */
import { createReadStream } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { BUNDLE_TYPE, SUPPORT_PATH } from '../../shared/contract/support.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { requireOwnTrust } from './routes-fleet.ts';
import { NoQuery } from './schemas.ts';

export const SupportInput = z.strictObject({ reason: z.string().trim().min(1).max(500) });

const Time = z.iso.datetime();
const BundlesAnswer = z.object({
  bundles: z.array(
    z.object({
      ...{ id: z.uuid(), trust: z.string(), reason: z.string(), askedBy: z.string() },
      ...{ askedAt: Time, state: z.enum(['asked', 'received', 'failed', 'expired']) },
      ...{ receivedAt: Time.nullable(), bytes: z.int().nullable() },
      sha256: z.string().nullable(),
      problem: z.object({ code: z.string(), detail: z.string() }).nullable(),
    }),
  ),
});

export function supportRoutes({ support }: Pick<HttpParts, 'support'>): ApiRoute[] {
  const common = { action: 'fleet', audit: 'export' } as const;
  return [
    apiRoute({
      ...{ method: 'POST', path: '/api/fleet/:trust/support', ...common },
      summary: 'Asks the edge for a support bundle, without a patient or a key',
      body: SupportInput,
      answer: { status: 202, schema: z.object({ id: z.uuid() }) },
      problems: ['VALIDATION_FAILED', 'TRUST_UNKNOWN', 'FORBIDDEN', 'LOG_UNAVAILABLE'],
      run: async ({ path: { trust = '' }, body, principal }) => {
        requireOwnTrust(principal, trust);
        return { id: await support.ask(trust, { reason: body.reason, by: principal.name }) };
      },
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/fleet/:trust/support', ...common, audit: null },
      summary: 'Support bundles of the edge, the newest first; they are kept for 14 days',
      query: NoQuery,
      answer: { status: 200, schema: BundlesAnswer },
      problems: ['FORBIDDEN'],
      run: ({ path: { trust = '' }, principal }) => {
        requireOwnTrust(principal, trust);
        return { bundles: support.list(trust) };
      },
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/fleet/:trust/support/:id', ...common },
      summary: 'The bundle itself',
      query: NoQuery,
      answer: { status: 200, schema: BUNDLE_TYPE },
      problems: ['BUNDLE_UNKNOWN', 'FORBIDDEN'],
      run: ({ path: { trust = '', id = '' }, principal, reply }) => {
        requireOwnTrust(principal, trust);
        const { file, bytes, askedAt } = support.find(trust, id);
        const name = `cdip-${trust}-support-${askedAt.slice(0, 10)}.tar.gz`;
        reply.type(BUNDLE_TYPE).header('content-disposition', `attachment; filename="${name}"`);
        reply.header('content-length', bytes ?? undefined);
        return createReadStream(file);
      },
    }),
  ];
}

/** No part of the API: an edge brings what it was asked for, with what the hub signed for that. */
export async function serveSupport(
  app: FastifyInstance,
  { support }: Pick<HttpParts, 'support'>,
): Promise<void> {
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.put(`${SUPPORT_PATH}/:id`, async (request, reply) => {
      const { authorization, 'content-type': contentType, ...headers } = request.headers;
      const digest = headers['content-digest'];
      await support.receive({
        ...{ id: (request.params as { id: string }).id, authorization, contentType },
        contentDigest: typeof digest === 'string' ? digest : undefined,
        ...{ address: request.ip, body: request.raw },
      });
      return reply.status(204).send();
    });
  });
}
