/**
 * Walks a data set in any transfer syntax: {@link ElementReader}, behind an inflater where it is deflated.
 *
 *   write(chunk) ──[inflate]──► ElementReader ──► visitor
 */
import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { DicomError } from './dicom-error.ts';
import { ElementReader, type ElementVisitor } from './element-reader.ts';
import { encodingOf } from './transfer-syntax.ts';

export interface DataSetReader {
  /** A returned promise means: give no more until it resolves. @throws, or rejects with, DicomError */
  write(chunk: Buffer): Promise<void> | undefined;
  /** @returns the length of the data set, inflated @throws, or rejects with, DicomError */
  end(): Promise<number> | number;
  /** Frees what it holds; not needed after `end`. */
  destroy(): void;
}

export function openDataSetReader(
  transferSyntaxUID: string,
  visitor: ElementVisitor,
): DataSetReader {
  const encoding = encodingOf(transferSyntaxUID);
  const elements = new ElementReader(encoding, visitor);
  if (encoding.deflated) return new InflatingReader(elements);
  return {
    write(chunk) {
      elements.write(chunk);
      return undefined;
    },
    end: () => elements.end(),
    destroy() {},
  };
}

class InflatingReader implements DataSetReader {
  readonly #elements: ElementReader;
  readonly #inflate: InflateRaw = createInflateRaw();
  #fault: Error | undefined;
  /** The deflated stream is over; what follows is padding. */
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(elements: ElementReader) {
    this.#elements = elements;
    this.#inflate.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#inflate.on('end', () => {
      this.#hasEnded = true;
      this.#wake?.();
    });
    this.#inflate.on('error', (cause) =>
      this.#fail(new DicomError('DEFLATE_CORRUPT', 'the deflated data set is broken', { cause })),
    );
  }

  async write(chunk: Buffer): Promise<void> {
    await this.#step((done) => this.#inflate.write(chunk, done));
  }

  async end(): Promise<number> {
    await this.#step(() => this.#inflate.end());
    return this.#elements.end();
  }

  destroy(): void {
    this.#inflate.destroy();
  }

  async #step(step: (done: () => void) => void): Promise<void> {
    if (this.#fault === undefined && !this.#hasEnded)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        step(resolve);
      });
    if (this.#fault !== undefined) throw this.#fault;
  }

  #take(bytes: Buffer): void {
    if (this.#fault !== undefined) return;
    try {
      this.#elements.write(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #fail(fault: Error): void {
    this.#fault ??= fault;
    this.#inflate.destroy();
    this.#wake?.();
  }
}
