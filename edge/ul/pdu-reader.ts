/**
 * Takes a connection's bytes apart into PDUs while they come. PS3.8 §9.3.
 *
 *   chunk ─► header ─┬─ P-DATA-TF ─► PDV header ─► its bytes, piece by piece: handler.data()
 *                    └─ any other ─► collected, at most 1 MB: handler.pdu()
 *
 * A P-DATA-TF is never held. What can't be a PDU, or is longer than we said that we receive, ends the reading.
 */
import type { AbortReason, Pdv } from './association.ts';
import { PDU_HEADER_BYTES, PDV_HEADER_BYTES, PduType } from './pdu.ts';

/** 128 contexts of many transfer syntaxes are some 50 KB; user identity may carry a ticket. */
const MAX_ASSOCIATE_BYTES = 1_048_576;
/** Release and abort have 4. */
const MAX_OTHER_BYTES = 1_024;

export interface PduHandler {
  /** A whole PDU other than P-DATA-TF. */
  pdu(type: number, body: Buffer): void;
  /** A PDV, or a piece of it; `isLast` only with its last piece. A promise stops the reading. */
  data(pdv: Pdv): Promise<void> | undefined;
  /** What comes can't be read. Nothing more is handed on. */
  fault(reason: AbortReason, detail: string): void;
}

/** What else speaks first, by its first byte: the record of a TLS handshake; a request of HTTP. */
const FOREIGN: Readonly<Record<number, string>> = {
  22: 'TLS on the plain port',
  71: 'HTTP on the DICOM port',
  80: 'HTTP on the DICOM port',
};

type Mode = 'header' | 'body' | 'pdv-header' | 'value';

export class PduReader {
  readonly #handler: PduHandler;
  /** Some count the PDU's own header in. */
  readonly #maxDataBytes: number;
  #mode: Mode = 'header';
  #stopped = false;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** What has come of something of known length that is wanted whole. */
  #held: Buffer | undefined;
  #heldLength = 0;
  #type = 0;
  /** Of the PDU. */
  #left = 0;
  #pdv = { contextId: 0, isCommand: false, isLast: false };
  #pdvLeft = 0;

  /** @param maxDataBytes of a P-DATA-TF, as the A-ASSOCIATE said. PS3.8 Annex D.1 */
  constructor(maxDataBytes: number, handler: PduHandler) {
    this.#maxDataBytes = maxDataBytes + PDU_HEADER_BYTES;
    this.#handler = handler;
  }

  /** @returns a promise when the handler gave one: no more before it has resolved */
  write(chunk: Buffer): Promise<void> | undefined {
    this.#chunk = chunk;
    this.#at = 0;
    return this.#run();
  }

  /** What still comes is dropped. */
  stop(): void {
    this.#stopped = true;
  }

  #run(): Promise<void> | undefined {
    while (this.#at < this.#chunk.length && !this.#stopped) {
      const pending = this.#step();
      if (pending !== undefined) return pending.then(() => this.#run());
    }
    return undefined;
  }

  #step(): Promise<void> | undefined {
    switch (this.#mode) {
      case 'header':
        return this.#readHeader();
      case 'body':
        return this.#readBody();
      case 'pdv-header':
        return this.#readPdvHeader();
      case 'value':
        return this.#passOn();
    }
  }

  #readHeader(): undefined {
    const header = this.#whole(PDU_HEADER_BYTES);
    if (header === undefined) return;
    this.#type = header[0] ?? 0;
    this.#left = header.readUInt32BE(2);
    if (this.#type === PduType.data) {
      if (this.#left > this.#maxDataBytes)
        return this.#fail('invalid-pdu-parameter-value', `a P-DATA-TF of ${this.#left} bytes`);
      if (this.#left > 0) this.#mode = 'pdv-header';
      return;
    }
    if (this.#type < PduType.associateRQ || this.#type > PduType.abort)
      return this.#fail('unrecognized-pdu', FOREIGN[this.#type] ?? `a PDU of type ${this.#type}`);
    const isAssociate = this.#type <= PduType.associateAC;
    if (this.#left > (isAssociate ? MAX_ASSOCIATE_BYTES : MAX_OTHER_BYTES))
      return this.#fail('invalid-pdu-parameter-value', `a PDU of ${this.#left} bytes`);
    if (this.#left > 0) this.#mode = 'body';
    else this.#handler.pdu(this.#type, Buffer.alloc(0));
  }

  #readBody(): undefined {
    const body = this.#whole(this.#left);
    if (body === undefined) return;
    this.#mode = 'header';
    this.#handler.pdu(this.#type, body);
  }

  #readPdvHeader(): Promise<void> | undefined {
    const header = this.#whole(PDV_HEADER_BYTES);
    if (header === undefined) return undefined;
    const length = header.readUInt32BE(0);
    if (length < 2 || length + 4 > this.#left) {
      this.#fail('invalid-pdu-parameter-value', `a PDV of ${length} in a PDU of ${this.#left}`);
      return undefined;
    }
    const control = header[5] ?? 0;
    const contextId = header[4] ?? 0;
    this.#pdv = { contextId, isCommand: (control & 1) !== 0, isLast: (control & 2) !== 0 };
    this.#pdvLeft = length - 2;
    this.#left -= 4 + length;
    this.#mode = 'value';
    return this.#pdvLeft === 0 ? this.#passOn() : undefined;
  }

  #passOn(): Promise<void> | undefined {
    const end = Math.min(this.#chunk.length, this.#at + this.#pdvLeft);
    const bytes = this.#chunk.subarray(this.#at, end);
    this.#pdvLeft -= bytes.length;
    this.#at = end;
    const isEnd = this.#pdvLeft === 0;
    if (isEnd) this.#mode = this.#left > 0 ? 'pdv-header' : 'header';
    return this.#handler.data({ ...this.#pdv, isLast: this.#pdv.isLast && isEnd, bytes });
  }

  /** The next `length` bytes as one, or undefined until all have come. */
  #whole(length: number): Buffer | undefined {
    const available = this.#chunk.length - this.#at;
    if (this.#held === undefined && available >= length) {
      this.#at += length;
      return this.#chunk.subarray(this.#at - length, this.#at);
    }
    const held = this.#held ?? Buffer.allocUnsafe(length);
    this.#held = held;
    const taken = Math.min(available, length - this.#heldLength);
    this.#chunk.copy(held, this.#heldLength, this.#at, this.#at + taken);
    this.#heldLength += taken;
    this.#at += taken;
    if (this.#heldLength < length) return undefined;
    this.#held = undefined;
    this.#heldLength = 0;
    return held;
  }

  #fail(reason: AbortReason, detail: string): undefined {
    this.#stopped = true;
    this.#handler.fault(reason, detail);
  }
}
