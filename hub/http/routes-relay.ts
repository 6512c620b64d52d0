/**
 * `/relay/v1/…`: where edges wait, and where others read from them. hub/relay.
 *
 * Not part of the API: only edges speak it, each with what the hub signed for it.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { RELAY_PATH, RELAY_PROTOCOL, RELAY_WAIT_PATH } from '../../shared/contract/relay.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Relay } from '../relay/relay.ts';
import { edgeOf } from './edge-certificate.ts';

/** NATs and firewalls forget a connection on which nothing happens. */
const KEEP_ALIVE_MS = 20_000;

export async function serveRelay(
  app: FastifyInstance,
  { relay, log }: { relay: Relay; log: Log },
): Promise<void> {
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    void admit(request, socket, { relay, log });
  });
  app.addHook('preClose', async () => relay.waiting.end());
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.route({
      method: ['GET', 'POST', 'DELETE'],
      url: `${RELAY_PATH}/:ods/transfer/v1/*`,
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        const { ods } = request.params as { ods: string };
        const path = request.url.slice(request.url.indexOf('/transfer/v1/'));
        const { method, headers, raw } = request;
        const reader = edgeOf(raw.socket);
        const answer = await relay.pass(ods, { method, path, headers, body: raw, reader });
        return reply.status(answer.status).type(answer.contentType).send(answer.body);
      },
    });
  });
}

async function admit(
  request: IncomingMessage,
  socket: Duplex,
  { relay, log }: { relay: Relay; log: Log },
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const isOurs = request.url === RELAY_WAIT_PATH && request.headers.upgrade === RELAY_PROTOCOL;
  if (!isOurs) {
    socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    return;
  }
  try {
    const ods = await relay.admit(request.headers.authorization, edgeOf(socket));
    const connection = socket as Socket;
    connection.setTimeout(0);
    connection.setNoDelay(true);
    connection.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${RELAY_PROTOCOL}\r\n\r\n`,
    );
    relay.waiting.add(ods, socket);
  } catch (error) {
    log.warn('relay.refused', { code: codeOf(error) });
    socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\n\r\n');
  }
}
