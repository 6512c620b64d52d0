/** A connection in memory, in place of a socket: what is written to it is kept or dropped, what comes is emitted. */
import { Duplex } from 'node:stream';
import type { ConnectionOptions } from '../../edge/ul/connection.ts';

export class Wire extends Duplex {
  readonly written: Buffer[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (chunk.length > 0) this.written.push(chunk);
    done();
  }

  override _read(): void {}

  setNoDelay(): void {}

  setTimeout(): void {}

  destroySoon(): void {
    this.destroy();
  }

  /** For `Connection`, which needs no more of a socket than this. */
  get socket(): ConnectionOptions['socket'] {
    return this as unknown as ConnectionOptions['socket'];
  }

  receive(bytes: Buffer): void {
    this.emit('data', bytes);
  }
}
