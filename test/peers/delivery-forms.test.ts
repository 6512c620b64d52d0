/** Destinations that take less than what is stored, or wish for it compressed. edge/deliver/forms.ts, edge/transcode. */
import { rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { pydicomFiles } from '../support/corpus.ts';
import { runTool } from '../support/dcmtk.ts';
import { startDelivering } from '../support/delivering.ts';
import { imageObject, pixelsOf, valuesOf } from '../support/image-object.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { dataSetDigest, type Part10, readPart10 } from '../support/part10.ts';
import { peerOf } from '../support/peer.ts';
import { startStorescp } from '../support/storescp.ts';

const [IMPLICIT, EXPLICIT] = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];
const JPEG_LS = '1.2.840.10008.1.2.4.80';
const [PIXEL_DATA, StudyInstanceUID] = [0x7fe0_0010, 0x0020_000d];

const SAME_PIXELS = [
  'MR_small_RLE.dcm',
  'MR_small_jpeg_ls_lossless.dcm',
  'MR_small_jp2klossless.dcm',
];
const OTHERS = ['SC_rgb_jpeg_dcmtk.dcm', 'SC_rgb_jpeg_gdcm.dcm', 'CT_small.dcm', 'rtdose_rle.dcm'];
/** JPEG of 12 bits. */
const UNREADABLE = 'JPGExtended.dcm';

function fileOf(name: string): string {
  const file = pydicomFiles().find((path) => basename(path) === name);
  if (file === undefined) throw new Error(`python3-pydicom has no ${name}`);
  return file;
}

const elementOf = ({ transferSyntaxUID, dataSet }: Part10, tag: number): Buffer =>
  valuesOf(transferSyntaxUID, dataSet).get(tag) ?? Buffer.alloc(0);

const studyOf = (object: Part10): string =>
  elementOf(object, StudyInstanceUID).toString('latin1').replace(/\0$/, '');

const skip = missingPeer('storescp');

t.test('a destination that takes implicit VR only', { skip, timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const args = ['+B', '+xi', '-pm', '--fork'];
  const storescp = await startStorescp(join(folder, 'scp'), { args });
  t.teardown(() => storescp.stop());
  const native = elementOf(readPart10(fileOf('MR_small.dcm')), PIXEL_DATA);

  for (const name of [...SAME_PIXELS, ...OTHERS]) {
    const peers = [peerOf({ port: storescp.port })];
    // An edge each: some have the same UIDs.
    const delivering = await startDelivering(join(folder, name), peers);
    const { index, spool } = delivering.storage;
    const object = readPart10(fileOf(name));
    await delivering.store([object]);
    const stored = index.findInstance(object.sopInstanceUID, 'RRK');
    const before = dataSetDigest(spool.absolute(stored?.path ?? ''));
    const row = await delivering.ends(delivering.deliver(studyOf(object)));
    t.match(row, { state: 'delivered' }, name);
    t.equal(dataSetDigest(spool.absolute(stored?.path ?? '')), before, 'the original stays');
    await delivering.close();
    const received = storescp.files().map((file) => readPart10(file));
    const own = received.find(({ sopInstanceUID }) => sopInstanceUID === object.sopInstanceUID);
    t.equal(own?.transferSyntaxUID, IMPLICIT);
    if (own !== undefined && SAME_PIXELS.includes(name))
      t.ok(elementOf(own, PIXEL_DATA).equals(native), `${name}: its pixels`);
    for (const file of storescp.files()) rmSync(file);
  }
});

t.test('an object that no codec reads fails by name', { skip }, async (t) => {
  const folder = t.testdir();
  const storescp = await startStorescp(join(folder, 'scp'), { args: ['+B', '+xi', '-pm'] });
  const peers = [peerOf({ port: storescp.port })];
  const delivering = await startDelivering(join(folder, 'edge'), peers);
  t.teardown(() => Promise.all([delivering.close(), storescp.stop()]));
  const unreadable = readPart10(fileOf(UNREADABLE));
  await delivering.store([unreadable]);
  const id = delivering.deliver(studyOf(unreadable));
  t.match(await delivering.ends(id), { state: 'failed' });
  t.match(delivering.queue.failures(id), [{ code: 'CODEC_UNSUPPORTED', detail: /12 bits/ }]);
});

const form = {
  ...{ rows: 64, columns: 48, samplesPerPixel: 1, frames: 3, isSigned: true },
  ...{ bitsAllocated: 16, bitsStored: 12, photometricInterpretation: 'MONOCHROME2' },
};
const ct: Part10 = {
  sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUID: '2.999.1.1',
  transferSyntaxUID: EXPLICIT,
  dataSet: imageObject(form, pixelsOf(form)),
};

t.test('JPEG-LS on wish', { skip: missingPeer('storescp', 'dcmdjpls') }, async (t) => {
  const folder = t.testdir();
  const storescp = await startStorescp(join(folder, 'scp'), { args: ['+B', '+xa', '--fork'] });
  const peer = peerOf({ port: storescp.port, compress: 'jpeg-ls' });
  const delivering = await startDelivering(join(folder, 'edge'), [peer]);
  t.teardown(() => Promise.all([delivering.close(), storescp.stop()]));
  await delivering.store([ct]);
  t.match(await delivering.ends(delivering.deliver('2.999.7.1')), { state: 'delivered' });
  const [file = ''] = storescp.files();
  t.equal(readPart10(file).transferSyntaxUID, JPEG_LS);
  t.ok(readPart10(file).dataSet.length < ct.dataSet.length);
  const decoded = join(folder, 'decoded.dcm');
  t.equal((await runTool('dcmdjpls', [file, decoded])).code, 0);
  t.ok(elementOf(readPart10(decoded), PIXEL_DATA).equals(pixelsOf(form)), 'to the bit, by DCMTK');
});

t.test('JPEG-LS to Orthanc, verified there', { skip: missingPeer('Orthanc') }, async (t) => {
  const folder = t.testdir();
  const orthanc = await startOrthanc(join(folder, 'orthanc'));
  const { dicomPort: port, aeTitle } = orthanc;
  const peer = peerOf({ port, aeTitle, compress: 'jpeg-ls' });
  const delivering = await startDelivering(join(folder, 'edge'), [peer]);
  t.teardown(() => Promise.all([delivering.close(), orthanc.stop()]));
  await delivering.store([ct]);
  const row = await delivering.ends(delivering.deliver('2.999.7.1'));
  t.match(row, { state: 'delivered', reasonCode: null });
  t.equal(readPart10(await orthanc.file('2.999.1.1')).transferSyntaxUID, JPEG_LS);
});
