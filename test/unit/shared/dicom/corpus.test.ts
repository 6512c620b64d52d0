/** Every readable file at hand, against pydicom: the same elements, the same text. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { dicomReading } from '../../../../edge/scp/dicom-reading.ts';
import { openDataSetReader } from '../../../../shared/dicom/data-set-reader.ts';
import type { ElementHeader } from '../../../../shared/dicom/element-reader.ts';
import { readPart10Head } from '../../../../shared/dicom/part10.ts';
import { pydicomFiles, readableCorpusFiles } from '../../../support/corpus.ts';
import { missingPeer } from '../../../support/missing-peer.ts';
import { askPydicom, PYTHON, type PydicomView } from '../../../support/pydicom.ts';

const TEXT = {
  SOPInstanceUID: 'sopInstanceUID',
  StudyInstanceUID: 'studyInstanceUID',
  SeriesInstanceUID: 'seriesInstanceUID',
  PatientID: 'patientId',
  PatientName: 'patientName',
  StudyDate: 'studyDate',
  AccessionNumber: 'accessionNumber',
  StudyDescription: 'studyDescription',
  SeriesDescription: 'seriesDescription',
  ReferringPhysicianName: 'referringPhysician',
  InstitutionName: 'institution',
  StudyID: 'studyId',
  Modality: 'modality',
} as const;

/** No transfer syntax in the meta information: nobody could have received it. */
const UNSENDABLE = /meta_missing_tsyntax/;
/** Elements stand twice: we keep the first, pydicom the last. */
const DUPLICATES = /duplicates\.dcm/;

async function walk(file: string, chunkBytes: number) {
  const bytes = readFileSync(file);
  const head = readPart10Head(bytes);
  const seen: ElementHeader[] = [];
  const reader = openDataSetReader(head.transferSyntaxUID, {
    element(header) {
      seen.push(header);
      return false;
    },
    value() {},
  });
  const collector = dicomReading.openReader(head.transferSyntaxUID);
  for (let at = head.dataSetOffset; at < bytes.length; at += chunkBytes) {
    const chunk = bytes.subarray(at, at + chunkBytes);
    await reader.write(chunk);
    await collector.write(chunk);
  }
  await reader.end();
  return { seen, attributes: await collector.end() };
}

/** Padding, ACR-NEMA's form of a date, and empty component groups mean nothing. */
const plain = (text: string | null): string =>
  (text ?? '')
    .trim()
    .replace(/[=^]+$/, '')
    .replace(/^(\d{4})\.(\d\d)\.(\d\d)$/, '$1$2$3');

const corpus = readableCorpusFiles().map(({ path }) => path);
const skip = missingPeer(PYTHON.split('/').at(-1) ?? '');

/** What we read otherwise than pydicom did. */
async function differences({ path, elements, text }: PydicomView): Promise<unknown[]> {
  const { seen, attributes } = await walk(path, 1_000);
  if (DUPLICATES.test(path)) return [];
  const differing: unknown[] = Object.entries(TEXT)
    .map(([keyword, field]) => ({
      path,
      keyword,
      wanted: plain(text[keyword] ?? ''),
      found: plain(attributes[field]),
    }))
    .filter(({ wanted, found }) => wanted !== found);
  // Whether there are elements inside a value of unknown VR is a matter of opinion.
  const isOpinion = seen.some(({ vr }) => vr === 'UN') || /bad_sequence/.test(path);
  if (!isOpinion && seen.length !== elements) differing.push({ path, seen: seen.length, elements });
  return differing;
}

t.test('elements and text are those that pydicom reads', { skip }, async (t) => {
  const files = [...corpus, ...pydicomFiles()].filter((path) => !UNSENDABLE.test(path));
  const views = await askPydicom(files, Object.keys(TEXT));
  const readable = views.filter(({ error }) => error === undefined);
  const differing: unknown[] = [];
  for (const view of readable) differing.push(...(await differences(view)));
  t.strictSame(differing, []);
  t.ok(readable.length > 50, `${readable.length} files were compared`);
});

t.test('how the bytes are cut makes no difference', async (t) => {
  const files = [...corpus, ...pydicomFiles()].filter((path) => !UNSENDABLE.test(path));
  const some = files.filter((path) => readFileSync(path).length < 12_000);
  t.ok(some.length > 20, 'there are small files');
  const differing: string[] = [];
  for (const path of some) {
    const whole = JSON.stringify(await walk(path, 1 << 20));
    for (const chunkBytes of [1, 7])
      if (JSON.stringify(await walk(path, chunkBytes)) !== whole) differing.push(path);
  }
  t.strictSame(differing, []);
});
