/** De-identifies single objects as a run does, from bytes to bytes. */
import { readFileSync } from 'node:fs';
import { Aliases } from '../../../../edge/deidentify/aliases.ts';
import type { Replaced } from '../../../../edge/deidentify/change-element.ts';
import { ObjectDeidentifier } from '../../../../edge/deidentify/deidentify-object.ts';
import type { Mask } from '../../../../edge/deidentify/masks.ts';
import { readOptions } from '../../../../edge/deidentify/options.ts';
import { Pseudonyms } from '../../../../edge/deidentify/pseudonyms.ts';
import { readSubject } from '../../../../edge/deidentify/subject.ts';
import { readPart10Head } from '../../../../shared/dicom/part10.ts';
import { GatewayError } from '../../../../shared/errors.ts';
import { IdentifierSearch } from '../../../../shared/identifier-search.ts';
import { chunksOf } from '../../../support/data-set.ts';
import { type Part10, readPart10 } from '../../../support/part10.ts';

export const KEY = Buffer.alloc(32, 7);

export interface Settings {
  readonly options?: readonly string[];
  readonly key?: Buffer;
  readonly masks?: readonly Mask[];
  readonly chunkBytes?: number;
  readonly onReplaced?: (replaced: Replaced) => void;
}

export type Result =
  | { readonly kind: 'clean'; readonly file: Buffer; readonly object: Part10 }
  | { readonly kind: 'held'; readonly code: string; readonly reason: string };

/** @param file a Part 10 file, or its path */
export async function deidentified(
  file: string | Buffer,
  settings: Settings = {},
): Promise<Result> {
  const { options: names = [], key = KEY, masks = [], chunkBytes = 1 << 16 } = settings;
  const read = readOptions(names);
  if ('fault' in read) throw new Error(read.fault);
  const { options } = read;
  try {
    const bytes = typeof file === 'string' ? readFileSync(file) : file;
    const { transferSyntaxUID, dataSetOffset } = readPart10Head(bytes);
    const source = { transferSyntaxUID, open: chunksOf(bytes.subarray(dataSetOffset), chunkBytes) };
    const subject = await readSubject(source);
    const aliases = new Aliases();
    aliases.add(subject);
    const search = new IdentifierSearch(aliases.identifiersOf(subject).identifiers);
    const pseudonyms = new Pseudonyms(key);
    const object = new ObjectDeidentifier(
      { options, pseudonyms, masks },
      {
        ...{ source, subject, patientKey: aliases.keyOf(subject), search },
        onReplaced: settings.onReplaced,
      },
    );
    const parts: Buffer[] = [];
    // Copies: what comes are views of chunks.
    for await (const some of object.bytes()) parts.push(Buffer.concat(some));
    const clean = Buffer.concat(parts);
    return { kind: 'clean', file: clean, object: readPart10(clean) };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { kind: 'held', code: error.code, reason: error.message };
  }
}
