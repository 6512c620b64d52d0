/**
 * What a checker of object definitions says of coerced objects: nothing that it did not say of the original.
 * `CDIP_WHOLE_CORPUS=true` checks every file, which takes minutes; else some of each SOP class.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import t from 'tap';
import { pydicomFiles, readableCorpusFiles } from '../support/corpus.ts';
import { definitionErrors, someOfEachClass } from '../support/dciodvfy.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { readPart10, writePart10 } from '../support/part10.ts';
import { coerce } from '../unit/edge/coerce/coerce-fixture.ts';

const corpus = readableCorpusFiles().map(({ path }) => path);
const files = corpus.length > 0 ? corpus : pydicomFiles();
const IS_WHOLE = process.env['CDIP_WHOLE_CORPUS'] === 'true';
const MAX_ALIKE = IS_WHOLE ? Number.POSITIVE_INFINITY : 2;
const TIMEOUT_MS = IS_WHOLE ? 7_200_000 : 900_000;
/** Files that are checked at once: most of the time a checker runs. */
const TOGETHER = 2;
/** No transfer syntax in the meta information, no SOP Instance UID, or cut: nobody could have received it whole. */
const UNSENDABLE =
  /meta_missing_tsyntax|SC_rgb_jpeg\.dcm|truncated|JPEGLosslessP14SV1_1s_1f_u_16_16/;

/** A value that breaks a rule is kept in the Original Attributes as it stood. */
const whereItStood = (error: string): string =>
  error.replace(
    /OriginalAttributesSequence\(0400,0561\)\/ModifiedAttributesSequence\(0400,0550\)\//,
    '',
  );

t.setTimeout(TIMEOUT_MS);
const dir = mkdtempSync(join(tmpdir(), 'cdip-dciodvfy-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

/** What is said of the object when it was coerced, and was not said before. */
async function addedErrors(path: string, copy: string): Promise<string[]> {
  const object = readPart10(path);
  const { dataSet: bytes, transferSyntaxUID } = object;
  const dataSet = await coerce({ bytes, transferSyntaxUID });
  writeFileSync(copy, writePart10({ ...object, dataSet }));
  const before = await definitionErrors(path);
  const after = (await definitionErrors(copy)).map(whereItStood);
  return after.filter((error) => !before.includes(error));
}

t.test(
  'coerced objects break no rule of their definition that the original did not break',
  { skip: missingPeer('dciodvfy'), timeout: TIMEOUT_MS },
  async (t) => {
    const worse: string[] = [];
    const sendable = files.filter(
      (path) => !UNSENDABLE.test(path) && readPart10(path).sopClassUID !== '',
    );
    const chosen = someOfEachClass(sendable, MAX_ALIKE);
    const left = chosen.values();
    const check = async (worker: number): Promise<void> => {
      for (const path of left) {
        const added = await addedErrors(path, join(dir, `copy${worker}.dcm`));
        worse.push(...added.map((error) => `${basename(path)}: ${error}`));
      }
    };
    await Promise.all(Array.from({ length: TOGETHER }, (_, worker) => check(worker)));
    t.strictSame(worse, []);
    t.ok(chosen.length > 20, `${chosen.length} objects`);
  },
);
