/**
 * A storage SCU of the tests' own: sends objects exactly as given, and can be told to do it badly.
 * Written apart from the product, so that the two can disagree. PS3.7 §9.1.1, PS3.8 §9.3.
 *
 *   openSender ──A-ASSOCIATE──► store(object)… ──P-DATA──► status ──► release
 *
 * Encoding is apart from sending: a benchmark encodes first and then only writes.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Part10 } from './part10.ts';

export interface Proposal {
  readonly sopClassUID: string;
  readonly transferSyntaxUID: string;
}

export interface SenderOptions {
  readonly port: number;
  readonly host?: string;
  readonly calledAETitle?: string;
  readonly callingAETitle?: string;
  /** At most 128. */
  readonly contexts: readonly Proposal[];
  /** An answer that takes longer is an error. Default 30 s. */
  readonly timeoutMs?: number;
}

const PDU = { associateAC: 2, data: 4, releaseRQ: 5, releaseRP: 6, abort: 7 } as const;

export class Sender {
  readonly socket: Socket;
  readonly #pdus: AsyncGenerator<Pdu, void>;
  readonly #contexts: readonly Proposal[];
  readonly #accepted: ReadonlySet<number>;
  /** What the peer takes at once. */
  readonly maxPduBytes: number;
  #messageId = 0;

  constructor(
    socket: Socket,
    pdus: AsyncGenerator<Pdu, void>,
    contexts: readonly Proposal[],
    ac: Buffer,
  ) {
    this.socket = socket;
    this.#pdus = pdus;
    this.#contexts = contexts;
    const { accepted, maxPduBytes } = readAssociateAC(ac);
    this.#accepted = accepted;
    this.maxPduBytes = maxPduBytes;
  }

  /** The presentation context for it, or undefined when the peer did not accept that. */
  contextFor(object: Proposal): number | undefined {
    const at = this.#contexts.findIndex(
      (context) =>
        context.sopClassUID === object.sopClassUID &&
        context.transferSyntaxUID === object.transferSyntaxUID,
    );
    const id = at * 2 + 1;
    return this.#accepted.has(id) ? id : undefined;
  }

  /** The PDUs of a C-STORE-RQ and its data set. @throws when the peer did not accept its context */
  encode(object: Part10): Buffer {
    const context = this.contextFor(object);
    if (context === undefined)
      throw new Error(`not accepted: ${object.sopClassUID} ${object.transferSyntaxUID}`);
    this.#messageId = (this.#messageId % 65_535) + 1;
    return encodeStore(this.#messageId, context, object, this.maxPduBytes);
  }

  /** C-STORE of one object. @returns the status of the response @throws when the association ends first */
  store(object: Part10): Promise<number> {
    return this.sendEncoded(this.encode(object));
  }

  async sendEncoded(bytes: Buffer): Promise<number> {
    this.socket.write(bytes);
    return statusOf(await this.#next(PDU.data));
  }

  async release(): Promise<void> {
    this.socket.write(pdu(PDU.releaseRQ, Buffer.alloc(4)));
    await this.#next(PDU.releaseRP);
    this.socket.end();
  }

  /** Ends as a crashed modality does. */
  destroy(): void {
    this.socket.destroy();
  }

  async #next(type: number): Promise<Buffer> {
    const { value } = await this.#pdus.next();
    if (value?.type === type) return value.body;
    this.socket.destroy();
    if (value === undefined) throw new Error('the peer closed the connection');
    throw new Error(
      value.type === PDU.abort ? `A-ABORT ${value.body.toString('hex')}` : `PDU type ${value.type}`,
    );
  }
}

/** Opens an association. @throws when it is rejected or nobody listens */
export async function openSender(options: SenderOptions): Promise<Sender> {
  const socket = connect(options.port, options.host ?? '127.0.0.1');
  socket.setNoDelay(true);
  socket.setTimeout(options.timeoutMs ?? 30_000, () =>
    socket.destroy(new Error('no answer in time')),
  );
  await once(socket, 'connect');
  const pdus = readPdus(socket);
  socket.write(associateRQ(options));
  const { value } = await pdus.next();
  if (value?.type !== PDU.associateAC) {
    socket.destroy();
    throw new Error(`association refused: ${value?.type} ${value?.body.toString('hex')}`);
  }
  return new Sender(socket, pdus, options.contexts, value.body);
}

/** The different contexts of some objects. */
export function contextsOf(objects: readonly Proposal[]): Proposal[] {
  const contexts = new Map(
    objects.map(({ sopClassUID, transferSyntaxUID }) => [
      `${sopClassUID} ${transferSyntaxUID}`,
      { sopClassUID, transferSyntaxUID },
    ]),
  );
  return [...contexts.values()];
}

