/**
 * Every row of PS3.15 table E.1-1, under the Basic Profile and each option: an object that carries it, at the
 * top and three sequences deep, comes out as the standard's table says. Where the shared corpus with that
 * table is not there, our own reading of it is the measure.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { PROFILE_OPTIONS } from '../../../../edge/deidentify/options.ts';
import { PROFILE_ROWS } from '../../../../edge/deidentify/profile.generated.ts';
import { vrOfTag } from '../../../../shared/dicom/dictionary.ts';
import type { ItemElement } from '../../../../shared/dicom/items.ts';
import { corpusDirectory } from '../../../support/corpus.ts';
import { element, sequence } from '../../../support/data-set.ts';
import { readPart10 } from '../../../support/part10.ts';
import { deidentified } from './deidentify-fixture.ts';
import { EXPLICIT, foundAt, nested, objectWith, type Planted } from './object-fixture.ts';

/** The table's columns, by the names of our options. */
const COLUMNS: Readonly<Record<string, string>> = {
  'retain-safe-private': 'rtnSafePrivOpt',
  'retain-uids': 'rtnUIDsOpt',
  'retain-device': 'rtnDevIdOpt',
  'retain-institution': 'rtnInstIdOpt',
  'retain-patient-characteristics': 'rtnPatCharsOpt',
  'retain-full-dates': 'rtnLongFullDatesOpt',
  'retain-modified-dates': 'rtnLongModifDatesOpt',
  'clean-descriptors': 'cleanDescOpt',
  'clean-structured-content': 'cleanStructContOpt',
  'clean-graphics': 'cleanGraphOpt',
};

interface Row {
  readonly id: string;
  readonly basicProfile: string;
  readonly [column: string]: string | undefined;
}

function standardRows(): Row[] | undefined {
  const file = join(corpusDirectory ?? '', 'standard', 'confidentiality_profile_attributes.json');
  if (corpusDirectory === undefined || !existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, 'utf8')) as Row[];
}

function ownRows(): Row[] {
  const names = new Map(PROFILE_OPTIONS.map(({ name, column }) => [column, COLUMNS[name]]));
  return PROFILE_ROWS.trim()
    .split('\n')
    .map((line) => {
      const [id = '', basicProfile = '', ...changes] = line.split(' ');
      const columns = changes.map((change) => {
        const [column = '', action = ''] = change.split(':');
        return [names.get(column) ?? column, action];
      });
      return { id, basicProfile, ...Object.fromEntries(columns) } as Row;
    });
}

/** An element that the row is about: of its ranges one. */
function tagOf({ id }: Row): number {
  if (/^[0-9a-f]{8}$/i.test(id)) return Number.parseInt(id, 16);
  if (id.startsWith('50xx')) return 0x5002_2500;
  if (id.startsWith('60xx')) return Number.parseInt(`6002${id.slice(4)}`, 16);
  return 0x0019_1010;
}

const CANARY = 'CANARYVALUE';
const TEXTS: Readonly<Record<string, string>> = {
  ...{ DA: '20110203', DT: '20110203112233', TM: '112233', UI: '1.2.826.0.1.3680043.9.77' },
  ...{ AS: '044Y', DS: '1234.5', IS: '12345', UR: 'http://canary.example/x' },
};
const ITEM = [element(EXPLICIT, 0x0008_0104, 'LO', 'Code Meaning')];

function plantedFor(tag: number): Planted {
  const vr = tag === 0x0019_1010 ? 'LO' : vrOfTag(tag) === 'UN' ? 'LO' : vrOfTag(tag);
  if (vr === 'SQ') return [tag, vr, sequence(EXPLICIT, tag, ITEM).subarray(12)];
  if (/^(O.|US|SS|UL|SL|FD|FL|AT)$/.test(vr)) return [tag, vr, Buffer.from(`${CANARY}-OF`)];
  return [tag, vr, TEXTS[vr] ?? CANARY];
}

/** What an element was, and what it is. */
interface Outcome {
  readonly tag: number;
  readonly vr: string;
  readonly after: ItemElement | undefined;
  readonly isSame: boolean;
}

