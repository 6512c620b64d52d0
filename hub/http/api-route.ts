/**
 * A route of the API as data: what it takes, who may use it, what it answers. One list of them is
 * both served and described in /api/openapi.json, so the two can not differ.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type * as z from 'zod';
import { type AuditedRoute, audited, type Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { validate } from './validate.ts';

export interface ApiRoute extends AuditedRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `:name` for what varies. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly answer: { readonly status: number; readonly schema: z.ZodType | string };
  /** Codes of the problems that are its own. */
  readonly problems: readonly string[];
  run(call: ApiCall<unknown, unknown>): Promise<unknown> | unknown;
}

export interface ApiCall<Q, B> extends Sight {
  readonly query: Q;
  readonly body: B;
  readonly path: Readonly<Record<string, string>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

type Typed<Q extends z.ZodType, B extends z.ZodType> = Omit<ApiRoute, 'query' | 'body' | 'run'> & {
  readonly query?: Q;
  readonly body?: B;
  run(call: ApiCall<z.output<Q>, z.output<B>>): Promise<unknown> | unknown;
};

/** Ties the types of `run` to the schemas. */
export function apiRoute<Q extends z.ZodType, B extends z.ZodType>(route: Typed<Q, B>): ApiRoute {
  return route as unknown as ApiRoute;
}

export function serveApiRoute(
  app: FastifyInstance,
  parts: Pick<HttpParts, 'access' | 'audit' | 'disclosure'>,
  route: ApiRoute,
): void {
  app.route({
    method: route.method,
    url: route.path,
    exposeHeadRoute: false,
    handler: (request, reply) =>
      audited(parts, request, route, (sight) => {
        const query = route.query ? validate(route.query, request.query, 'query') : {};
        const body = route.body ? validate(route.body, request.body ?? {}, 'body') : {};
        const path = request.params as Record<string, string>;
        reply.status(route.answer.status);
        return route.run({ ...sight, query, body, path, request, reply });
      }),
  });
}
