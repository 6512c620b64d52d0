/** A mail server that takes every message and keeps it, or refuses all: RFC 5321 as far as a sender needs it. */

import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface ReceivedMail {
  readonly to: readonly string[];
  /** As it came: headers and body, dots unstuffed. */
  readonly raw: string;
  header(name: string): string | undefined;
  /** The parts of a multipart message, decoded, by content type. */
  part(type: string): string | undefined;
}

export interface SmtpReceiver {
  readonly port: number;
  readonly mails: ReceivedMail[];
  /** While true every message is refused after it was sent. */
  refuses: boolean;
  stop(): Promise<void>;
}

export async function startSmtpReceiver(): Promise<SmtpReceiver> {
  const sockets = new Set<Socket>();
  const receiver = { port: 0, mails: [] as ReceivedMail[], refuses: false, stop };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    serve(socket, receiver);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  receiver.port = typeof address === 'object' && address !== null ? address.port : 0;
  async function stop(): Promise<void> {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
  return receiver;
}

function serve(socket: Socket, receiver: { mails: ReceivedMail[]; refuses: boolean }): void {
  let buffer = '';
  let to: string[] = [];
  let data: string[] | null = null;
  const say = (line: string): void => void socket.write(`${line}\r\n`);
  say('220 receiver');
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    buffer += chunk;
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (data === null) command(line);
      else if (line === '.') take();
      else data.push(line.replace(/^\.\./, '.'));
    }
  });
  function command(line: string): void {
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'RCPT') to.push(/<(.*)>/.exec(line)?.[1] ?? '');
    if (verb === 'DATA') {
      data = [];
      say('354 go on');
    } else if (verb === 'QUIT') socket.end('221 bye\r\n');
    else say('250 ok');
  }
  function take(): void {
    if (receiver.refuses) say('451 not now');
    else {
      receiver.mails.push(mailOf(to, (data ?? []).join('\r\n')));
      say('250 taken');
    }
    [to, data] = [[], null];
  }
}

function mailOf(to: readonly string[], raw: string): ReceivedMail {
  const headerIn = (text: string, name: string): string | undefined => {
    const [head = ''] = text.split('\r\n\r\n', 1);
    const unfolded = head.replace(/\r\n[ \t]+/g, ' ');
    return new RegExp(`^${name}: (.*)$`, 'im').exec(unfolded)?.[1];
  };
  const boundary = /boundary="([^"]+)"/.exec(headerIn(raw, 'content-type') ?? '')?.[1];
  const parts =
    boundary === undefined ? [raw] : raw.split(`--${boundary}`).map((one) => one.trimStart());
  return {
    ...{ to, raw },
    header: (name) => headerIn(raw, name),
    part(type) {
      const found = parts.find((one) => headerIn(one, 'content-type')?.startsWith(type));
      if (found === undefined) return undefined;
      const body = found.slice(found.indexOf('\r\n\r\n') + 4);
      return decoded(body, headerIn(found, 'content-transfer-encoding'));
    },
  };
}

function decoded(body: string, encoding: string | undefined): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString();
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString();
}