/** By the action's code: what is wrong with the outcome, or ''. */
const FAULTS: Readonly<Record<string, (outcome: Outcome) => string>> = {
  X: ({ after }) => (after === undefined ? '' : 'is still there'),
  Z: ({ after, isSame }) => (after !== undefined && !isSame ? '' : 'is neither empty nor a dummy'),
  D: ({ after, isSame, vr }) =>
    (after?.value.length ?? 0) > 0 && (!isSame || vr === 'SQ') ? '' : 'has no dummy',
  U: ({ after }) =>
    /^2\.25\.\d{30,39}\0?$/.test(after?.value.toString('latin1') ?? '') ? '' : 'has no new UID',
  'U*': ({ isSame }) => (isSame ? '' : 'is not as it was'),
  K: ({ isSame }) => (isSame ? '' : 'is not as it was'),
  C: cleaningFault,
};

function cleaningFault({ tag, vr, after, isSame }: Outcome): string {
  // Nobody knows what a private element says, or what was drawn.
  if (tag === 0x0019_1010 || tag >>> 24 === 0x60) return after === undefined ? '' : 'is kept';
  if (vr === 'TM' || vr === 'SQ') return after === undefined ? 'is gone' : '';
  return after !== undefined && !isSame ? '' : 'is not cleaned';
}

function faultOf(code: string, [tag, vr, value]: Planted, after: ItemElement | undefined): string {
  const original = typeof value === 'string' ? Buffer.from(value) : value;
  const isSame = after?.value.subarray(0, original.length).equals(original) === true;
  return FAULTS[code]?.({ tag, vr, after, isSame }) ?? `has an unknown code ${code}`;
}

const isAsAnyOf = (codes: string, before: Planted, after: ItemElement | undefined): string[] => {
  const faults = codes.split('/').map((code) => faultOf(code, before, after));
  return faults.includes('') ? [] : faults;
};

async function faultsOf(row: Row, option: string | undefined): Promise<string[]> {
  const tag = tagOf(row);
  const planted = plantedFor(tag);
  const codes = (option === undefined ? undefined : row[COLUMNS[option] ?? '']) ?? row.basicProfile;
  const name = `${row.id} ${codes} ${option ?? 'basic'}`;
  const file = objectWith([planted, nested([planted])]);
  const result = await deidentified(file, { options: option === undefined ? [] : [option] });
  if (result.kind === 'held') return [`${name} was held: ${result.code}`];
  return (['top', 'nested'] as const).flatMap((where) =>
    isAsAnyOf(codes, planted, foundAt(result.object.dataSet, tag, where)).map(
      (fault) => `${name} ${where} ${fault}`,
    ),
  );
}

/**
 * Requested and Affected SOP Instance UID are of commands, which no file has; Media Storage SOP Instance UID
 * is of the file meta information: the last test.
 */
const OUTSIDE_DATA_SETS = ['00001000', '00001001', '00020003'];

const rows = standardRows() ?? ownRows();
const optionNames = Object.keys(COLUMNS);

t.test('our table has every row of the standard, and no other', async (t) => {
  const key = (row: Row): string =>
    [row.id.startsWith('gggg') ? 'private' : row.id, row.basicProfile]
      .concat(optionNames.map((name) => row[COLUMNS[name] ?? ''] ?? '-'))
      .join(' ');
  t.strictSame(ownRows().map(key).sort(), rows.map(key).sort());
  t.equal(rows.length, 621);
});

for (const option of [undefined, ...optionNames])
  t.test(`every row comes out as the table says with ${option ?? 'no option'}`, async (t) => {
    const faults: string[] = [];
    const outside = rows.filter((row) => tagOf(row) >>> 16 <= 0x0002);
    const inside = rows.filter((row) => !outside.includes(row));
    for (const row of inside) faults.push(...(await faultsOf(row, option)));
    t.strictSame(faults, []);
    t.strictSame(outside.map(({ id }) => id).sort(), OUTSIDE_DATA_SETS);
    const names = OUTSIDE_DATA_SETS.join(', ');
    t.comment(`${inside.length} rows checked, and ${names}, which no data set has: 621`);
    t.equal(inside.length + outside.length, 621);
  });

t.test('the file meta information names the new object, and nothing of the old file', async (t) => {
  const result = await deidentified(objectWith([]));
  if (result.kind === 'held') throw new Error(result.reason);
  const { sopInstanceUID } = readPart10(result.file);
  t.match(sopInstanceUID, /^2\.25\./);
  t.ok(
    result.file.subarray(0, 128).every((byte) => byte === 0),
    'the preamble is empty',
  );
  t.notOk(result.file.includes('2.25.1\0'), 'the implementation is ours');
});
