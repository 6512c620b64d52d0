/** Every readable file at hand is coerced and restored; pydicom and dcmdump judge the copies. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { inflate } from '../../../../shared/dicom/deflated-bytes.ts';
import { encodingOf } from '../../../../shared/dicom/transfer-syntax.ts';
import { pydicomFiles, readableCorpusFiles } from '../../../support/corpus.ts';
import { chunksOf, collect } from '../../../support/data-set.ts';
import { runTool } from '../../../support/dcmtk.ts';
import { missingPeer } from '../../../support/missing-peer.ts';
import { readPart10, writePart10 } from '../../../support/part10.ts';
import { PYTHON } from '../../../support/pydicom.ts';
import { coerce, restore } from './coerce-fixture.ts';

/** No transfer syntax in the meta information, or cut: nobody could have received it whole. */
const UNSENDABLE = /meta_missing_tsyntax|SC_rgb_jpeg\.dcm|truncated/;
/** Of an element that stands twice pydicom takes the other one; and it stops in the midst of the second file. */
const AMBIGUOUS = /duplicates\.dcm|GH179A\.dcm/;

const files = [...readableCorpusFiles().map(({ path }) => path), ...pydicomFiles()].filter(
  (path) => !UNSENDABLE.test(path),
);

const inflated = async (bytes: Buffer, transferSyntaxUID: string): Promise<Buffer> =>
  encodingOf(transferSyntaxUID).deflated ? collect(inflate(chunksOf(bytes)())) : bytes;

t.test('restored, a copy is what it was, byte for byte, in any transfer syntax', async (t) => {
  const differing: string[] = [];
  const syntaxes = new Set<string>();
  for (const path of files) {
    const { dataSet: bytes, transferSyntaxUID } = readPart10(path);
    const copy = await coerce({ bytes, transferSyntaxUID });
    const back = await restore({ bytes: copy, transferSyntaxUID, chunk: 777 });
    const isEqual = (await inflated(back, transferSyntaxUID)).equals(
      await inflated(bytes, transferSyntaxUID),
    );
    if (!isEqual) differing.push(path);
    syntaxes.add(transferSyntaxUID);
  }
  t.strictSame(differing, []);
  t.ok(files.length > 40, `${files.length} files in ${syntaxes.size} transfer syntaxes`);
});

t.test('the same object gives the same copy, however its bytes come', async (t) => {
  const small = files.filter((path) => readFileSync(path).length < 12_000);
  t.ok(small.length > 20, 'there are small files');
  const differing: string[] = [];
  for (const path of small) {
    const { dataSet: bytes, transferSyntaxUID } = readPart10(path);
    const [whole, cut] = await Promise.all(
      [1 << 20, 17].map((chunk) => coerce({ bytes, transferSyntaxUID, chunk })),
    );
    if (whole === undefined || cut?.equals(whole) !== true) differing.push(path);
  }
  t.strictSame(differing, []);
});

