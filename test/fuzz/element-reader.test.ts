/** Damaged objects: whatever the bytes, the reader ends with an answer or a DicomError, and holds little. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { randomFrom } from '../../demo/phantom/random.ts';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
import { DicomError } from '../../shared/dicom/dicom-error.ts';
import { readPart10Head } from '../../shared/dicom/part10.ts';
import { pydicomFiles, readableCorpusFiles } from '../support/corpus.ts';

const SYNTAXES = [
  '1.2.840.10008.1.2',
  '1.2.840.10008.1.2.1',
  '1.2.840.10008.1.2.2',
  '1.2.840.10008.1.2.1.99',
  '1.2.840.10008.1.2.4.50',
];
const ROUNDS = 4_000;

const dataSets = [...readableCorpusFiles().map(({ path }) => path), ...pydicomFiles()]
  .map((path) => readFileSync(path))
  .filter((bytes) => bytes.length < 60_000)
  .map((bytes) => {
    const { dataSetOffset, transferSyntaxUID } = readPart10Head(bytes);
    return { transferSyntaxUID, dataSet: bytes.subarray(dataSetOffset) };
  });

/** @returns what it was not allowed to be; undefined when all is well */
async function fault(syntax: string, bytes: Buffer, chunkBytes: number): Promise<unknown> {
  const reader = dicomReading.openReader(syntax);
  try {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      await reader.write(bytes.subarray(at, at + chunkBytes));
    await reader.end();
    return undefined;
  } catch (error) {
    return error instanceof DicomError ? undefined : error;
  } finally {
    reader.abort();
  }
}

t.test('flipped bytes, cuts, and other syntaxes than announced', async (t) => {
  const random = randomFrom('damage');
  const upTo = (n: number): number => Math.floor(random() * n);
  t.ok(dataSets.length > 20, 'there are objects to damage');
  for (let round = 0; round < ROUNDS; round += 1) {
    const { dataSet, transferSyntaxUID } = dataSets[upTo(dataSets.length)] as (typeof dataSets)[0];
    const bytes = Buffer.from(dataSet.subarray(0, upTo(dataSet.length + 1)));
    for (let flips = upTo(8); flips > 0 && bytes.length > 0; flips -= 1)
      bytes[upTo(Math.min(bytes.length, 2_000))] = upTo(256);
    const syntax = round % 4 === 0 ? (SYNTAXES[upTo(SYNTAXES.length)] ?? '') : transferSyntaxUID;
    const found = await fault(syntax, bytes, 1 + upTo(5_000));
    if (found !== undefined) t.fail(`round ${round}`, { found });
  }
});

t.test('noise', async (t) => {
  const random = randomFrom('noise');
  for (let round = 0; round < 500; round += 1) {
    const bytes = Buffer.from(Array.from({ length: 300 }, () => Math.floor(random() * 256)));
    for (const syntax of SYNTAXES) t.equal(await fault(syntax, bytes, 64), undefined);
  }
});
