/**
 * Transfers and DICOMweb for readers that come by the hub's relay: the same routes, and nothing else of this
 * edge, on connections that the edge has dialled itself. Each with a ticket: nobody there is of this machine.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { type DicomWebParts, serveDicomWeb } from './routes-dicomweb.ts';
import type { TransferParts } from './routes-transfer.ts';
import { serveTransfers } from './routes-transfer.ts';

/** @param app answers errors as the edge's own does; it listens nowhere */
export async function relayedServer(
  app: FastifyInstance,
  parts: TransferParts & DicomWebParts,
): Promise<(connection: Socket, onUsed: () => void) => void> {
  serveTransfers(app, parts);
  serveDicomWeb(app, parts, { isRelayed: true });
  await app.ready();
  const { server } = app;
  // Such a connection waits for its one request as long as it may.
  server.headersTimeout = 0;
  server.requestTimeout = 0;
  const waiting = new WeakMap<object, () => void>();
  server.on('request', ({ socket }: IncomingMessage) => waiting.get(socket)?.());
  return (connection, onUsed) => {
    waiting.set(connection, onUsed);
    server.emit('connection', connection);
  };
}