interface Pdu {
  readonly type: number;
  readonly body: Buffer;
}

async function* readPdus(socket: Socket): AsyncGenerator<Pdu, void> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    while (held.length >= 6 && held.length >= 6 + held.readUInt32BE(2)) {
      const end = 6 + held.readUInt32BE(2);
      yield { type: held[0] ?? 0, body: held.subarray(6, end) };
      held = held.subarray(end);
    }
  }
}

/** Any PDU. PS3.8 §9.3.1. */
export function pdu(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head[0] = type;
  head.writeUInt32BE(body.length, 2);
  return Buffer.concat([head, body]);
}

function item(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head[0] = type;
  head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, body]);
}

/** PS3.8 §9.3.2. */
export function associateRQ(options: Omit<SenderOptions, 'port'>): Buffer {
  const { calledAETitle = 'ANY-SCP', callingAETitle = 'TESTS', contexts } = options;
  const head = Buffer.alloc(68);
  head.writeUInt16BE(1, 0);
  head.write(calledAETitle.padEnd(16), 4, 'latin1');
  head.write(callingAETitle.padEnd(16), 20, 'latin1');
  const proposed = contexts.map(({ sopClassUID, transferSyntaxUID }, at) =>
    item(
      0x20,
      Buffer.concat([
        Buffer.from([at * 2 + 1, 0, 0, 0]),
        item(0x30, Buffer.from(sopClassUID)),
        item(0x40, Buffer.from(transferSyntaxUID)),
      ]),
    ),
  );
  const maxLength = Buffer.alloc(4);
  maxLength.writeUInt32BE(65_536);
  const user = item(
    0x50,
    Buffer.concat([item(0x51, maxLength), item(0x52, Buffer.from('2.25.1'))]),
  );
  return pdu(
    1,
    Buffer.concat([head, item(0x10, Buffer.from('1.2.840.10008.3.1.1.1')), ...proposed, user]),
  );
}

function readAssociateAC(body: Buffer): { accepted: Set<number>; maxPduBytes: number } {
  const accepted = new Set<number>();
  let maxPduBytes = 16_384;
  for (const { type, value } of items(body.subarray(68))) {
    if (type === 0x21 && value[2] === 0) accepted.add(value[0] ?? 0);
    if (type !== 0x50) continue;
    for (const sub of items(value)) if (sub.type === 0x51) maxPduBytes = sub.value.readUInt32BE(0);
  }
  return { accepted, maxPduBytes: maxPduBytes === 0 ? 131_072 : maxPduBytes };
}

function* items(bytes: Buffer): Generator<{ type: number; value: Buffer }> {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const end = at + 4 + bytes.readUInt16BE(at + 2);
    yield { type: bytes[at] ?? 0, value: bytes.subarray(at + 4, end) };
    at = end;
  }
}

function encodeStore(
  messageId: number,
  context: number,
  object: Part10,
  maxPduBytes: number,
): Buffer {
  const parts = [pdv(context, 0x03, storeCommand(messageId, object))];
  const room = maxPduBytes - 6;
  const { dataSet } = object;
  for (let at = 0; at < dataSet.length || at === 0; at += room) {
    const isLast = at + room >= dataSet.length;
    parts.push(pdv(context, isLast ? 0x02 : 0x00, dataSet.subarray(at, at + room)));
  }
  return Buffer.concat(parts);
}

function pdv(context: number, control: number, value: Buffer): Buffer {
  const head = Buffer.alloc(6);
  head.writeUInt32BE(value.length + 2);
  head[4] = context;
  head[5] = control;
  return pdu(PDU.data, Buffer.concat([head, value]));
}

/** C-STORE-RQ, implicit little endian. PS3.7 §9.3.1.1. */
function storeCommand(messageId: number, object: Part10): Buffer {
  const rest = Buffer.concat([
    element(0x0002, uid(object.sopClassUID)),
    element(0x0100, us(0x0001)),
    element(0x0110, us(messageId)),
    element(0x0700, us(0)),
    element(0x0800, us(0x0001)),
    element(0x1000, uid(object.sopInstanceUID)),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(rest.length);
  return Buffer.concat([element(0x0000, length), rest]);
}

const uid = (text: string): Buffer => Buffer.from(text.length % 2 ? `${text}\0` : text, 'latin1');

function us(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function element(number: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(number, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}

/** (0000,0900) of a response that came in one PDV. */
function statusOf(data: Buffer): number {
  let at = 6;
  while (at + 8 <= data.length) {
    const length = data.readUInt32LE(at + 4);
    if (data.readUInt16LE(at + 2) === 0x0900) return data.readUInt16LE(at + 8);
    at += 8 + length;
  }
  throw new Error('a response without status');
}
