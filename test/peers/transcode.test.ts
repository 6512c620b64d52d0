/**
 * Every compressed object at hand decodes to what DCMTK and GDCM make of it, and every other element stays;
 * encodings of native objects keep every value. edge/transcode.
 */
import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { pydicomFiles, readableCorpusFiles } from '../support/corpus.ts';
import { runTool } from '../support/dcmtk.ts';
import { valuesOf } from '../support/image-object.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Part10, readPart10, writePart10 } from '../support/part10.ts';
import { differingTagsOf } from '../support/pydicom.ts';
import { transcodePart10 } from '../support/transcoding.ts';

const [IMPLICIT, EXPLICIT] = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];
const PIXEL_DATA = 0x7fe0_0010;
const JPEG = '1.2.840.10008.1.2.4';

/** Who decodes what; both of DCMTK's JPEG tools follow Photometric Interpretation, as PS3.5 §8.2.1 has it. */
function oracleOf(transferSyntaxUID: string): readonly string[] | undefined {
  if (transferSyntaxUID === '1.2.840.10008.1.2.5') return ['dcmdrle'];
  if (/\.4\.8[01]$/.test(transferSyntaxUID)) return ['dcmdjpls'];
  if (/\.4\.9[01]$/.test(transferSyntaxUID)) return ['gdcmconv', '--raw'];
  return /\.4\.[57]\d$/.test(transferSyntaxUID) ? ['dcmdjpeg'] : undefined;
}

/** Said to be RGB, and YCbCr by JFIF and by their looks: DCMTK leaves them green and pink. */
const JFIF_AS_RGB = new Set(['GH195.dcm', 'example-mg.dcm', 'SC_rgb_jpeg_lossy_gdcm.dcm']);
/** What the codecs here do not read, or nobody does; each fails by name. */
const REFUSED = /^(CODEC_UNSUPPORTED|CODEC_FAILED|FRAMES_UNCLEAR|DATASET_MALFORMED)$/;
/** Pixels, what describes them, and icons, which have pixels too. */
const MAY_CHANGE = /^(7fe0000[12]|7fe00010|00280004|00280006|0028211[024]|00880200)$/;

const files = [...pydicomFiles(), ...readableCorpusFiles().map(({ path }) => path)];
const folder = t.testdir();

/** By which program, and how many of each were compared. */
const compared = new Map<string, number>();

/** Longer files take pydicom too long. */
const MAX_COMPARED_BYTES = 2_000_000;

/** Files before and after, to be compared by one process. */
class Pairs {
  readonly #names: string[] = [];
  readonly #pairs: [string, string][] = [];

  add(name: string, original: string, written: Part10): void {
    if (written.dataSet.length > MAX_COMPARED_BYTES) return;
    const at = this.#pairs.length;
    const pair: [string, string] = [join(folder, `${at}-a.dcm`), join(folder, `${at}-b.dcm`)];
    copyFileSync(original, pair[0]);
    writeFileSync(pair[1], writePart10(written));
    this.#names.push(name);
    this.#pairs.push(pair);
  }

