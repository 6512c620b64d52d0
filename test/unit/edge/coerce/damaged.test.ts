/** Damaged objects: a typed error, or a copy that can be restored. Nothing else, however they are damaged. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { CoercionTag } from '../../../../edge/coerce/tags.ts';
import { Tag } from '../../../../shared/dicom/tag.ts';
import { encodingOf } from '../../../../shared/dicom/transfer-syntax.ts';
import { GatewayError } from '../../../../shared/errors.ts';
import {
  corpusFiles,
  isPart10,
  pydicomFiles,
  readableCorpusFiles,
} from '../../../support/corpus.ts';
import { element } from '../../../support/data-set.ts';
import { readPart10 } from '../../../support/part10.ts';
import { coerce, LITTLE, restore } from './coerce-fixture.ts';

type Outcome = 'restored' | 'differs' | string;

async function outcomeOf(bytes: Buffer, transferSyntaxUID: string): Promise<Outcome> {
  let copy: Buffer;
  try {
    copy = await coerce({ bytes, transferSyntaxUID });
  } catch (error) {
    return error instanceof GatewayError ? error.code : `bug: ${(error as Error).stack}`;
  }
  const back = await restore({ bytes: copy, transferSyntaxUID }).catch((error) => error as Error);
  if (back instanceof Error) return `bug: ${back.stack}`;
  return encodingOf(transferSyntaxUID).deflated || back.equals(bytes) ? 'restored' : 'differs';
}

const isFault = (outcome: Outcome): boolean => outcome === 'differs' || outcome.startsWith('bug');

t.test('objects with a byte here and there changed', async (t) => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  const small = [...readableCorpusFiles().map(({ path }) => path), ...pydicomFiles()]
    .filter((path) => readFileSync(path).length < 6_000)
    .slice(0, 60)
    .map((path) => readPart10(path));
  const faults: string[] = [];
  const outcomes = new Map<string, number>();
  for (let round = 0; round < 3_000; round += 1) {
    const object = small[round % small.length];
    if (object === undefined) break;
    const bytes = Buffer.from(object.dataSet);
    for (let i = 0; i <= random(4); i += 1) bytes[random(bytes.length)] = random(256);
    const whole = random(5) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const outcome = await outcomeOf(whole, object.transferSyntaxUID);
    if (isFault(outcome)) faults.push(`round ${round}: ${outcome}`);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  t.strictSame(faults.slice(0, 5), []);
  t.ok((outcomes.get('restored') ?? 0) > 300, JSON.stringify([...outcomes]));
});

t.test('a sequence that ends before its length says so is refused', async (t) => {
  // In the record of what was there, it would take in what stands behind it.
  const end = element(LITTLE, Tag.SequenceDelimitationItem, '');
  const short = element(LITTLE, CoercionTag.RequestAttributesSequence, 'SQ', end, 40);
  const bytes = Buffer.concat([short, element(LITTLE, Tag.PixelData, 'OB', Buffer.alloc(64))]);
  await t.rejects(coerce({ bytes }), { name: 'DicomError', code: 'DATASET_MALFORMED' });
});

t.test('the corpus’s damaged and hostile files', async (t) => {
  const files = corpusFiles('dicom').filter(
    ({ path, expectedVerdict }) =>
      /damaged|hostile|nonconformant/.test(expectedVerdict) && isPart10(path),
  );
  const faults: string[] = [];
  for (const { path, name } of files) {
    const { dataSet, transferSyntaxUID } = readPart10(path);
    const outcome = await outcomeOf(dataSet, transferSyntaxUID);
    if (isFault(outcome)) faults.push(`${name}: ${outcome}`);
  }
  t.strictSame(faults, []);
});
