/**
 * A data set on its way out: pieces of a stream become fragments that the peer takes. PS3.8 Annex E.
 *
 *   source ─► pad byte? ─► even pieces ─► fragments, the last one marked ─► one array a write
 *
 * Counts what it is given: a source of another length than announced ends with an error, never with a
 * data set that looks whole.
 */
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Pdv } from '../ul/association.ts';
import { DimseError } from './command-set.ts';

export interface OutgoingDataSet {
  readonly contextId: number;
  readonly transferSyntaxUID: string;
  /** Exactly what `source` gives. */
  readonly dataSetBytes: number;
  readonly source: AsyncIterable<Buffer>;
}

/**
 * The data set in groups of PDVs, each to be written at once.
 *
 * @throws DimseError `SOURCE_FAILED` when the source fails, or is shorter or longer than it said
 */
export async function* dataSetPdvs(
  dataSet: OutgoingDataSet,
  maxPdvBytes: number,
): AsyncGenerator<Pdv[]> {
  const { contextId, transferSyntaxUID } = dataSet;
  // A deflated stream of odd length is sent with its pad byte. PS3.5 §A.5.
  const isPadded = encodingOf(transferSyntaxUID).deflated && dataSet.dataSetBytes % 2 === 1;
  const source = isPadded ? withPadByte(dataSet.source) : dataSet.source;
  const length = dataSet.dataSetBytes + (isPadded ? 1 : 0);
  let sent = 0;
  // What makes it whole waits until the source has ended: it may have more.
  let last: Pdv[] | undefined;
  for await (const piece of evenPieces(source)) {
    const pdvs: Pdv[] = [];
    for (let at = 0; at < piece.length; at += maxPdvBytes) {
      const bytes = piece.subarray(at, at + maxPdvBytes);
      sent += bytes.length;
      pdvs.push({ contextId, isCommand: false, isLast: sent === length, bytes });
    }
    if (sent > length) throw sourceFailed(undefined);
    if (sent < length) yield pdvs;
    else last = pdvs;
  }
  if (sent < length) throw sourceFailed(undefined);
  yield last ?? [{ contextId, isCommand: false, isLast: true, bytes: Buffer.alloc(0) }];
}

/**
 * Of even length but for the data set's last: others are refused by many. PS3.8 Annex E.1.
 *
 * @throws DimseError `SOURCE_FAILED` for the source's own failures, so that they are told apart
 */
async function* evenPieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let odd: Buffer | undefined;
  try {
    for await (const chunk of source) {
      const bytes: Buffer = odd === undefined ? chunk : Buffer.concat([odd, chunk]);
      const end = bytes.length - (bytes.length % 2);
      odd = end < bytes.length ? bytes.subarray(end) : undefined;
      if (end > 0) yield bytes.subarray(0, end);
    }
  } catch (error) {
    throw sourceFailed(error);
  }
  if (odd !== undefined) yield odd;
}

async function* withPadByte(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
  yield Buffer.alloc(1);
}

const sourceFailed = (cause: unknown): DimseError =>
  new DimseError(
    'SOURCE_FAILED',
    cause === undefined
      ? 'the object has another length than it had'
      : `the object could not be read: ${codeOf(cause)}`,
    { cause },
  );
