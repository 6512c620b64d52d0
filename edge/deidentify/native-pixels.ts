/**
 * Compressed pixels that a mask is for: decompressed first, into a file that is gone again after use.
 *
 *   object ─► compressed, and to be masked? ─► transcoder ─► the same object, native │ as it is
 *
 * A compressed frame is decoded as a whole, so what a mask leaves alone is what viewers showed before.
 */
import { createReadStream } from 'node:fs';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { EXPLICIT_VR_LITTLE_ENDIAN, isEncapsulated } from '../../shared/dicom/transfer-syntax.ts';
import { TranscodeError } from '../transcode/codec-threads.ts';
import type { Transcoder } from '../transcode/transcoder.ts';
import { maskOf, type ProjectRules } from './deidentify-object.ts';
import { readSubject, type Subject } from './subject.ts';
import { WithheldError } from './withheld.ts';

export interface ReadObject {
  readonly source: DataSetSource;
  readonly subject: Subject;
  /** Where its bytes are. */
  readonly file: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
}

type Native = Pick<ReadObject, 'source' | 'subject'>;

/** @throws what `use` throws; WithheldError; TranscodeError when it may be tried again */
export async function withMaskablePixels<T>(
  object: ReadObject,
  { rules, transcoder }: { rules: ProjectRules; transcoder: Pick<Transcoder, 'transcode'> },
  use: (native: Native) => Promise<T>,
): Promise<T> {
  const { transferSyntaxUID: from } = object.source;
  if (!isEncapsulated(from) || maskOf(rules, object) === undefined) return use(object);
  const { file, dataSetOffset, dataSetBytes } = object;
  const range = { file, dataSetOffset, dataSetBytes };
  const made = await transcoder
    .transcode({ ...range, from, to: EXPLICIT_VR_LITTLE_ENDIAN })
    .catch(withheld);
  try {
    const source: DataSetSource = {
      transferSyntaxUID: EXPLICIT_VR_LITTLE_ENDIAN,
      open: () => createReadStream(made.file) as AsyncIterable<Buffer>,
    };
    return await use({ source, subject: await readSubject(source) });
  } finally {
    await made.remove();
  }
}

function withheld(cause: unknown): never {
  if (!(cause instanceof TranscodeError) || cause.retry !== 'never') throw cause;
  throw new WithheldError(
    'MASK_NOT_APPLICABLE',
    `it has a mask, and its compressed pixels can't be decoded: ${cause.code}`,
    { cause },
  );
}
