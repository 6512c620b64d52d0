/**
 * HTTP/1.1 and HTTP/2 at one port, by what the client says first (RFC 9113 §3.3, with prior knowledge): a proxy or a
 * DICOMweb client that speaks it asks for many frames over one connection.
 *
 *   connection ─► first bytes ─┬─ "PRI" ─► HTTP/2 ──┬─► the same handler
 *                              └─ others ─► HTTP/1.1 ┘
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { constants, createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** What no method of HTTP/1.1 begins with, of the 24 bytes that open HTTP/2. */
const PREFACE = Buffer.from('PRI');
/** Waited so long for the first bytes, and for the rest of a request of which nothing more comes. */
const REQUEST_MS = 60_000;
/** Longer than proxies keep theirs: of two ends that close at once the one that asks is told of a fault. */
const KEEP_ALIVE_MS = 72_000;

const ENDS = ['end', 'error', 'timeout'] as const;

export interface BothVersions {
  readonly server: Server;
  /** Connections without a request end, the others when their last answer has gone. */
  end(): void;
}

export function serveBothVersions(handler: RequestListener): BothVersions {
  const options = { keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: REQUEST_MS };
  const server = createServer(options, handler);
  const [serveHttp1] = server.listeners('connection');
  const http2 = createHttp2Server((request, response) => {
    // Which site is asked stands in a field of its own (RFC 9113 §8.3.1): whoever compares sites looks at the old one.
    request.headers.host ??= request.authority;
    request.setTimeout(REQUEST_MS, () => {
      if (!request.complete) request.stream.close(constants.NGHTTP2_CANCEL);
    });
    // Its requests and answers have the shape of the others.
    handler(request as never, response as never);
  });
  const sessions = new Set<ServerHttp2Session>();
  const undecided = new Set<Socket>();
  http2.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    session.setTimeout(KEEP_ALIVE_MS, () => session.close());
  });
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    undecided.add(socket);
    const destroy = (): void => void socket.destroy();
    const decide = (): void => {
      // A look that finds nothing is what tells the end, as of a probe that says nothing.
      if (socket.readableLength === 0) socket.read();
      if (socket.readableLength < PREFACE.length) return;
      const first = socket.read() as Buffer;
      socket.off('readable', decide);
      for (const event of ENDS) socket.off(event, destroy);
      undecided.delete(socket);
      socket.setTimeout(0);
      socket.unshift(first);
      if (first.subarray(0, PREFACE.length).equals(PREFACE)) http2.emit('connection', socket);
      else serveHttp1?.call(server, socket);
    };
    socket.setTimeout(REQUEST_MS);
    socket.on('readable', decide);
    for (const event of ENDS) socket.on(event, destroy);
    socket.once('close', () => undecided.delete(socket));
  });
  return {
    server,
    end: () => {
      for (const socket of undecided) socket.destroy();
      for (const session of sessions) session.close();
    },
  };
}
