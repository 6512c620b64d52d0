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
const MAX_ALIKE = process.env['CDIP_WHOLE_CORPUS'] === 'true' ? Number.POSITIVE_INFINITY : 2;
/** No transfer syntax in the meta information, no SOP Instance UID, or cut: nobody could have received it whole. */
const UNSENDABLE =
  /meta_missing_tsyntax|SC_rgb_jpeg\.dcm|truncated|JPEGLosslessP14SV1_1s_1f_u_16_16/;

/** A value that breaks a rule is kept in the Original Attributes as it stood. */
const whereItStood = (error: string): string =>
  error.replace(
    /OriginalAttributesSequence\(0400,0561\)\/ModifiedAttributesSequence\(0400,0550\)\//,
    '',
  );

const dir = mkdtempSync(join(tmpdir(), 'cdip-dciodvfy-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

t.test(
  'coerced objects break no rule of their definition that the original did not break',
  { skip: missingPeer('dciodvfy'), timeout: 900_000 },
  async (t) => {
    const worse: string[] = [];
    const sendable = files.filter(
      (path) => !UNSENDABLE.test(path) && readPart10(path).sopClassUID !== '',
    );
    const chosen = someOfEachClass(sendable, MAX_ALIKE);
    for (const path of chosen) {
      const object = readPart10(path);
      const { dataSet: bytes, transferSyntaxUID } = object;
      const copy = join(dir, 'copy.dcm');
      writeFileSync(
        copy,
        writePart10({ ...object, dataSet: await coerce({ bytes, transferSyntaxUID }) }),
      );
      const before = await definitionErrors(path);
      const after = (await definitionErrors(copy)).map(whereItStood);
      const added = after.filter((error) => !before.includes(error));
      worse.push(...added.map((error) => `${basename(path)}: ${error}`));
    }
    t.strictSame(worse, []);
    t.ok(chosen.length > 20, `${chosen.length} objects`);
  },
);