  /** Only what may change has changed. */
  async check(t: Test, mayChange: RegExp): Promise<void> {
    for (const [at, tags] of (await differingTagsOf(this.#pairs)).entries()) {
      const changed = tags.filter((tag) => !mayChange.test(tag));
      t.strictSame(changed, [], `${this.#names[at]}: nothing else`);
    }
    for (const pair of this.#pairs) for (const file of pair) rmSync(file);
  }
}

async function compare(
  t: Test,
  { file, pairs }: { file: string; pairs: Pairs },
  [tool = '', ...args]: readonly string[],
): Promise<void> {
  const copy = join(folder, 'original.dcm');
  copyFileSync(file, copy);
  let ours: Part10;
  try {
    ours = await transcodePart10(copy, EXPLICIT);
  } catch (error) {
    t.match(error, { code: REFUSED }, basename(file));
    return;
  }
  pairs.add(basename(file), copy, ours);
  const theirs = join(folder, 'theirs.dcm');
  rmSync(theirs, { force: true });
  await runTool(tool, [...args, copy, theirs]);
  const values = valuesOf(EXPLICIT, ours.dataSet);
  if (!existsSync(theirs) || JFIF_AS_RGB.has(basename(file))) return;
  const { dataSet, transferSyntaxUID } = readPart10(theirs);
  const expected = valuesOf(transferSyntaxUID, dataSet);
  // It read past them.
  if (!expected.has(PIXEL_DATA)) return;
  t.ok(sameSamples(values, expected), `${basename(file)} by ${tool}`);
  compared.set(tool, (compared.get(tool) ?? 0) + 1);
}

/** Within Bits Stored: neither tool extends the sign. */
function sameSamples(a: Map<number, Buffer>, b: Map<number, Buffer>): boolean {
  const [ours, theirs] = [a.get(PIXEL_DATA), b.get(PIXEL_DATA)];
  if (ours === undefined || theirs === undefined || ours.length !== theirs.length) return false;
  const [allocated, stored] = [0x0028_0100, 0x0028_0101].map((tag) => a.get(tag)?.readUInt16LE(0));
  if (allocated !== 16 || stored === 16) return ours.equals(theirs);
  const mask = 2 ** (stored ?? 16) - 1;
  for (let at = 0; at + 2 <= ours.length; at += 2)
    if ((ours.readUInt16LE(at) & mask) !== (theirs.readUInt16LE(at) & mask)) return false;
  return true;
}

const tools = ['dcmdjpeg', 'dcmdjpls', 'dcmdrle', 'gdcmconv'];
t.test('compressed', { skip: missingPeer(...tools), timeout: 600_000 }, async (t) => {
  const pairs = new Pairs();
  for (const file of files) {
    const oracle = oracleOf(readPart10(file).transferSyntaxUID);
    if (oracle !== undefined) await compare(t, { file, pairs }, oracle);
  }
  await pairs.check(t, MAY_CHANGE);
  for (const tool of tools) t.ok((compared.get(tool) ?? 0) > 0, `${tool}: ${compared.get(tool)}`);
});

t.test('what was compressed with loss says so, by method and ratio', async (t) => {
  const baseline = files.find((file) => basename(file) === 'SC_rgb_small_odd_jpeg.dcm');
  if (baseline === undefined) throw new Error('python3-pydicom has no such file');
  const copy = join(folder, 'lossy.dcm');
  copyFileSync(baseline, copy);
  const values = valuesOf(EXPLICIT, (await transcodePart10(copy, EXPLICIT)).dataSet);
  t.equal(values.get(0x0028_2110)?.toString('latin1'), '01');
  t.equal(values.get(0x0028_2114)?.toString('latin1').trim(), 'ISO_10918_1');
  t.equal(values.get(0x0028_0004)?.toString('latin1').trim(), 'RGB');
  t.equal(readPart10(copy).transferSyntaxUID, `${JPEG}.50`, 'the original stays');
});

t.test(
  'native objects are what DCMTK makes of them, from any encoding to any',
  { timeout: 600_000 },
  async (t) => {
    const pairs = new Pairs();
    const count = new Map<string, number>();
    for (const file of files) {
      const { transferSyntaxUID, sopClassUID, dataSet } = readPart10(file);
      const isNative = /^1\.2\.840\.10008\.1\.2(\.1|\.2|\.1\.99)?$/.test(transferSyntaxUID);
      const isDirectory = sopClassUID === '1.2.840.10008.1.3.10';
      if (!isNative || isDirectory || dataSet.length > MAX_COMPARED_BYTES / 4) continue;
      // A corpus is large: some of each encoding.
      count.set(transferSyntaxUID, (count.get(transferSyntaxUID) ?? 0) + 1);
      if ((count.get(transferSyntaxUID) ?? 0) > 25) continue;
      const copy = join(folder, 'native.dcm');
      copyFileSync(file, copy);
      for (const [option, to] of [
        ['+ti', IMPLICIT],
        ['+te', EXPLICIT],
      ] as const) {
        const theirs = join(folder, 'theirs.dcm');
        if ((await runTool('dcmconv', [option, copy, theirs])).code !== 0) continue;
        pairs.add(`${basename(file)} ${option}`, theirs, await transcodePart10(copy, to));
      }
    }
    // A private sequence of unknown VR that DCMTK takes apart.
    await pairs.check(t, /00010001/);
  },
);
