/** Every service of the DICOM port that DCMTK's tools have, over the plain port and over TLS. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { dcmtkKeys, dcmtkTls, foundBy, openFrontDoor, TRANSPORTS } from '../support/front-door.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { dataSetDigest, writePart10 } from '../support/part10.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';
import { startStorescp } from '../support/storescp.ts';

const skip = missingPeer(
  ...['echoscu', 'storescu', 'findscu', 'movescu', 'getscu', 'termscu', 'storescp'],
);

const object = (number: number) =>
  writePart10({
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUID: `2.999.1.${number}`,
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    dataSet: dataSetOf(smallObject(number, { PatientName: 'Müller^Jörg' })),
  });

const STUDY = { QueryRetrieveLevel: 'STUDY', StudyInstanceUID: '2.999.7.1' };

t.test('DCMTK at the front door', { skip, timeout: 240_000 }, async (t) => {
  const [plainPort = 0, tlsPort = 0] = await freePorts(2);
  const station = { host: '127.0.0.1', role: 'workstation' };
  const door = await openFrontDoor(t, {}, (tls) => [
    { ...station, name: 'plain-station', aeTitle: 'STATION_PLAIN', port: plainPort },
    { ...station, name: 'tls-station', aeTitle: 'STATION_TLS', port: tlsPort, tls },
  ]);
  const stations = {
    plain: await startStorescp(join(door.directory, 'plain'), { port: plainPort }),
    TLS: await startStorescp(join(door.directory, 'tls'), {
      ...{ port: tlsPort, args: ['+B', '+xa', '-pm', ...dcmtkTls(door.tls)] },
    }),
  };
  t.teardown(() => Promise.all([stations.plain.stop(), stations.TLS.stop()]));
  const files = [1, 2, 3].map((number) => {
    const file = join(door.directory, `${number}.dcm`);
    writeFileSync(file, object(number));
    return file;
  });
  const sent = files.map((file) => dataSetDigest(file)).sort();

  for (const transport of TRANSPORTS) {
    await t.test(`echoscu, ${transport}`, async (t) => {
      const { code, output } = await door.run('echoscu', transport);
      t.equal(code, 0, output);
    });

    await t.test(`storescu, ${transport}`, async (t) => {
      const { code, output } = await door.run('storescu', transport, ['-R', ...files]);
      t.equal(code, 0, output);
      t.equal(output.match(/Received Store Response \(Success\)/g)?.length, 3);
      t.equal(door.edge.spoolFiles().length, 3, 'the same again is the same objects');
    });

    await t.test(`findscu at every level of both models, ${transport}`, async (t) => {
      const series = {
        ...STUDY,
        QueryRetrieveLevel: 'SERIES',
        SeriesInstanceUID: '',
        Modality: '',
      };
      const image = {
        ...{ ...series, QueryRetrieveLevel: 'IMAGE', SeriesInstanceUID: '2.999.7.1.1' },
        SOPInstanceUID: '',
      };
      const patient = { QueryRetrieveLevel: 'PATIENT', PatientID: 'MRN1', PatientName: '' };
      for (const [model, keys, wanted] of [
        ['-S', STUDY, [{ StudyInstanceUID: '2.999.7.1', RetrieveAETitle: 'CDIP_RRK' }]],
        ['-S', series, [{ SeriesInstanceUID: '2.999.7.1.1', Modality: 'CT' }]],
        ['-S', image, [1, 2, 3].map((number) => ({ SOPInstanceUID: `2.999.1.${number}` }))],
        ['-P', patient, [{ PatientID: 'MRN1', PatientName: 'Müller^Jörg' }]],
        ['-P', { ...STUDY, PatientID: 'MRN1' }, [{ StudyInstanceUID: '2.999.7.1' }]],
      ] as const) {
        const result = await door.run('findscu', transport, [model, ...dcmtkKeys(keys)]);
        t.match(foundBy(result), wanted, `${model} ${keys.QueryRetrieveLevel}`);
        t.match(result.output, /Success/);
      }
    });

    await t.test(`findscu with what nothing could match is refused, ${transport}`, async (t) => {
      for (const keys of [
        { StudyDate: 'yesterday' },
        { StudyDate: '20260302-20260301' },
        { StudyTime: '25' },
        { StudyInstanceUID: '2.999.*' },
      ]) {
        const { output } = await door.run('findscu', transport, [
          ...['-S', '-d', ...dcmtkKeys({ QueryRetrieveLevel: 'STUDY', ...keys })],
        ]);
        t.match(output, /0xa900/, JSON.stringify(keys));
        t.match(output, new RegExp(`${Object.keys(keys)[0]}: `), 'and says which key');
      }
    });

    await t.test(`findscu for the worklist, ${transport}`, async (t) => {
      const { code, output } = await door.run('findscu', transport, ['-W', '-k', 'PatientName']);
      t.equal(code, 0, output);
      t.match(output, /Received Final Find Response \(Success\)/);
    });

    await t.test(`movescu to a station, ${transport}`, async (t) => {
      const destination = transport === 'TLS' ? 'STATION_TLS' : 'STATION_PLAIN';
      const args = ['-S', '-aem', destination, ...dcmtkKeys(STUDY)];
      const { code, output } = await door.run('movescu', transport, args);
      t.equal(code, 0, output);
      t.match(output, /Received Final Move Response \(Success\)/);
      t.strictSame(stations[transport].files().map(dataSetDigest).sort(), sent);
    });

    await t.test(`getscu of an image, ${transport}`, async (t) => {
      const into = join(door.directory, `got-${transport}`);
      mkdirSync(into);
      const image = {
        ...{ ...STUDY, QueryRetrieveLevel: 'IMAGE', SeriesInstanceUID: '2.999.7.1.1' },
        SOPInstanceUID: '2.999.1.2',
      };
      const args = ['-S', '-od', into, ...dcmtkKeys(image)];
      const { code, output } = await door.run('getscu', transport, args);
      t.equal(code, 0, output);
      const got = readdirSync(into);
      t.equal(got.length, 1);
      t.match(got[0], /2\.999\.1\.2$/);
    });

    await t.test(`termscu ends nothing, ${transport}`, async (t) => {
      const { output } = await door.run('termscu', transport);
      t.match(output, /Releasing Association/);
      t.notOk(door.edge.program.ended);
      t.equal((await door.run('echoscu', transport)).code, 0);
    });
  }

  await t.test('nothing is left open', async () => {
    await eventually('all are closed', async () => {
      const metrics = await (await fetch(`${door.edge.url}/metrics`)).text();
      return /^cdip_associations\{[^}]*\} 0$/m.test(metrics);
    });
  });
});
