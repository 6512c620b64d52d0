/** `/dicom-web/` of the hub as curl and Orthanc use it: studies of two trusts, a third that is silent. PS3.18. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import t, { type Test } from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer, programPath } from '../support/missing-peer.ts';
import { partsOf } from '../support/multipart.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { readPart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

type Curl = (path: string, ...more: string[]) => Answer;
type Json = Record<string, { vr: string; Value?: unknown[] }>;

function curlOf(url: string, key?: string): Curl {
  const authorization = key === undefined ? [] : ['-H', `Authorization: Bearer ${key}`];
  return (path, ...more) => {
    const args = ['-s', '-i', '--globoff', '-H', 'Expect:', ...authorization, ...more, url + path];
    const { stdout } = spawnSync('curl', args, { maxBuffer: 1 << 28 });
    const end = stdout.indexOf('\r\n\r\n');
    const [status = '', ...lines] = stdout.toString('latin1', 0, end).split('\r\n');
    const headers = lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    });
    return {
      status: Number(status.split(' ')[1]),
      headers: Object.fromEntries(headers),
      body: stdout.subarray(end + 4),
    };
  };
}

const jsonOf = <T = Json[]>({ body }: Answer): T => JSON.parse(body.toString()) as T;
const firstOf = (dataSet: Json | undefined, tag: string): unknown => dataSet?.[tag]?.Value?.[0];

/** A CT at RRK, a radiograph with a report and a clip at RJE; RXK is known and was never heard of. */
async function startWorld(t: Test): Promise<{ network: Network; files: Map<string, string[]> }> {
  const directory = t.testdir();
  const trusts = ['RRK', 'RJE', 'RXK'].map((ods) => ({ ods, name: `Trust ${ods}` }));
  const options = { directory, trusts: ['RRK', 'RJE'], withPacs: false, hubConfig: { trusts } };
  const network = await startNetwork(options);
  t.teardown(() => network.stop());
  const files = new Map<string, string[]>();
  for (const study of STUDIES.filter(({ key }) => /^(ct-1|dx-2|us-4)$/.test(key))) {
    const paths = await filesOf(study, join(directory, 'files'));
    files.set(study.key, paths);
    await sendFiles(network.site(study.ods).edge.dicomPort, paths);
  }
  await eventually('the hub has all', async () => {
    const { body } = await network.hub.api<{ total: number; studies: { quiet: boolean }[] }>(
      '/api/studies',
    );
    return body.total === 3 && body.studies.every(({ quiet }) => quiet);
  });
  return { network, files };
}

const uidOf = (key: string): string =>
  STUDIES.find((study) => study.key === key)?.studyInstanceUID ?? '';

const DICOMWEB = '../share/orthanc/plugins/libOrthancDicomWeb.so';
const skip = missingPeer('nats-server', 'curl', 'Orthanc', DICOMWEB);

