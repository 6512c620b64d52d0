/** `cdip deidentify`: a folder with patients becomes one without, and what can't is held with its reason. */
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { deidentifyFolder } from '../../edge/deidentify/folder-run.ts';
import { PROFILE_OPTIONS } from '../../edge/deidentify/options.ts';
import { systemClock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import { cdip } from '../support/cdip.ts';
import { filesUnder } from '../support/files-under.ts';
import { readPart10 } from '../support/part10.ts';
import { mountSmallDisk, smallDiskMissing } from '../support/small-disk.ts';
import { foundAt, objectWith, type Planted } from '../unit/edge/deidentify/object-fixture.ts';

const uid = (n: number): Planted => [0x0008_0018, 'UI', `1.2.826.0.1.3680043.9.1.${n}`];
const ULTRASOUND: readonly Planted[] = [
  [0x0008_0016, 'UI', '1.2.840.10008.5.1.4.1.1.6.1'],
  [0x0008_0060, 'CS', 'US'],
];

/** Two slices of a patient; one that calls her otherwise; one that has that other name where none belongs … */
const INPUTS: Readonly<Record<string, Buffer>> = {
  'OKONKWO_NGOZI/1.dcm': objectWith([uid(11), [0x0010_0030, 'DA', '19610417']]),
  'OKONKWO_NGOZI/2.dcm': objectWith([uid(12)]),
  'OKONKWO_NGOZI/2-again.dcm': objectWith([uid(12)]),
  'OKONKWO_NGOZI/maiden': objectWith([uid(13), [0x0010_0010, 'PN', 'Adeyemi^Ngozi']]),
  'OKONKWO_NGOZI/leak': objectWith([uid(14), [0x0018_0015, 'CS', 'ADEYEMI']]),
  'OKONKWO_NGOZI/us': objectWith([uid(15), ...ULTRASOUND]),
  'cut.dcm': objectWith([uid(16)]).subarray(0, -5),
  'letter.txt': Buffer.from('Dear Ngozi Okonkwo'),
};
const IDENTITY = /okonkwo|ngozi|adeyemi|7654321|19610417|3680043/i;

function inputFolder(folder: string): string {
  for (const [name, bytes] of Object.entries(INPUTS)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
  }
  return folder;
}

const digestsOf = (folder: string): string[] =>
  filesUnder(folder).map((name) =>
    [
      name,
      createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex'),
    ].join(' '),
  );

interface Place {
  readonly input: string;
  readonly output: string;
  readonly keyFile: string;
}

const placeIn = (directory: string): Place => ({
  input: inputFolder(join(directory, 'in')),
  output: join(directory, 'out'),
  keyFile: join(directory, 'project.key'),
});

/** As the command does, in this process. @returns the code of the error, or '' */
async function runHere(
  { input, output, keyFile }: Place,
  project = 'stroke',
): Promise<{ readonly code: string }> {
  const settings = { profile: 'basic', options: [], masks: [], clock: systemClock } as const;
  try {
    await deidentifyFolder({ ...settings, input, output, keyFile, project, onProgress: () => {} });
    return { code: '' };
  } catch (error) {
    return { code: codeOf(error) };
  }
}

const run = ({ input, output, keyFile }: Place, ...more: string[]) =>
  cdip(['deidentify', input, output, '--project', 'stroke', '--key-file', keyFile, ...more]);

t.test('every input is clean or held, and nothing of the patient is outside held', async (t) => {
  const place = placeIn(t.testdir());
  const before = digestsOf(place.input);
  const { code, stderr, stdout } = await run(place, '--json');
  t.equal(code, 0, stderr);
  t.strictSame(digestsOf(place.input), before, 'the input is as it was');
  const files = filesUnder(place.output);
  const open = files.filter((name) => !name.startsWith('held/'));
  t.equal(open.filter((name) => name.endsWith('.dcm')).length, 3, 'one object stood there twice');
  for (const name of open) {
    t.notMatch(name, IDENTITY);
    t.notMatch(readFileSync(join(place.output, name), 'latin1'), IDENTITY);
  }
  t.notMatch(stderr + stdout, IDENTITY);
  const report = JSON.parse(readFileSync(join(place.output, 'report.json'), 'utf8'));
  t.match(report, {
    ...{ project: 'stroke', profile: 'basic', inputs: 8, clean: 4, alreadyThere: 1, held: 4 },
    reasons: { DATASET_TRUNCATED: 1, DEVICE_WRITES_INTO_PIXELS: 1, LEAK: 1, NOT_PART10: 1 },
  });
  t.strictSame(JSON.parse(stdout), report);
});

t.test('what is held is there as it came, with its reason, for its owner alone', async (t) => {
  const place = placeIn(t.testdir());
  await runHere(place);
  const held = join(place.output, 'held');
  const names = filesUnder(held);
  t.equal(names.length, 8);
  t.equal(statSync(held).mode & 0o077, 0);
  const digests = digestsOf(held).map((line) => line.split(' ')[1]);
  for (const name of ['OKONKWO_NGOZI/leak', 'OKONKWO_NGOZI/us', 'cut.dcm', 'letter.txt'])
    t.ok(
      digests.includes(
        createHash('sha256')
          .update(INPUTS[name] ?? '')
          .digest('hex'),
      ),
      `${name} is held whole`,
    );
  for (const name of names.filter((each) => each.endsWith('.json')))
    t.match(JSON.parse(readFileSync(join(held, name), 'utf8')), {
      ...{ code: /^[A-Z0-9_]+$/, reason: /\w/, source: /in\// },
    });
});

t.test('the same again gives the same, and another key or project nothing in common', async (t) => {
  const place = placeIn(t.testdir());
  await runHere(place);
  const first = digestsOf(place.output).filter((line) => !line.startsWith('report'));
  t.equal((await runHere(place)).code, '');
  t.strictSame(
    digestsOf(place.output).filter((line) => !line.startsWith('report')),
    first,
  );
  // Another edge with the same key, on another day.
  const elsewhere = { ...place, output: join(dirname(place.output), 'elsewhere') };
  await runHere(elsewhere);
  const objects = (output: string): string[] =>
    digestsOf(output).filter((line) => line.includes('/2.25.') || line.startsWith('2.25.'));
  t.strictSame(objects(elsewhere.output), objects(place.output));
  const other = join(dirname(place.output), 'other');
  t.equal((await runHere({ ...place, output: other }, 'sepsis')).code, '');
  const names = new Set(filesUnder(place.output).flatMap((name) => name.split('/')));
  const shared = filesUnder(other).flatMap((name) =>
    name.split('/').filter((part) => names.has(part)),
  );
  t.strictSame([...new Set(shared)].sort(), ['held', 'report.json']);
});

t.test('all objects of a patient have one pseudonym and one study', async (t) => {
  const place = placeIn(t.testdir());
  await runHere(place);
  const objects = filesUnder(place.output).filter((name) => name.startsWith('2.25.'));
  const values = objects.map((name) => {
    const { dataSet } = readPart10(join(place.output, name));
    return [0x0010_0020, 0x0010_0010, 0x0020_000d, 0x0020_0010].map((tag) =>
      foundAt(dataSet, tag, 'top')?.value.toString('latin1'),
    );
  });
  t.equal(values.length, 3);
  t.equal(new Set(values.map(String)).size, 1);
  t.ok(values.flat().every((value) => (value ?? '') !== ''));
});

t.test(
  'the key is made for its owner alone, and one that others may read is refused',
  async (t) => {
    const place = placeIn(t.testdir());
    await runHere(place);
    t.equal(statSync(place.keyFile).mode & 0o777, 0o600);
    chmodSync(place.keyFile, 0o644);
    const refused = await runHere({ ...place, output: `${place.output}-2` });
    t.equal(refused.code, 'KEY_FILE_EXPOSED');
    t.strictSame(filesUnder(`${place.output}-2`), []);
  },
);

t.test('it begins nothing where it would mix or overwrite', async (t) => {
  const place = placeIn(t.testdir());
  const refusals: readonly (readonly [Place, string])[] = [
    [{ ...place, output: place.input }, 'FOLDERS_OVERLAP'],
    [{ ...place, output: join(place.input, 'clean') }, 'FOLDERS_OVERLAP'],
    [{ ...place, output: dirname(place.input) }, 'FOLDERS_OVERLAP'],
    [
      { ...place, output: dirname(place.input), input: join(place.input, 'cut.dcm') },
      'FOLDERS_OVERLAP',
    ],
    [{ ...place, keyFile: join(place.output, 'key') }, 'KEY_FILE_INVALID'],
    [{ ...place, input: join(place.input, 'nowhere') }, 'INPUT_MISSING'],
  ];
  const before = digestsOf(place.input);
  for (const [at, reason] of refusals) {
    t.equal((await runHere(at)).code, reason);
  }
  t.strictSame(digestsOf(place.input), before);
  mkdirSync(place.output, { recursive: true });
  writeFileSync(join(place.output, 'thesis.odt'), '');
  t.equal((await runHere(place)).code, 'OUTPUT_IN_USE');
});

t.test('a run that was cut short is made whole by the next', async (t) => {
  const place = placeIn(t.testdir());
  await runHere(place);
  const whole = digestsOf(place.output).filter((line) => line.startsWith('2.25.'));
  // As a power cut leaves it: the report of its beginning, and a file without its content.
  const report = join(place.output, 'report.json');
  writeFileSync(
    report,
    readFileSync(report, 'latin1').replace(/"endedAt": "[^"]*"/, '"endedAt": null'),
  );
  const [object = ''] = filesUnder(place.output).filter((name) => name.startsWith('2.25.'));
  writeFileSync(join(place.output, object), '');
  t.equal((await runHere(place)).code, '');
  t.strictSame(
    digestsOf(place.output).filter((line) => line.startsWith('2.25.')),
    whole,
  );
});

t.test('a UID that is a path leads nowhere', async (t) => {
  const place = placeIn(t.testdir());
  const evil = ['../../escaped', '1.2.840.10008./../../../escaped', '/tmp/escaped', '..'];
  for (const [n, text] of evil.entries())
    writeFileSync(join(place.input, `evil-${n}`), objectWith([[0x0020_000d, 'UI', text], uid(n)]));
  const settings = {
    profile: 'basic',
    masks: [],
    clock: systemClock,
    onProgress: () => {},
  } as const;
  const options = PROFILE_OPTIONS.filter(({ name }) => name === 'retain-uids');
  const report = await deidentifyFolder({ ...settings, ...place, project: 'stroke', options });
  t.equal(report.reasons['UID_UNSAFE'], evil.length);
  t.notOk(filesUnder(dirname(place.output)).some((name) => name.includes('escaped')));
});

t.test(
  'a full disk ends it, without a patient in its words',
  { skip: smallDiskMissing },
  async (t) => {
    const place = placeIn(t.testdir());
    const pixels = Buffer.alloc(700_000, 1);
    for (const n of [21, 22])
      writeFileSync(
        join(place.input, 'OKONKWO_NGOZI', `large-${n}`),
        objectWith([uid(n), [0x7fe0_0010, 'OW', pixels]]),
      );
    const { code, stderr } = await run({ ...place, output: join(mountSmallDisk(t, 1), 'out') });
    t.equal(code, 1);
    t.match(stderr, /OUTPUT_FAILED\n.*ENOSPC/);
    t.notMatch(stderr, IDENTITY);
  },
);

t.test('what it does not understand it says, and does nothing', async (t) => {
  const place = placeIn(t.testdir());
  for (const [more, reason] of [
    [['--option', 'retain-everything'], /unknown option retain-everything/],
    [['--option', 'retain-full-dates', '--option', 'retain-modified-dates'], /exclude each other/],
    [['--profile', 'lax'], /no profile lax/],
    [['--masks', 'm.yaml'], /needs --option clean-pixel-data/],
  ] as const) {
    const { code, stderr } = await run(place, ...more);
    t.equal(code, 64);
    t.match(stderr, reason);
  }
  t.strictSame(filesUnder(place.output), []);
});
