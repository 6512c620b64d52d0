/**
 * In which transfer syntax an object goes to a destination: as it is stored, unless the destination takes
 * only another one, or wishes for it. PS3.5 §10: each takes implicit VR little endian at the least.
 *
 *   JPEG-LS, where wished for ─► as stored ─► explicit ─► implicit: the first that is accepted and can be made
 */
import { Readable } from 'node:stream';
import {
  DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
  EXPLICIT_VR_BIG_ENDIAN,
  EXPLICIT_VR_LITTLE_ENDIAN,
  IMPLICIT_VR_LITTLE_ENDIAN,
} from '../../shared/dicom/transfer-syntax.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import type { Transcoder } from '../transcode/transcoder.ts';
import type { DeliveryCounters } from './delivery-counters.ts';
import type { ObjectToStore, StoreAssociation } from './destination.ts';

const JPEG_LS_LOSSLESS = '1.2.840.10008.1.2.4.80';
const UNCOMPRESSED: ReadonlySet<string> = new Set([
  ...[IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN],
  ...[EXPLICIT_VR_BIG_ENDIAN, DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN],
]);

export class FormError extends GatewayError {
  override readonly name = 'FormError';
  readonly code = 'TRANSFER_SYNTAX_NOT_ACCEPTED';
  readonly retry: Retry = 'never';
}

/** An object as it goes out. */
export interface Form {
  readonly object: ObjectToStore;
  readonly open: () => Readable;
  /** To be called when it was sent. */
  readonly remove: () => Promise<void>;
}

export interface FormParts {
  readonly spool: Pick<Spool, 'absolute'>;
  readonly transcoder: Pick<Transcoder, 'transcode'>;
  readonly counters: Pick<DeliveryCounters, 'transcoded'>;
  readonly peer: Pick<Peer, 'name' | 'compress'>;
  readonly association: Pick<StoreAssociation, 'accepts'>;
  /** The data set as it is stored, where it was read ahead. */
  readonly read: Promise<Buffer> | undefined;
}

/** The transfer syntaxes to propose for these objects of one SOP class. */
export function syntaxesFor(
  objects: readonly StoredInstance[],
  peer: Pick<Peer, 'compress'>,
): string[] {
  return [...new Set(objects.flatMap((object) => candidates(object, peer)))];
}

function candidates(
  { transferSyntaxUID }: StoredInstance,
  { compress }: Pick<Peer, 'compress'>,
): string[] {
  const isWished = compress === 'jpeg-ls' && UNCOMPRESSED.has(transferSyntaxUID);
  return [
    ...(isWished ? [JPEG_LS_LOSSLESS] : []),
    ...[transferSyntaxUID, EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN],
  ];
}

/** @throws FormError when nothing that can be made is accepted; TranscodeError */
export async function formFor(parts: FormParts, object: StoredInstance): Promise<Form> {
  const { peer, association } = parts;
  const { sopClassUID } = object;
  const accepted = [...new Set(candidates(object, peer))].filter((transferSyntaxUID) =>
    association.accepts({ sopClassUID, transferSyntaxUID }),
  );
  let failure: GatewayError | undefined;
  for (const transferSyntaxUID of accepted) {
    if (transferSyntaxUID === object.transferSyntaxUID) return asStored(parts, object);
    try {
      return await transcoded(parts, object, transferSyntaxUID);
    } catch (error) {
      if (!(error instanceof GatewayError) || error.retry !== 'never') throw error;
      failure = error;
    }
  }
  throw failure ?? notAccepted(object);
}

function asStored({ spool, read }: FormParts, object: StoredInstance): Form {
  const file = spool.absolute(object.path);
  const open = (): Readable =>
    read === undefined ? readDataSet(file, object) : Readable.from(onePiece(read));
  return { object, open, remove: async () => {} };
}

async function* onePiece(bytes: Promise<Buffer>): AsyncGenerator<Buffer> {
  yield await bytes;
}

async function transcoded(
  { spool, transcoder, counters, peer }: FormParts,
  object: StoredInstance,
  transferSyntaxUID: string,
): Promise<Form> {
  const { dataSetOffset, dataSetBytes, transferSyntaxUID: from } = object;
  const made = await transcoder.transcode({
    ...{ file: spool.absolute(object.path), dataSetOffset, dataSetBytes },
    ...{ from, to: transferSyntaxUID },
  });
  counters.transcoded(peer.name, transferSyntaxUID);
  const range = { dataSetOffset: 0, dataSetBytes: made.dataSetBytes };
  return {
    object: { ...object, transferSyntaxUID, dataSetBytes: made.dataSetBytes },
    open: () => readDataSet(made.file, range),
    remove: made.remove,
  };
}

const notAccepted = ({ transferSyntaxUID, sopClassUID }: StoredInstance): FormError =>
  new FormError(
    `the destination does not take SOP class ${sopClassUID} in transfer syntax ${transferSyntaxUID}`,
  );
