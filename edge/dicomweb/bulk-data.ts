/** One element's bytes, named by its path in the data set. PS3.18 §10.4.1.1.5. */
import { tagName } from '../../shared/dicom/dicom-json.ts';
import {
  type ElementHeader,
  ElementReader,
  type ElementVisitor,
  UNDEFINED_LENGTH,
} from '../../shared/dicom/element-reader.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import type { StoredInstance } from '../index/types.ts';
import { type ByteRange, readRange, WindowReader } from './data-set-bytes.ts';
import { DicomWebError } from './dicomweb-error.ts';
import { fragmentsOf } from './frame-table.ts';

/** @throws DicomWebError `RESOURCE_NOT_FOUND` */
export async function findBulk(
  file: string,
  instance: StoredInstance,
  path: string,
): Promise<ElementHeader> {
  const finder = new ElementFinder(path.toUpperCase());
  const reader = new ElementReader(encodingOf(instance.transferSyntaxUID), finder);
  const all = { start: 0, length: instance.dataSetBytes };
  for await (const chunk of readRange(file, instance, all)) {
    reader.write(chunk);
    if (finder.found !== undefined) return finder.found;
  }
  throw new DicomWebError('RESOURCE_NOT_FOUND', 'This object has no such element.');
}

/** Where the value lies; of encapsulated pixel data its fragments, one behind the other. */
export async function bulkRanges(
  file: string,
  instance: StoredInstance,
  { valueStart, length }: ElementHeader,
): Promise<readonly ByteRange[]> {
  if (length !== UNDEFINED_LENGTH) return [{ start: valueStart, length }];
  await using reader = await WindowReader.open(file, instance);
  const [, ...fragments] = await fragmentsOf(reader, valueStart);
  return fragments;
}

export async function* readRanges(
  file: string,
  instance: StoredInstance,
  ranges: readonly ByteRange[],
): AsyncGenerator<Buffer> {
  for (const range of ranges) yield* readRange(file, instance, range);
}

class ElementFinder implements ElementVisitor {
  readonly #wanted: string;
  /** By depth: where the items of the present sequence stand, and how many began. */
  readonly #prefixes: string[] = [''];
  readonly #sequences: { path: string; items: number }[] = [];
  found: ElementHeader | undefined;

  constructor(wanted: string) {
    this.#wanted = wanted;
  }

  element(header: ElementHeader): boolean {
    const path = `${this.#prefixes[header.depth] ?? ''}${tagName(header.tag)}`;
    this.#sequences[header.depth] = { path, items: 0 };
    if (path === this.#wanted) this.found ??= header;
    return false;
  }

  value(): void {}

  item(depth: number): void {
    const sequence = this.#sequences[depth];
    if (sequence === undefined) return;
    sequence.items += 1;
    this.#prefixes[depth + 1] = `${sequence.path}/${sequence.items}/`;
  }
}
