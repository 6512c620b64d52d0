/** What comes back under pseudonyms gets its patient and its references back, and no byte else changes. */
import t from 'tap';
import {
  type PseudonymMap,
  PseudonymRecorder,
  readIdentity,
} from '../../../../edge/deidentify/pseudonym-map.ts';
import { restoreObject } from '../../../../edge/deidentify/restore-object.ts';
import { openDataSetReader } from '../../../../shared/dicom/data-set-reader.ts';
import { readSmallDataSet } from '../../../../shared/dicom/small-data-set.ts';
import { Tag } from '../../../../shared/dicom/tag.ts';
import { pydicomFiles, readableCorpusFiles } from '../../../support/corpus.ts';
import { chunksOf, collect, sequence } from '../../../support/data-set.ts';
import { type Part10, readPart10 } from '../../../support/part10.ts';
import { deidentified } from './deidentify-fixture.ts';
import { EXPLICIT, encoded, nested, objectWith, type Planted } from './object-fixture.ts';

const SYNTAX = '1.2.840.10008.1.2.1';
const UID = '1.2.826.0.1.3680043.9.1';

const sourceOf = (transferSyntaxUID: string, bytes: Buffer, chunkBytes?: number) => ({
  transferSyntaxUID,
  open: chunksOf(bytes, chunkBytes),
});

/** An object, as it was sent, and what leads back from it. */
async function sent(
  file: Buffer | string,
  options: readonly string[] = [],
): Promise<{ clean: Part10; map: PseudonymMap } | undefined> {
  const recorder = new PseudonymRecorder();
  const result = await deidentified(file, { options, onReplaced: (one) => recorder.add(one) });
  if (result.kind === 'held') return undefined;
  const original = readPart10(file as Buffer);
  const { transferSyntaxUID } = original;
  const identity = await readIdentity(sourceOf(transferSyntaxUID, original.dataSet));
  const { dataSet } = result.object;
  const values = await valuesIn(transferSyntaxUID, dataSet);
  const patient = values.get('100020#0') ?? '';
  return { clean: result.object, map: recorder.map(patient, identity) };
}

/** Values by where they stand, for VRs that pseudonyms stand in. */
async function valuesIn(transferSyntaxUID: string, dataSet: Buffer): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const path: string[] = [];
  const items: number[] = [];
  const reader = openDataSetReader(transferSyntaxUID, {
    element({ tag, vr, depth, length }) {
      path.length = depth;
      path[depth] = `${tag.toString(16)}`;
      items[depth + 1] = 0;
      return length < 4_096 && ['UI', 'DA', 'DT', 'PN', 'LO', 'SH'].includes(vr);
    },
    item(depth) {
      items[depth + 1] = (items[depth + 1] ?? 0) + 1;
    },
    value({ depth }, bytes) {
      const at = path.map((tag, level) => `${tag}#${items[level] ?? 0}`).slice(0, depth + 1);
      found.set(at.join('/'), bytes.toString('latin1').replace(/[\0 ]+$/, ''));
    },
  });
  await reader.write(dataSet);
  await reader.end();
  return found;
}

const textAt = (syntax: string, dataSet: Buffer, tag: number): string =>
  readSmallDataSet(syntax, dataSet).text(tag) ?? '';

t.test('a report comes back to its patient, its study and its images', async (t) => {
  const original = objectWith([
    [Tag.PatientName, 'PN', 'Okonkwo^Ngozi'],
    [Tag.PatientBirthDate, 'DA', '19500102'],
    [Tag.IssuerOfPatientID, 'LO', 'RRK'],
    [Tag.AccessionNumber, 'SH', 'ACC42'],
    [Tag.StudyDate, 'DA', '20260102'],
    [Tag.StudyID, 'SH', 'S9'],
    [0x0020_0052, 'UI', `${UID}.52`],
  ]);
  const was = await sent(original);
  if (was === undefined) throw new Error('held');
  const clean = (tag: number): string => textAt(SYNTAX, was.clean.dataSet, tag);
  const [image, study, frame] = [Tag.SOPInstanceUID, Tag.StudyInstanceUID, 0x0020_0052].map(clean);
  const patient = clean(Tag.PatientID);
  const own: readonly Planted[] = [
    [0x0008_0016, 'UI', '1.2.840.10008.5.1.4.1.1.88.33'],
    [0x0008_0018, 'UI', '2.999.5.1'],
    [0x0008_0023, 'DA', '20261127'],
    [0x0009_0010, 'LO', 'NODE'],
    [0x0009_1001, 'OB', Buffer.from([1, 2, 3, 0])],
    [0x0020_000e, 'UI', '2.999.5.1.1'],
    [0x0040_a160, 'UT', 'a nodule of 4 mm'],
  ];
  const reported: readonly Planted[] = [
    ...own,
    [Tag.StudyInstanceUID, 'UI', study ?? ''],
    [Tag.PatientName, 'PN', patient],
    [Tag.PatientID, 'LO', patient],
    [Tag.AccessionNumber, 'SH', clean(Tag.AccessionNumber)],
    [Tag.StudyID, 'SH', clean(Tag.StudyID)],
    [0x0012_0062, 'CS', 'YES'],
    nested([
      [0x0008_1155, 'UI', image ?? ''],
      [0x3006_0024, 'UI', frame ?? ''],
      [0x0040_a123, 'PN', patient],
      [0x0040_a160, 'UT', `subject ${patient}, image ${image}`],
    ]),
  ];
  const expected: readonly Planted[] = [
    ...own,
    [Tag.StudyInstanceUID, 'UI', `${UID}.2`],
    [Tag.PatientName, 'PN', 'Okonkwo^Ngozi'],
    [Tag.PatientID, 'LO', 'MRN7654321'],
    [Tag.IssuerOfPatientID, 'LO', 'RRK'],
    [Tag.PatientBirthDate, 'DA', '19500102'],
    [Tag.AccessionNumber, 'SH', 'ACC42'],
    [Tag.StudyDate, 'DA', '20260102'],
    [Tag.StudyID, 'SH', 'S9'],
    nested([
      [0x0008_1155, 'UI', `${UID}.1`],
      [0x3006_0024, 'UI', `${UID}.52`],
      [0x0040_a123, 'PN', 'Okonkwo^Ngozi'],
      [0x0040_a160, 'UT', `subject MRN7654321, image ${UID}.1`],
    ]),
  ];
  const { dataSet } = readPart10(objectWith(reported));
  for (const chunkBytes of [7, 1 << 16]) {
    const back = await collect(restoreObject(sourceOf(SYNTAX, dataSet, chunkBytes), was.map));
    t.ok(back.equals(readPart10(objectWith(expected)).dataSet), `byte for byte, by ${chunkBytes}`);
  }
});

