/** Objects: read as they stream in, read as a file, read item by item; real small ones where there are some, and ours. */
import { readFileSync } from 'node:fs';
import { dicomReading } from '../../edge/scp/dicom-reading.ts';
import { charsetOf, decodeText } from '../../shared/dicom/character-set.ts';
import { readPart10Head } from '../../shared/dicom/part10.ts';
import { readSmallDataSet, type SmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { pydicomFiles, readableCorpusFiles } from '../support/corpus.ts';
import { element, sequence } from '../support/data-set.ts';
import { readPart10, writePart10 } from '../support/part10.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';
import type { Dice } from './mutate.ts';
import type { Target } from './target.ts';

const MAX_BYTES = 6_000;
const EXPLICIT = '1.2.840.10008.1.2.1';
const SYNTAXES = [
  ...[EXPLICIT, '1.2.840.10008.1.2', '1.2.840.10008.1.2.2', '1.2.840.10008.1.2.1.99'],
  '1.2.840.10008.1.2.4.50',
];

const LITTLE = { explicit: true, bigEndian: false };
const NESTED = sequence(
  LITTLE,
  0x0008_1115,
  [sequence(LITTLE, 0x0008_1199, [element(LITTLE, 0x0008_1155, 'UI', '1.2')], 'undefined')],
  'undefined',
);
const OWN = writePart10({
  ...{ sopClassUID: '1.2', sopInstanceUID: '1.3', transferSyntaxUID: EXPLICIT },
  dataSet: Buffer.concat([NESTED, dataSetOf(smallObject(1))]),
});

const files: Buffer[] = [...readableCorpusFiles().map(({ path }) => path), ...pydicomFiles()]
  .map((path) => readFileSync(path))
  .filter(({ length }) => length < MAX_BYTES)
  .slice(0, 80);
files.push(OWN);
const objects = files.map((file) => readPart10(file));
/** The syntax that the damaged bytes are most likely in. */
const syntaxOf = new Map(
  objects.map(({ dataSet, transferSyntaxUID }) => [dataSet.length, transferSyntaxUID]),
);

async function stream(bytes: Buffer, dice: Dice): Promise<void> {
  const known = syntaxOf.get(bytes.length) ?? EXPLICIT;
  const syntax = dice.upTo(4) === 0 ? (SYNTAXES[dice.upTo(SYNTAXES.length)] ?? known) : known;
  const reader = dicomReading.openReader(syntax);
  const piece = 1 + dice.upTo(bytes.length + 1);
  try {
    for (let at = 0; at < bytes.length; at += piece)
      await reader.write(bytes.subarray(at, at + piece));
    await reader.end();
  } finally {
    reader.abort();
  }
}

function walk(dataSet: SmallDataSet): void {
  for (const tag of dataSet.tags) {
    dataSet.text(tag);
    for (const item of dataSet.items(tag)) walk(item);
  }
}

const CHARACTER_SETS = [
  ...['', 'ISO_IR 100', 'ISO_IR 192', 'GB18030', 'ISO 2022 IR 6\\ISO 2022 IR 87'],
  ...['\\ISO 2022 IR 149', 'ISO_IR 13', 'nonsense'],
];

export const objectTargets: readonly Target[] = [
  { name: 'object as it streams in', seeds: objects.map(({ dataSet }) => dataSet), take: stream },
  { name: 'head of a file', seeds: files, take: (bytes) => void readPart10Head(bytes) },
  {
    name: 'items of a data set',
    seeds: objects.map(({ dataSet }) => dataSet).filter(({ length }) => length < 3_000),
    take: (bytes, dice) => walk(readSmallDataSet(SYNTAXES[dice.upTo(3)] ?? EXPLICIT, bytes)),
  },
  {
    name: 'text',
    seeds: [
      Buffer.from('Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B', 'latin1'),
      Buffer.from('Müller'),
    ],
    take: (bytes, dice) =>
      void decodeText(bytes, charsetOf(CHARACTER_SETS[dice.upTo(CHARACTER_SETS.length)] ?? '')),
  },
];
