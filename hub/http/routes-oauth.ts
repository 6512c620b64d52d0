/**
 * Tokens for machines: OAuth 2.0 client credentials. RFC 6749 §4.4, RFC 8414.
 *
 *   client id + secret (Basic, or in the form) ─► POST /oauth/token ─► Bearer token, 15 minutes
 *
 * Errors are those of RFC 6749 §5.2, which OAuth libraries read; `code` is ours.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import { ACTIONS, type Principal } from '../access/rules.ts';
import { httpUrlOf } from '../config.ts';
import { NOBODY, recordSignIn } from './audited.ts';
import { type Form, readForm } from './forms.ts';
import type { HttpParts } from './parts.ts';
import type { TryLimits } from './try-limits.ts';

const TOKEN_PATH = '/oauth/token';

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
      const issued = parts.access.machines.issue({ ...client, scope: form['scope'] });
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
    const { port = 0 } = request.socket.address() as { port?: number };
    const issuer = httpUrlOf(parts.config, port);
    return {
      ...{ issuer, token_endpoint: `${issuer}${TOKEN_PATH}`, scopes_supported: ACTIONS },
      ...{ grant_types_supported: ['client_credentials'], response_types_supported: [] },
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    };
  });
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
function clientOf(request: FastifyRequest, form: Form): { id: string; secret: string } | null {
  const { client_id: id, client_secret: secret } = form;
  const header = request.headers.authorization;
  if (header === undefined) return id === undefined || secret === undefined ? null : { id, secret };
  const encoded = /^Basic +([A-Za-z0-9+/=]+) *$/i.exec(header)?.[1];
  if (encoded === undefined || secret !== undefined) return null;
  const [, name = '', word] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  if (word === undefined) return null;
  const decoded = { id: formDecoded(name), secret: formDecoded(word) };
  return id === undefined || id === decoded.id ? decoded : null;
}

const formDecoded = (text: string): string => new URLSearchParams(`v=${text}`).get('v') ?? '';
