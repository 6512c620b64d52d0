/**
 * What an object says before its pixels, and where those are.
 *
 *   file ─► as much as it takes ─► DicomJsonBuilder ─► attributes as DICOM JSON, pixel data's header
 *
 * Of an ordinary slice one read of 64 KB.
 */
import { open } from 'node:fs/promises';
import { inflate } from '../../shared/dicom/deflated-bytes.ts';
import { DicomJsonBuilder, type JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { type ElementHeader, ElementReader } from '../../shared/dicom/element-reader.ts';
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';

const FIRST_READ_BYTES = 64 * 1024;

/** The same at the edge and at the hub, so that it is relative to the origin. RFC 3986 §4.2. */
export const instancePath = (of: {
  studyInstanceUID: string;
  seriesInstanceUID: string;
  sopInstanceUID: string;
}): string =>
  `/dicom-web/studies/${of.studyInstanceUID}/series/${of.seriesInstanceUID}/instances/${of.sopInstanceUID}`;

export interface ObjectHead {
  readonly attributes: JsonDataSet;
  /** Offsets count from the (inflated) data set's first byte. Undefined: it has no pixels. */
  readonly pixelData: ElementHeader | undefined;
}

/** @throws DicomError for what can't be read as a data set; a system error when the file can't be read */
export async function readObjectHead(file: string, instance: StoredInstance): Promise<ObjectHead> {
  const encoding = encodingOf(instance.transferSyntaxUID);
  const base = instancePath(instance);
  const builder = new DicomJsonBuilder({
    explicit: encoding.explicit,
    bulkDataURI: (path) => `${base}/bulkdata/${path}`,
  });
  const reader = new ElementReader(encoding, builder);
  for await (const chunk of dataSetBytes(file, instance)) {
    reader.write(chunk);
    if (builder.pixelData !== undefined) break;
  }
  return { attributes: builder.dataSet, pixelData: builder.pixelData };
}

/** The data set from its beginning, a small piece first. */
async function* dataSetBytes(file: string, instance: StoredInstance): AsyncGenerator<Buffer> {
  const { dataSetOffset, dataSetBytes: bytes, transferSyntaxUID } = instance;
  if (encodingOf(transferSyntaxUID).deflated) {
    yield* inflate(readDataSet(file, instance));
    return;
  }
  const first = Buffer.allocUnsafe(Math.min(FIRST_READ_BYTES, bytes));
  {
    await using handle = await open(file, 'r');
    const { bytesRead } = await handle.read(first, 0, first.length, dataSetOffset);
    yield first.subarray(0, bytesRead);
  }
  const range = {
    dataSetOffset: dataSetOffset + first.length,
    dataSetBytes: bytes - first.length,
  };
  yield* readDataSet(file, range) as AsyncIterable<Buffer>;
}

/** A number of the first value; undefined when it is absent or none. */
export function numberOf(attributes: JsonDataSet, tag: string): number | undefined {
  const [value] = attributes[tag]?.Value ?? [];
  return typeof value === 'number' ? value : undefined;
}
