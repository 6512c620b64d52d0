/** Attributes and frames of real files as pydicom reads them. PS3.18 Annex F, PS3.5 §A.4. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import t from 'tap';
import { frameTableOf } from '../../../../edge/dicomweb/frame-table.ts';
import { frameBytes, frameCount } from '../../../../edge/dicomweb/frames.ts';
import { numberOf, readObjectHead } from '../../../../edge/dicomweb/object-head.ts';
import type { StoredInstance } from '../../../../edge/index/types.ts';
import { readPart10Head } from '../../../../shared/dicom/part10.ts';
import { codeOf } from '../../../../shared/errors.ts';
import { realFiles } from '../../../support/corpus.ts';
import { missingPeer } from '../../../support/missing-peer.ts';
import { PYTHON } from '../../../support/pydicom.ts';

/** What pydicom makes of the files: attributes as DICOM JSON without sequences, digests of frames as stored. */
const SCRIPT = `
import sys, json, hashlib, warnings
warnings.simplefilter('ignore')
import pydicom
from pydicom.encaps import generate_pixel_data_frame
for path in sys.stdin.read().split('\\n'):
    if not path: continue
    ds = pydicom.dcmread(path, force=True)
    out = {'path': path, 'json': {}, 'frames': []}
    for e in ds:
        if e.tag.group >= 0x7fe0 or e.tag.element == 0 or e.VR in ('SQ', 'UN') or e.tag == 0x00080005: continue
        try: out['json']['%08X' % e.tag] = json.loads(json.dumps(e.to_json_dict(lambda d: 'there', 1368)))
        except Exception: pass
    try:
        n = int(ds.get('NumberOfFrames') or 1)
        if ds.file_meta.TransferSyntaxUID.is_encapsulated:
            frames = list(generate_pixel_data_frame(ds.PixelData, n))
            out['frames'] = [hashlib.md5(f).hexdigest() for f in frames]
    except Exception: pass
    print(json.dumps(out))
`;

interface Attribute {
  readonly vr: string;
  readonly Value?: readonly unknown[];
  readonly BulkDataURI?: string;
}

interface Opinion {
  readonly path: string;
  readonly json: Record<string, Attribute>;
  readonly frames: readonly string[];
}

const skip = missingPeer(PYTHON.split('/').at(-1) ?? '');

function pydicomOf(paths: readonly string[]): Opinion[] {
  const ran = spawnSync(PYTHON, ['-c', SCRIPT], { input: paths.join('\n'), maxBuffer: 1 << 30 });
  return String(ran.stdout)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Opinion);
}

function storedAs(path: string): StoredInstance {
  const head = readPart10Head(readFileSync(path));
  const dataSetBytes = statSync(path).size - head.dataSetOffset;
  const uids = { studyInstanceUID: '1.1', seriesInstanceUID: '1.2' };
  const rest = { home: 'RRK', path, contentDigest: '', homeDigest: '', instanceNumber: null };
  return { ...head, ...uids, ...rest, dataSetBytes };
}

/** Numbers as numbers, padding and empty component groups away. */
function plain(values: readonly unknown[] | undefined): string {
  const all = (values ?? []).map((value) => {
    if (typeof value === 'object' && value !== null)
      return JSON.stringify(
        Object.entries(value).filter(([, group]) => String(group).trim() !== ''),
      );
    return value === null || value === ''
      ? ''
      : String(Number.isNaN(Number(value)) ? value : Number(value)).trim();
  });
  return all.every((text) => text === '' || text === '[]') ? '' : all.join('\\');
}

/** Where the two differ and both are right: named, so that nothing else may. */
function isByChoice(tag: string, theirs: Attribute, ours: readonly unknown[] | undefined): boolean {
  // Palettes stay within the attributes: a viewer needs them with every image.
  if (/^0028(12|30)/.test(tag)) return true;
  // pydicom leaves it open.
  if (theirs.vr === 'OB or OW') return true;
  // US or SS where the file says neither: the bits are the same.
  const bits = (value: unknown): number => Number(value) & 0xffff;
  return tag === '00280120' && bits(ours?.[0]) === bits(theirs.Value?.[0]);
}

t.test('attributes are those that pydicom writes as DICOM JSON', { skip }, async (t) => {
  const differing: string[] = [];
  let compared = 0;
  for (const { path, json } of pydicomOf(realFiles())) {
    const { attributes } = await readObjectHead(path, storedAs(path));
    for (const [tag, theirs] of Object.entries(json)) {
      const ours = attributes[tag];
      compared += 1;
      const isSame =
        ours?.vr === theirs.vr &&
        plain(ours.Value) === plain(theirs.Value) &&
        (ours.BulkDataURI === undefined) === (theirs.BulkDataURI === undefined);
      // pydicom takes an unknown VR for what its dictionary says, or leaves it.
      if (!isSame && ours?.vr !== 'UN' && !isByChoice(tag, theirs, ours?.Value))
        differing.push(`${tag} of ${path}: ${JSON.stringify([ours, theirs]).slice(0, 200)}`);
    }
  }
  t.strictSame(differing, []);
  t.ok(compared > 1_000, `${compared} attributes were compared`);
});

t.test('encapsulated frames are the codestreams that pydicom finds', { skip }, async (t) => {
  let compared = 0;
  for (const { path, frames } of pydicomOf(realFiles()).filter((one) => one.frames.length > 0)) {
    const instance = storedAs(path);
    const head = await readObjectHead(path, instance);
    const table = await frameTableOf(path, instance, head).catch((error: unknown) => codeOf(error));
    if (typeof table === 'string') continue;
    t.equal(frameCount(table), frames.length, path);
    const bitsAllocated = numberOf(head.attributes, '00280100') ?? 8;
    const ours: string[] = [];
    for (let at = 0; at < frames.length; at += 1) {
      const hash = createHash('md5');
      for await (const bytes of frameBytes(path, instance, { table, at, bitsAllocated }))
        hash.update(bytes);
      ours.push(hash.digest('hex'));
    }
    compared += 1;
    t.strictSame(ours, frames, path);
  }
  t.ok(compared > 10, `${compared} files were compared`);
});
