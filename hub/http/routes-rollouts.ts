/** Builds of the edge that this hub keeps, and their rollouts; and where edges take a build from. */
import { createReadStream } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import * as z from 'zod';
import { RELEASES_PATH } from '../../shared/contract/releases.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import { RolloutSchema } from '../releases/rollout.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { NoQuery } from './schemas.ts';

const Reason = z.string().trim().min(1).max(500);

export const RolloutInput = z.strictObject({
  sha256: z.string().describe('of a build of /api/releases'),
  canary: ODSCode.describe('the first ring'),
  second: z
    .array(ODSCode)
    .min(1)
    .max(3)
    .optional()
    .describe('the second ring; absent: the first three of the others. The rest is the third'),
  gateMinutes: z.number().min(0).max(20_160).default(30).describe('so long a ring has to be well'),
  patienceMinutes: z
    .number()
    .min(1)
    .max(20_160)
    .default(60)
    .describe('an edge that is silent or gets nowhere for so long holds the rollout up'),
  reason: Reason,
});
export const LeaveOutInput = z.strictObject({ trust: ODSCode, reason: Reason });
export const StopInput = z.strictObject({ reason: Reason });
const GoOnInput = z.strictObject({
  again: z
    .array(ODSCode)
    .default([])
    .describe('edges in trouble that are told once more; the others in trouble are left out'),
});

const NumberAnswer = z.object({ number: z.int() });
const Releases = z.object({
  releases: z.array(
    z.object({
      ...{ sha256: z.string(), version: z.string(), architecture: z.string() },
      ...{ bytes: z.int(), addedAt: z.iso.datetime() },
    }),
  ),
});
const RolloutsAnswer = z.object({
  rollouts: z.array(
    RolloutSchema.omit({ signature: true }).extend({
      edges: z.array(
        z.object({
          ...{ trust: ODSCode, ring: z.int(), version: z.string().nullable() },
          is: z.enum([
            ...(['later', 'left-out', 'told', 'downloading', 'waiting', 'installing'] as const),
            ...(['well', 'trouble'] as const),
          ]),
          ...{ code: z.string(), detail: z.string() },
        }),
      ),
    }),
  ),
});

export function rolloutRoutes({
  releases,
  rollouts,
}: Pick<HttpParts, 'releases' | 'rollouts'>): ApiRoute[] {
  const common = { action: 'fleet', audit: 'fleet' } as const;
  const problems = [
    ...['VALIDATION_FAILED', 'ROLLOUT_UNKNOWN', 'ROLLOUT_STATE', 'ROLLOUT_FORBIDDEN'],
    'LOG_CONFLICT',
  ];
  const numberOf = (path: Readonly<Record<string, string>>): number => Number(path['number']);
  return [
    apiRoute({
      ...{ method: 'GET', path: '/api/releases', ...common, audit: null },
      summary: 'Builds of the edge that this hub can send, the newest first',
      query: NoQuery,
      answer: { status: 200, schema: Releases },
      problems: [],
      run: () => ({ releases: releases.list().map(({ signature: _, ...shown }) => shown) }),
    }),
    apiRoute({
      ...{ method: 'GET', path: '/api/rollouts', ...common, audit: null },
      summary: 'Rollouts of builds, the newest first, and how each edge stands',
      query: NoQuery,
      answer: { status: 200, schema: RolloutsAnswer },
      problems: [],
      run: () => ({ rollouts: rollouts.list().map(({ signature: _, ...shown }) => shown) }),
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/rollouts', ...common },
      summary: 'Proposes a build for all edges: one, three, then the rest',
      body: RolloutInput,
      answer: { status: 201, schema: NumberAnswer },
      problems: [...problems, 'RELEASE_UNKNOWN', 'TRUST_UNKNOWN'],
      run: async ({ body, principal }) => ({
        number: await rollouts.propose({ ...body, second: body.second }, principal),
      }),
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/rollouts/:number/approve', ...common },
      summary: 'Approves what somebody else proposed: the first ring is told',
      answer: { status: 202, schema: NumberAnswer },
      problems: [...problems, 'APPROVAL_FORBIDDEN'],
      run: async ({ path, principal }) => {
        await rollouts.approve(numberOf(path), principal);
        return { number: numberOf(path) };
      },
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/rollouts/:number/go-on', ...common },
      summary: 'What stands still goes on; edges in trouble are left out, or told once more',
      body: GoOnInput,
      answer: { status: 202, schema: NumberAnswer },
      problems,
      run: async ({ path, body, principal }) => {
        await rollouts.goOn(numberOf(path), body.again, principal);
        return { number: numberOf(path) };
      },
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/rollouts/:number/leave-out', ...common },
      summary: 'An edge does not hold the others up',
      body: LeaveOutInput,
      answer: { status: 202, schema: NumberAnswer },
      problems: [...problems, 'TRUST_UNKNOWN'],
      run: async ({ path, body, principal }) => {
        await rollouts.leaveOut(numberOf(path), body, principal);
        return { number: numberOf(path) };
      },
    }),
    apiRoute({
      ...{ method: 'POST', path: '/api/rollouts/:number/stop', ...common },
      summary: 'Nobody else gets the build; what is not installed yet is taken back',
      body: StopInput,
      answer: { status: 202, schema: NumberAnswer },
      problems,
      run: async ({ path, body, principal }) => {
        await rollouts.end(numberOf(path), body.reason, principal);
        return { number: numberOf(path) };
      },
    }),
  ];
}

/** No part of the API: only edges ask, and only for what a command told them. The rest of one that was cut, by Range. */
export function serveReleases(
  app: FastifyInstance,
  { releases }: Pick<HttpParts, 'releases'>,
): void {
  app.route({
    method: 'GET',
    url: `${RELEASES_PATH}/:sha256`,
    exposeHeadRoute: false,
    handler: async (request, reply) => {
      const { sha256 } = request.params as { sha256: string };
      const release = releases.find(sha256);
      if (release === undefined) throw new HttpProblem('NOT_FOUND', 'There is no such build.');
      const { bytes } = release;
      const from = Number(/^bytes=(\d{1,15})-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
      reply.type('application/vnd.debian.binary-package').header('accept-ranges', 'bytes');
      if (from >= bytes)
        return reply.status(416).header('content-range', `bytes */${bytes}`).send('');
      if (from > 0)
        reply.status(206).header('content-range', `bytes ${from}-${bytes - 1}/${bytes}`);
      reply.header('content-length', bytes - from);
      return reply.send(createReadStream(releases.fileOf(release), { start: from }));
    },
  });
}