t.test('DICOMweb over the network', { skip, timeout: 400_000 }, async (t) => {
  const { network, files } = await startWorld(t);
  const key = network.hub.key('a viewer', 'radiologist');
  const curl = curlOf(`${network.hub.url}/dicom-web`, key);
  const ct = `/studies/${uidOf('ct-1')}`;
  const [series] = jsonOf(curl(`${ct}/series`));
  const ctSeries = `${ct}/series/${firstOf(series, '0020000E')}`;
  const [slice] = jsonOf(curl(`${ctSeries}/instances?InstanceNumber=7`));
  const ctSlice = `${ctSeries}/instances/${firstOf(slice, '00080018')}`;
  const sevenths = readPart10(readFileSync(files.get('ct-1')?.[6] ?? ''));

  await t.test('a search speaks for all trusts, and says which of them is silent', async (t) => {
    const answer = curl('/studies');
    t.equal(answer.status, 200);
    t.equal(jsonOf(answer).length, 3);
    t.match(answer.headers['warning'], /^299 cdip "RXK: its edge was never heard of/);
    t.equal(answer.headers['content-type']?.split(';')[0], 'application/dicom+json');
  });

  await t.test('pages say that there is more, and nothing found is 204', async (t) => {
    const first = curl('/studies?limit=2');
    t.equal(jsonOf(first).length, 2);
    t.match(first.headers['warning'], /There are 1 additional results that can be requested/);
    t.equal(jsonOf(curl('/studies?limit=2&offset=2')).length, 1);
    const two = `${uidOf('ct-1')},${uidOf('us-4')}`;
    t.equal(jsonOf(curl(`/studies?StudyInstanceUID=${two}`)).length, 2);
    t.equal(jsonOf(curl('/studies?ModalitiesInStudy=US&StudyDescription=*')).length, 1);
    t.match(curl('/studies?PatientName=O*&fuzzymatching=true').headers['warning'], /fuzzymatching/);
    t.match(curl('/studies?StudyInstanceUID=2.999.404'), { status: 204, body: Buffer.alloc(0) });
  });

  await t.test(
    'the PatientID of one study finds the person’s others at other trusts',
    async (t) => {
      const [study] = jsonOf(curl(`/studies?StudyInstanceUID=${uidOf('ct-1')}`));
      const found = jsonOf(curl(`/studies?00100020=${firstOf(study, '00100020')}`));
      t.strictSame(
        found.map((one) => firstOf(one, '0020000D')).sort(),
        [uidOf('ct-1'), uidOf('dx-2')].sort(),
      );
    },
  );

  await t.test('series and objects are found over all trusts, wherever they lie', async (t) => {
    const [study] = jsonOf(curl(`/studies?StudyInstanceUID=${uidOf('ct-1')}`));
    const patient = firstOf(study, '00100020');
    const series = jsonOf(curl(`/series?PatientID=${patient}`));
    t.same(
      new Set(series.map((one) => firstOf(one, '0020000D'))),
      new Set([uidOf('ct-1'), uidOf('dx-2')]),
    );
    const numbered = jsonOf(curl(`/instances?PatientID=${patient}&Modality=CT&InstanceNumber=7`));
    t.strictSame(
      numbered.map((one) => firstOf(one, '00200013')),
      [7],
    );
    const page = curl(`/instances?PatientID=${patient}&limit=5&offset=32`);
    t.equal(jsonOf(page).length, 5, 'from the end of one study to the next');
    t.match(page.headers['warning'], /additional results/);
    const alone = firstOf(jsonOf(page)[0], '00080018');
    const atEdge = curlOf(`${network.site('RRK').edge.url}/dicom-web`);
    t.equal(jsonOf(atEdge(`/instances?SOPInstanceUID=${alone}`)).length, 1);
  });

  await t.test('what is not understood is refused with its reason', async (t) => {
    for (const [path, status] of [
      ['/studies?Colour=red', 400],
      ['/studies?PatientID=MRN1', 400],
      [`${ctSlice}/frames/0`, 400],
      [`${ctSlice}/frames/2`, 404],
      [`${ct}/series/2.999.404`, 404],
      ['/studies/2.999.404/metadata', 404],
    ] as const) {
      const answer = curl(path);
      t.equal(answer.status, status, path);
      t.match(jsonOf<object>(answer), { status, code: String, detail: String }, path);
    }
    t.equal(curl(`${ct}/metadata`, '-H', 'Accept: application/dicom+xml').status, 406);
    t.equal(curl(ctSlice, '-H', 'Accept: image/gif').status, 406);
    t.equal(curl(`${ctSlice}/frames/1`, '-H', 'Accept: image/jls').status, 406);
    const wrong = curlOf(`${network.hub.url}/dicom-web`, 'cdip_none');
    t.equal(wrong('/studies').status, 401);
    const booker = curlOf(`${network.hub.url}/dicom-web`, network.hub.key('b', 'booker'));
    t.equal(booker(ctSlice).status, 403, 'who books does not look at images');
  });

  await t.test('a study comes as its objects, each data set as it was sent', async (t) => {
    const answer = curl(
      ct,
      '-H',
      'Accept: multipart/related; type="application/dicom"; transfer-syntax=*',
    );
    const parts = partsOf(answer.headers['content-type'] ?? '', answer.body);
    t.equal(parts.length, 36);
    const sent = (files.get('ct-1') ?? []).map((file) => readPart10(readFileSync(file)));
    for (const { body, headers } of parts) {
      t.match(
        headers['content-type'],
        /^application\/dicom; transfer-syntax=1\.2\.840\.10008\.1\.2\.1$/,
      );
      const { sopInstanceUID, dataSet } = readPart10(body);
      const original = sent.find((one) => one.sopInstanceUID === sopInstanceUID);
      t.ok(original?.dataSet.equals(dataSet), 'bit by bit');
    }
    const single = curl(ctSlice, '-H', 'Accept: application/dicom');
    t.ok(readPart10(single.body).dataSet.equals(sevenths.dataSet));
  });

  await t.test('metadata of a series are all its slices, in order', async (t) => {
    const all = jsonOf(curl(`${ctSeries}/metadata`, '--compressed'));
    t.strictSame(
      all.map((one) => firstOf(one, '00200013')),
      Array.from({ length: 36 }, (_, at) => at + 1),
    );
    t.match(all[0]?.['7FE00010'], {
      vr: 'OW',
      BulkDataURI: /^\/dicom-web\/studies\/.*\/bulkdata\/7FE00010$/,
    });
  });

  await t.test('frames, bulk data and images are of the same pixels', async (t) => {
    const pixels = sevenths.dataSet.subarray(-512 * 512 * 2);
    const frames = curl(
      `${ctSlice}/frames/1`,
      '-H',
      'Accept: multipart/related; type=application/octet-stream; transfer-syntax=*',
    );
    const [frame] = partsOf(frames.headers['content-type'] ?? '', frames.body);
    t.ok(frame?.body.equals(pixels));
    t.ok(curl(`${ctSlice}/frames/1`, '-H', 'Accept: application/octet-stream').body.equals(pixels));
    t.ok(
      curl(`${ctSlice}/bulkdata/7FE00010`, '-H', 'Accept: application/octet-stream').body.equals(
        pixels,
      ),
    );
    const jpeg = curl(`${ctSlice}/rendered?viewport=100,100`, '-H', 'Accept: image/jpeg');
    t.match(jpeg, { status: 200, headers: { 'content-type': 'image/jpeg' } });
    t.equal(jpeg.body.toString('hex', 0, 3), 'ffd8ff');
    const png = curl(`/studies/${uidOf('us-4')}/thumbnail`, '-H', 'Accept: image/png');
    t.equal(png.body.toString('latin1', 1, 4), 'PNG');
  });

  await t.test('bulk data come in parts, as long as there are such', async (t) => {
    const pixels = sevenths.dataSet.subarray(-512 * 512 * 2);
    const part = (range: string, ...more: string[]): Answer =>
      curl(
        `${ctSlice}/bulkdata/7FE00010`,
        ...['-H', 'Accept: application/octet-stream', '-H', `Range: ${range}`, ...more],
      );
    const middle = part('bytes=1000-1999');
    t.match(middle, {
      status: 206,
      headers: { 'content-range': `bytes 1000-1999/${pixels.length}`, 'content-length': '1000' },
    });
    t.ok(middle.body.equals(pixels.subarray(1_000, 2_000)));
    t.ok(part('bytes=-10').body.equals(pixels.subarray(-10)));
    t.equal(part(`bytes=${pixels.length}-`).status, 416);
    t.equal(part('bytes=9-1').status, 400);
    t.equal(part('bytes=0-1,5-6').status, 200, 'several: all of it');
    t.equal(part('bytes=0-1', '-H', 'If-Range: "other"').status, 200, 'of another one: all of it');
  });

  await t.test('a part of an image is rendered as large as asked, or several images', async (t) => {
    const size = async (path: string) => {
      const { width, height } = await sharp(curl(path, '-H', 'Accept: image/png').body).metadata();
      return [width, height];
    };
    t.strictSame(await size(`${ctSlice}/rendered?viewport=100,200`), [100, 100]);
    t.strictSame(await size(`${ctSlice}/rendered?viewport=1000,1000`), [1_000, 1_000]);
    const corner = `${ctSlice}/rendered?viewport=300,300,0,0,200,100`;
    t.strictSame(await size(corner), [300, 150]);
    t.equal(curl(`${ctSlice}/rendered?viewport=300,300,400,0,200,100`).status, 400);
    t.equal(curl(`${ctSlice}/rendered?window=40,0,linear`).status, 400);
    const noted = curl(`${ctSlice}/rendered?annotation=patient`);
    t.match(noted, { status: 200, headers: { warning: /^299 .*annotation parameter is not/ } });
    const clip = `/studies/${uidOf('us-4')}`;
    const [{ '0020000E': of } = {}] = jsonOf(curl(`${clip}/series`));
    const [{ '00080018': image } = {}] = jsonOf(curl(`${clip}/instances`));
    const frames = `${clip}/series/${of?.Value?.[0]}/instances/${image?.Value?.[0]}/frames/1,3,5`;
    const jpegs = curl(`${frames}/rendered`, '-H', 'Accept: multipart/related; type="image/jpeg"');
    const parts = partsOf(jpegs.headers['content-type'] ?? '', jpegs.body);
    t.strictSame(
      parts.map(({ body }) => body.toString('hex', 0, 3)),
      ['ffd8ff', 'ffd8ff', 'ffd8ff'],
    );
    t.match(parts[2]?.headers['content-location'], /frames\/5\/rendered$/);
    t.equal(curl(`${frames}/rendered`, '-H', 'Accept: image/jpeg').status, 406);
  });

  await t.test('Orthanc finds a study by DICOMweb and retrieves it', async (t) => {
    const HttpHeaders = { Authorization: `Bearer ${key}` };
    const hub = { Url: `${network.hub.url}/dicom-web`, HttpHeaders };
    const more = { Plugins: [programPath(DICOMWEB)], DicomWeb: { Servers: { hub } } };
    const orthanc = await startOrthanc(join(t.testdir(), 'orthanc'), { more });
    t.teardown(() => orthanc.stop());
    const post = async (path: string, body: object): Promise<Response> =>
      fetch(`${orthanc.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
    const found = await post('/dicom-web/servers/hub/qido', {
      Uri: '/studies',
      Arguments: { StudyInstanceUID: uidOf('dx-2') },
    });
    t.match(await found.json(), [{ '0020000D': { Value: uidOf('dx-2') } }]);
    const resources = { Resources: [{ Study: uidOf('ct-1') }], Synchronous: true };
    t.equal((await post('/dicom-web/servers/hub/retrieve', resources)).status, 200);
    t.equal((await orthanc.sopInstanceUIDs(uidOf('ct-1'))).length, 36);
  });

  await t.test(
    'an edge that is down is named, with when to ask again; it goes on when it is back',
    async (t) => {
      await network.site('RRK').edge.kill9();
      const answer = curl(`${ctSlice}/frames/1`);
      t.match(answer, { status: 503, headers: { 'retry-after': /\d/ } });
      t.match(jsonOf<object>(answer), {
        code: 'EDGE_UNREACHABLE',
        trust: 'RRK',
        detail: /Trust RRK \(RRK\)/,
      });
      t.equal(curl(`/studies/${uidOf('dx-2')}/metadata`).status, 200, 'other trusts answer');
      await network.site('RRK').edge.start();
      await eventually('it answers again', () => curl(`${ctSlice}/frames/1`).status === 200);
    },
  );

  await t.test('objects are stored at an edge, each answered for', async (t) => {
    const url = `${network.site('RRK').edge.url}/dicom-web`;
    const stow = curlOf(url);
    const [one = '', two = ''] = files.get('ct-1') ?? [];
    const sent = [one, two].map((path) => readFileSync(path));
    const parts = [...sent, Buffer.from('no DICOM')].flatMap((body) => [
      Buffer.from('--b1\r\nContent-Type: application/dicom\r\n\r\n'),
      body,
      Buffer.from('\r\n'),
    ]);
    const file = join(t.testdir(), 'body');
    writeFileSync(file, Buffer.concat([...parts, Buffer.from('--b1--\r\n')]));
    const type = 'Content-Type: multipart/related; type="application/dicom"; boundary=b1';
    const body = ['-H', type, '--data-binary', `@${file}`];
    const answer = stow('/studies', ...body);
    t.equal(answer.status, 202, 'two of three');
    t.equal(jsonOf<Json>(answer)['00081199']?.Value?.length, 2);
    t.match(jsonOf<Json>(answer)['00081198']?.Value, [{ '00081197': { Value: [0xc000] } }]);
    const held = stow(ct, '-H', 'Accept: multipart/related; type="application/dicom"');
    const found = partsOf(held.headers['content-type'] ?? '', held.body);
    for (const original of sent) {
      const { dataSet } = readPart10(original);
      t.ok(
        found.some((part) => readPart10(part.body).dataSet.equals(dataSet)),
        'bit by bit',
      );
    }
    t.equal(curlOf(url, 'none')('/studies', ...body).status, 401, 'a key that is none');
    t.equal(stow('/studies/2.999.1', ...body).status, 409, 'of another study');
  });
});
