/**
 * Tokens for machines: OAuth 2.0 client credentials. RFC 6749 §4.4, RFC 8414.
 *
 *   client id + secret (Basic, or in the form), or a JWT signed by the client (RFC 7523)
 *     ─► POST /oauth/token ─► Bearer token, 15 minutes
 *
 * Errors are those of RFC 6749 §5.2, which OAuth libraries read; `code` is ours.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import { ALGORITHMS } from '../access/client-assertions.ts';
import type { IssuedToken } from '../access/machines.ts';
import { ACTIONS, type Principal } from '../access/rules.ts';
import { httpUrlOf } from '../config.ts';
import { NOBODY, recordSignIn } from './audited.ts';
import { type Form, readForm } from './forms.ts';
import type { HttpParts } from './parts.ts';
import type { TryLimits } from './try-limits.ts';

const TOKEN_PATH = '/oauth/token';
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

interface Refusal {
  readonly status: 400 | 401;
  readonly error: 'invalid_request' | 'invalid_client' | 'invalid_scope' | 'unsupported_grant_type';
  readonly description: string;
}

export function serveTokens(app: FastifyInstance, parts: HttpParts, limits: TryLimits): void {
  app.post(TOKEN_PATH, async (request, reply) => {
    const form = readForm(request.body);
    const client = clientOf(request, form);
    await limits.count(request, client?.id ?? '');
    if (client === null)
      return refuse(reply, {
        ...INVALID_CLIENT,
        description: 'send client id and secret, one way',
      });
    if (form['grant_type'] !== 'client_credentials')
      return refuse(reply, {
        ...{ status: 400, error: 'unsupported_grant_type' },
        description: 'grant_type is client_credentials',
      });
    const record = (principal: Principal, code: string | null): void =>
      recordSignIn(parts.audit, request, { event: 'sign-in', principal, code });
    try {
      const issued = await issue(parts, issuerOf(parts, request), { client, form });
      record(issued.principal, null);
      return reply.send({
        ...{ access_token: issued.token, token_type: 'Bearer', expires_in: issued.seconds },
        scope: issued.scopes.join(' '),
      });
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      record({ ...NOBODY, name: client.id.slice(0, 100) }, codeOf(error));
      return refuse(reply, refusal);
    }
  });
  app.get('/.well-known/oauth-authorization-server', async (request) => {
    const issuer = issuerOf(parts, request);
    return {
      ...{ issuer, token_endpoint: `${issuer}${TOKEN_PATH}`, scopes_supported: ACTIONS },
      ...{ grant_types_supported: ['client_credentials'], response_types_supported: [] },
      token_endpoint_auth_methods_supported: [
        ...['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
      ],
      token_endpoint_auth_signing_alg_values_supported: ALGORITHMS,
    };
  });
}

type Client = { id: string; secret: string } | { id: string; assertion: string };

function issue(
  { access: { machines } }: HttpParts,
  issuer: string,
  { client, form }: { client: Client; form: Form },
): Promise<IssuedToken> | IssuedToken {
  const { scope } = form;
  if ('secret' in client) return machines.issue({ ...client, scope });
  const audiences = [issuer, `${issuer}${TOKEN_PATH}`];
  return machines.issueByKey({ ...client, audiences, scope });
}

function issuerOf({ config }: HttpParts, { socket }: FastifyRequest): string {
  const { port = 0 } = socket.address() as { port?: number };
  return httpUrlOf(config, port);
}

const INVALID_CLIENT = { status: 401, error: 'invalid_client' } as const;

function refusalOf(error: unknown): Refusal | null {
  const description = (error as Error).message;
  switch (codeOf(error)) {
    case 'CLIENT_INVALID':
      return { ...INVALID_CLIENT, description };
    case 'SCOPE_UNKNOWN':
      return { status: 400, error: 'invalid_scope', description };
    default:
      return null;
  }
}

function refuse(reply: FastifyReply, { status, error, description }: Refusal): FastifyReply {
  if (status === 401) void reply.header('www-authenticate', 'Basic realm="cdip"');
  return reply.status(status).send({ error, error_description: description });
}

/** RFC 6749 §2.3.1: in one of two places, never in both. */
function clientOf(request: FastifyRequest, form: Form): Client | null {
  const { client_id: id, client_secret: secret, client_assertion: assertion } = form;
  const header = request.headers.authorization;
  if (assertion !== undefined) {
    const isAlone = header === undefined && secret === undefined;
    const isJwt = form['client_assertion_type'] === ASSERTION_TYPE;
    return isAlone && isJwt ? { id: id ?? '', assertion } : null;
  }
  if (header === undefined) return id === undefined || secret === undefined ? null : { id, secret };
  const told = secret === undefined ? basicOf(header) : null;
  return told !== null && (id === undefined || id === told.id) ? told : null;
}

function basicOf(header: string): { id: string; secret: string } | null {
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1] ?? '';
  const told = Buffer.from(encoded, 'base64').toString();
  const [, name = '', word] = /^([^:]*):(.*)$/s.exec(told) ?? [];
  return word === undefined ? null : { id: formDecoded(name), secret: formDecoded(word) };
}

const formDecoded = (text: string): string => new URLSearchParams(`v=${text}`).get('v') ?? '';
