/** OpenAPI 3.1, made of the routes that are served: their zod schemas are both check and description. */
import * as z from 'zod';
import { VERSION } from '../../shared/version.ts';
import { ACTIONS, type Action, wordsOf } from '../access/rules.ts';
import type { ApiRoute } from './api-route.ts';
import { ProblemSchema } from './schemas.ts';

type Json = Record<string, unknown>;

export function describeApi(routes: readonly ApiRoute[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Converged Digital Imaging Platform: hub',
      version: VERSION,
      description:
        'Times are RFC 3339 UTC, dates YYYY-MM-DD. Errors are RFC 9457 problem details with a stable code. ' +
        'Answers over several trusts carry `answered`: who is missing, and how old what is shown is.',
    },
    paths,
    components: {
      schemas: { Problem: schemaOf(ProblemSchema, 'output') },
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer' },
        client: {
          type: 'oauth2',
          flows: { clientCredentials: { tokenUrl: '/oauth/token', scopes: SCOPES } },
        },
        session: { type: 'apiKey', in: 'cookie', name: 'cdip-session' },
      },
    },
  };
}

function operationOf(route: ApiRoute): Json {
  const { status, schema } = route.answer;
  const content =
    typeof schema === 'string'
      ? { [schema]: {} }
      : { 'application/json': { schema: schemaOf(schema, 'output') } };
  const problem = { $ref: '#/components/schemas/Problem' };
  return {
    summary: route.summary,
    parameters: [...pathParameters(route.path), ...queryParameters(route.query)],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }),
    responses: {
      [status]: { description: route.summary, content },
      default: {
        description: ['Problem.', ...route.problems].join(' '),
        content: { 'application/problem+json': { schema: problem } },
      },
    },
    security: securityOf(route.action),
  };
}

/** A person's own deeds have no scope: no machine does them. */
function securityOf(action: Action | null): Json[] {
  if (action === null) return [];
  const scope = ACTIONS.find((one) => one === action);
  const machine = scope === undefined ? [] : [{ apiKey: [] }, { client: [scope] }];
  return [...machine, { session: [] }];
}

const SCOPES = Object.fromEntries(ACTIONS.map((action) => [action, wordsOf(action)]));

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function queryParameters(query: z.ZodType | undefined): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(schema['description'] === undefined ? {} : { description: schema['description'] }),
    schema,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return json;
}
