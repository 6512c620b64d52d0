/** What a checker of object definitions says of de-identified objects: nothing that it did not say before. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { pydicomFiles, readableCorpusFiles } from '../support/corpus.ts';
import { definitionErrors, someOfEachClass } from '../support/dciodvfy.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { deidentified } from '../unit/edge/deidentify/deidentify-fixture.ts';

const corpus = readableCorpusFiles().map(({ path }) => path);
const files = corpus.length > 0 ? corpus : pydicomFiles();
/** Of each SOP class these many: what modules an object has depends on nothing else. */
const MAX_ALIKE = 2;

/** Which the table of the profile itself removes, though the definition of the object wants them. */
const REMOVED_BY_TABLE =
  /ResponsiblePerson|ResponsibleOrganization|PresentationCreationDate|PresentationCreationTime/;
const dir = mkdtempSync(join(tmpdir(), 'cdip-dciodvfy-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

t.test(
  'de-identified objects break no rule of their definition that they did not break before',
  { skip: missingPeer('dciodvfy'), timeout: 600_000 },
  async (t) => {
    let checked = 0;
    const worse: string[] = [];
    for (const path of someOfEachClass(files, MAX_ALIKE)) {
      const before = new Set(await definitionErrors(path));
      for (const options of [[], ['retain-modified-dates', 'retain-device', 'clean-descriptors']]) {
        const result = await deidentified(path, { options });
        if (result.kind === 'held') continue;
        checked += 1;
        const clean = join(dir, 'clean.dcm');
        writeFileSync(clean, result.file);
        const added = (await definitionErrors(clean)).filter(
          (error) => !before.has(error) && !REMOVED_BY_TABLE.test(error),
        );
        worse.push(...added.map((error) => `${basename(path)} ${options}: ${error}`));
      }
    }
    t.strictSame(worse, []);
    t.ok(checked > 20, `${checked} objects`);
  },
);