t.test(
  'names in other letters are written in the object’s own character set, or in UTF-8',
  async (t) => {
    const was = await sent(
      objectWith([
        [Tag.SpecificCharacterSet, 'CS', 'ISO_IR 100'],
        [Tag.PatientName, 'PN', Buffer.from('Müller^Jörg ', 'latin1')],
      ]),
    );
    if (was === undefined) throw new Error('held');
    const result = (charset: string, text: Buffer): Buffer =>
      readPart10(
        objectWith([
          ...(charset === '' ? [] : ([[Tag.SpecificCharacterSet, 'CS', charset]] as const)),
          [Tag.PatientName, 'PN', was.map.patient],
          [0x0020_4000, 'LT', text],
        ]),
      ).dataSet;
    const remark = 'Größe: 4 µm';
    for (const [charset, encoding] of [
      ['', 'ascii'],
      ['ISO_IR 192', 'utf8'],
      ['ISO_IR 100', 'latin1'],
      ['ISO_IR 144', 'ascii'],
    ] as const) {
      const plain = encoding === 'ascii' ? 'size: 4 mm' : remark;
      const even = Buffer.from(plain, encoding === 'ascii' ? 'latin1' : encoding);
      const padded = even.length % 2 === 0 ? even : Buffer.concat([even, Buffer.from(' ')]);
      const source = sourceOf(SYNTAX, result(charset, padded));
      const back = readSmallDataSet(SYNTAX, await collect(restoreObject(source, was.map)));
      t.equal(back.text(Tag.PatientName), 'Müller^Jörg', `into ${charset || 'none'}`);
      t.equal(back.text(0x0020_4000), plain, 'what else it says is the same');
    }
  },
);

t.test('a pseudonym where it can’t be replaced holds the object', async (t) => {
  const was = await sent(objectWith([]));
  if (was === undefined) throw new Error('held');
  const hidden: readonly Planted[] = [
    [0x0009_0010, 'LO', 'NODE'],
    [0x0009_1001, 'UN', `of ${was.map.patient} `],
  ];
  const source = sourceOf(SYNTAX, readPart10(objectWith(hidden)).dataSet);
  await t.rejects(collect(restoreObject(source, was.map)), { code: 'PSEUDONYM_LEFT' });
  const deep = sequence(EXPLICIT, 0x0009_1002, [
    Buffer.concat(hidden.map((one) => encoded(EXPLICIT, one))),
  ]);
  const nestedIn = objectWith([
    [0x0009_0010, 'LO', 'NODE'],
    [0x0009_1002, 'SQ', deep.subarray(12)],
  ]);
  await t.rejects(collect(restoreObject(sourceOf(SYNTAX, readPart10(nestedIn).dataSet), was.map)), {
    code: 'PSEUDONYM_LEFT',
  });
});

const corpus = readableCorpusFiles().map(({ path }) => path);
const MAX_BYTES = 500_000;

/** Where it names something else than it did; undefined: it was not sent. */
async function differences(path: string): Promise<string[] | undefined> {
  const original = readPart10(path);
  if (original.dataSet.length > MAX_BYTES) return undefined;
  const was = await sent(path, ['retain-modified-dates', 'clean-structured-content']);
  if (was === undefined) return undefined;
  const { transferSyntaxUID } = original;
  const source = sourceOf(transferSyntaxUID, was.clean.dataSet);
  const back = await collect(restoreObject(source, was.map));
  const [before, between, after] = await Promise.all(
    [original.dataSet, was.clean.dataSet, back].map((bytes) => valuesIn(transferSyntaxUID, bytes)),
  );
  const { uids, dates } = was.map;
  // What was emptied or made a dummy of does not come back; what has a pseudonym does.
  const replaced = [...(between ?? [])].filter(
    ([at, value]) => before?.has(at) === true && (uids.has(value) || dates.has(value)),
  );
  const identity = [Tag.PatientName, Tag.PatientID, Tag.StudyInstanceUID, Tag.StudyDate];
  return [...replaced.map(([at]) => at), ...identity.map((tag) => `${tag.toString(16)}#0`)]
    .filter((at) => before?.has(at) === true && before.get(at) !== after?.get(at))
    .map((at) => `${path} ${at}`);
}

t.test(
  'every real object, sent and come back, names again what it named',
  { timeout: 300_000 },
  async (t) => {
    const other: string[] = [];
    let restored = 0;
    for (const path of corpus.length > 0 ? corpus : pydicomFiles()) {
      const found = await differences(path);
      if (found !== undefined) restored += 1;
      other.push(...(found ?? []));
    }
    t.strictSame(other, []);
    t.ok(restored > 20, `${restored} came back`);
  },
);
