/** Rendered images and octets of compressed objects: those of the same pixels before they were compressed. PS3.18 §8.7.3, §10.4.1.1.3. */
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { head } from '../../../../demo/phantom/anatomy.ts';
import {
  type Compression,
  type Form,
  openCompressions,
} from '../../../../demo/phantom/compress.ts';
import { ctSlices } from '../../../../demo/phantom/cross-section.ts';
import { patientAt } from '../../../../demo/trusts.ts';
import { type DicomWeb, openDicomWeb } from '../../../../edge/dicomweb/open.ts';
import { retrieveFrames } from '../../../../edge/dicomweb/retrieve.ts';
import { retrieveRendered } from '../../../../edge/dicomweb/retrieve-rendered.ts';
import { CodecThreads } from '../../../../edge/transcode/codec-threads.ts';
import { silentLog } from '../../../../shared/log.ts';
import { pydicomFiles } from '../../../support/corpus.ts';
import { type Part10, readPart10 } from '../../../support/part10.ts';
import { openStorageFixture, temporaryDirectory } from '../../../support/storage-fixture.ts';
import { transcodePart10 } from '../../../support/transcoding.ts';

const OCTETS = 'application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1';
const decoder = new CodecThreads({ maxThreads: 1 });
t.teardown(() => decoder.stop());

interface Held {
  readonly web: DicomWeb;
  readonly scope: { studyInstanceUID: string; home: string };
  readonly sopInstanceUID: string;
  readonly seriesInstanceUID: string;
}

/** An edge that holds this object alone. */
async function holding(t: Test, object: Part10): Promise<Held> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  t.teardown(() => storage.close());
  const { dataSet, ...sent } = object;
  t.match(await storage.sendBytes(dataSet, sent), { status: 0x0000 });
  const instance = storage.index.findInstance(object.sopInstanceUID, 'RRK');
  if (instance === undefined) throw new Error('it was not stored');
  const { studyInstanceUID, seriesInstanceUID, sopInstanceUID } = instance;
  return {
    web: openDicomWeb({ ...storage, log: silentLog, decoder }),
    scope: { studyInstanceUID, home: 'RRK' },
    ...{ sopInstanceUID, seriesInstanceUID },
  };
}

async function rendered(t: Test, object: Part10): Promise<{ pixels: Buffer; channels: number }> {
  const { web, scope } = await holding(t, object);
  const wish = { accept: 'image/png', parameters: {}, isThumbnail: false };
  const { body } = await retrieveRendered(web, scope, wish);
  const { data, info } = await sharp(body as Buffer)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { pixels: data, channels: info.channels };
}

function slice(compression?: Compression): Part10 {
  const study = {
    ...{ studyInstanceUID: '2.25.70', date: '20260118', time: '101500', accessionNumber: 'A1' },
    ...{ description: 'CT head', institution: 'Trust RJE', patient: patientAt('priya', 'RJE') },
  };
  const series = { seriesInstanceUID: '2.25.70.1', number: 1, modality: 'CT' };
  const [file = Buffer.alloc(0)] = ctSlices({
    ...{ study, series: { ...series, description: 'Axial', bodyPart: 'HEAD' } },
    ...{ anatomy: head(1), slices: 1, spacingMm: 5, size: 128, pixelMm: 1.8 },
    ...{ windowCentre: 40, windowWidth: 80, ...(compression === undefined ? {} : { compression }) },
  });
  return readPart10(file);
}

const FORMS: readonly Form[] = ['JPEG-LS', 'JPEG 2000', 'JPEG Lossless'];
for (const form of FORMS)
  t.test(`${form}: the rendered image and the octets are those of the native slice`, async (t) => {
    const compressions = await openCompressions();
    const [native, compressed] = [slice(), slice(compressions[form])];
    t.ok(compressed.dataSet.length < native.dataSet.length * 0.8, 'it is compressed');
    const [expected, given] = [await rendered(t, native), await rendered(t, compressed)];
    t.ok(new Set(given.pixels).size > 16, 'it shows something');
    t.ok(given.pixels.equals(expected.pixels));
    const { web, scope, sopInstanceUID, seriesInstanceUID } = await holding(t, compressed);
    const answer = await retrieveFrames(
      web,
      { ...scope, seriesInstanceUID, sopInstanceUID },
      { list: '1', accept: OCTETS },
    );
    const chunks: Buffer[] = [];
    for await (const chunk of answer.body as AsyncIterable<Buffer>) chunks.push(chunk);
    const pixels = native.dataSet.subarray(-128 * 128 * 2);
    t.ok(Buffer.concat(chunks).equals(pixels), 'bit by bit');
  });

const FILES = pydicomFiles();
const COLOURED = [
  ...['SC_rgb_small_odd_jpeg.dcm', 'SC_rgb_gdcm_KY.dcm', 'SC_rgb_rle.dcm', 'SC_rgb_jpeg_dcmtk.dcm'],
  ...['SC_rgb_dcmtk_+eb+cy+s2.dcm', 'JPEG2000.dcm', 'MR_small_jpeg_ls_lossless.dcm'],
];
for (const name of COLOURED) {
  const file = FILES.find((path) => path.endsWith(`/${name}`)) ?? '';
  const skip = existsSync(file) ? false : `python3-pydicom has no ${name}`;
  t.test(`${name} has the colours, or greys, of its decompressed form`, { skip }, async (t) => {
    const copy = join(temporaryDirectory(t), name);
    copyFileSync(file, copy);
    const given = await rendered(t, readPart10(file));
    const expected = await rendered(t, await transcodePart10(copy, '1.2.840.10008.1.2.1'));
    t.equal(given.channels, expected.channels);
    t.ok(given.pixels.equals(expected.pixels));
  });
}

t.test('a frame that is broken, or that no codec reads, is refused by name', async (t) => {
  const compressions = await openCompressions();
  const { dataSet, ...object } = slice(compressions['JPEG Lossless']);
  const broken = Buffer.from(dataSet);
  // Without its end.
  broken.fill(0, broken.length - 1_000, broken.length - 8);
  const wish = { accept: 'image/png', parameters: {}, isThumbnail: false };
  const { web, scope } = await holding(t, { ...object, dataSet: broken });
  await t.rejects(retrieveRendered(web, scope, wish), { code: 'PIXELS_UNREADABLE' });
  const inParts = { ...wish, accept: 'multipart/related; type="image/png"' };
  await t.rejects(retrieveRendered(web, scope, inParts), { code: 'PIXELS_UNREADABLE' });
  const [series] = web.held.series(scope);
  const [instance] = web.held.instances(scope);
  const octets = retrieveFrames(
    web,
    { ...scope, ...series, sopInstanceUID: instance?.sopInstanceUID },
    { list: '1', accept: `multipart/related; type="application/octet-stream"` },
  );
  await t.rejects(octets, { code: 'PIXELS_UNREADABLE' }, 'before the answer has begun');
  const video = { ...object, dataSet, transferSyntaxUID: '1.2.840.10008.1.2.4.102' };
  const other = await holding(t, video);
  await t.rejects(retrieveRendered(other.web, other.scope, wish), { code: 'NOT_ACCEPTABLE' });
  const { web: still, scope: again } = await holding(t, slice(compressions['JPEG 2000']));
  t.equal((await retrieveRendered(still, again, wish)).status, 200, 'the next one is decoded');
});