/** One JSON list of complaints a pair: what differs and is not told, or is told and was not so. */
const SCRIPT = `
import sys, json, warnings
warnings.simplefilter('ignore')
import logging; logging.disable(logging.CRITICAL)
import pydicom
from pydicom.tag import Tag
OAS = Tag(0x0400, 0x0561)
def raw(ds, tag):
    if tag not in ds: return b''
    e = ds.get_item(tag)
    if isinstance(e.value, bytes) and tag != 0x00080005: return e.value
    v = ds[tag].value
    return b'' if v is None or len(v) == 0 else repr(v)
for line in sys.stdin.read().split('\\n'):
    if not line: continue
    before, after = line.split('\\t')
    says = []
    try:
        a = pydicom.dcmread(before)
    except Exception as e:
        print(json.dumps({'path': before, 'skipped': str(e)})); continue
    try:
        b = pydicom.dcmread(after)
        item = b[OAS].value[-1]
        told = item[0x04000550].value[0]
        told_tags = set(told.keys())
        for tag in sorted(set(a.keys()) | set(b.keys())):
            if tag == OAS or tag.element == 0 or tag == 0x00080001: continue
            if tag in told_tags:
                if raw(a, tag) != raw(told, tag): says.append(f'{tag} told wrongly')
            elif raw(a, tag) != raw(b, tag): says.append(f'{tag} changed untold')
        for tag in told_tags:
            if tag not in a and tag not in b: says.append(f'{tag} told, never there')
        want = {0x00100020: 'M0012345', 0x00100021: 'RXK', 0x00080050: 'I0A1B2C3D4E5F6G7', 0x00100030: '19700102', 0x00100040: 'F'}
        for tag, value in want.items():
            if b[tag].value != value: says.append(f'{Tag(tag)} is not the local one')
        if str(b.PatientName) not in ('Local^Zo\\u00eb', 'Local^Zoe'): says.append('name ' + str(b.PatientName))
    except Exception as e:
        says.append(type(e).__name__ + ' ' + str(e))
    print(json.dumps({'path': before, 'says': says}))
`;

interface Judgement {
  readonly path: string;
  readonly skipped?: string;
  readonly says?: readonly string[];
}

function judge(pairs: readonly (readonly [string, string])[]): Promise<Judgement[]> {
  return new Promise((resolve, reject) => {
    const python = spawn(PYTHON, ['-c', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    let output = '';
    python.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    python.on('error', reject);
    python.on('close', (code) => {
      if (code !== 0) return reject(new Error(`pydicom ended with ${code}`));
      const lines = output.split('\n').filter((line) => line !== '');
      resolve(lines.map((line) => JSON.parse(line) as Judgement));
    });
    python.stdin.end(pairs.map((pair) => pair.join('\t')).join('\n'));
  });
}

async function writeCopies(directory: string, paths: readonly string[]) {
  const pairs: [string, string][] = [];
  for (const [i, path] of paths.entries()) {
    const object = readPart10(path);
    const { dataSet: bytes, transferSyntaxUID } = object;
    const copy = join(directory, `${i}.dcm`);
    writeFileSync(
      copy,
      writePart10({ ...object, dataSet: await coerce({ bytes, transferSyntaxUID }) }),
    );
    pairs.push([path, copy]);
  }
  return pairs;
}

t.test(
  'pydicom finds the local identity, and every change told as it was',
  { skip: missingPeer(PYTHON.split('/').at(-1) ?? '') },
  async (t) => {
    const paths = files.filter((path) => !AMBIGUOUS.test(path));
    const judgements = await judge(await writeCopies(t.testdir(), paths));
    t.strictSame(
      judgements.filter(({ says = [] }) => says.length > 0),
      [],
    );
    t.ok(judgements.filter(({ says }) => says !== undefined).length > 40);
  },
);

t.test('dcmdump reads the copies', { skip: missingPeer('dcmdump') }, async (t) => {
  // Of each transfer syntax some, and of those what dcmdump reads in the first place.
  const bySyntax = new Map<string, string[]>();
  for (const path of files) {
    const { transferSyntaxUID } = readPart10(path);
    const some = bySyntax.get(transferSyntaxUID) ?? [];
    bySyntax.set(transferSyntaxUID, some);
    if (some.length < 3) some.push(path);
  }
  const pairs = await writeCopies(t.testdir(), [...bySyntax.values()].flat());
  let read = 0;
  for (const [path, copy] of pairs) {
    if ((await runTool('dcmdump', ['-q', path])).code !== 0) continue;
    const { code, output } = await runTool('dcmdump', ['+P', '0010,0020', '-q', copy]);
    t.match([code, output], [0, /^\(0010,0020\) LO \[M0012345\]/], path);
    read += 1;
  }
  t.ok(read >= Math.min(20, bySyntax.size), `${read} copies`);
});
