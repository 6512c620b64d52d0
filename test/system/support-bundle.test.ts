/** A support bundle has what a helper needs, and nobody in it: names, numbers and keys are planted wherever they could stand. */
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cdip } from '../support/cdip.ts';
import { startEdge } from '../support/edge.ts';
import { filesUnder } from '../support/files-under.ts';
import { writePart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const PLANTED = {
  name: 'Zyxwick^Perpetua',
  patientId: 'MRN-7719334',
  nhsNumber: '9434765919',
  apiKey: 'a-very-secret-key-of-a-viewer-0001',
};

t.test('a support bundle', async (t) => {
  const directory = t.testdir();
  const edge = await startEdge({
    ...{ directory, trust: 'RRK' },
    config: { dicomWeb: { clients: [{ name: 'viewer', key: PLANTED.apiKey }] } },
  });
  t.teardown(() => edge.stop());
  const object = smallObject(1, { PatientName: PLANTED.name, PatientID: PLANTED.patientId });
  const file = join(directory, 'one.dcm');
  const meta = {
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
  };
  const sopInstanceUID = object.SOPInstanceUID ?? '';
  writeFileSync(file, writePart10({ ...meta, sopInstanceUID, dataSet: dataSetOf(object) }));
  t.strictSame([...(await sendFiles(edge.dicomPort, [file])).values()], [0]);
  const log = join(edge.dataDirectory, 'log', 'edge.log');
  t.match(readFileSync(log, 'utf8'), /program\.started/, 'the log is kept beside stdout');
  const readByAll = filesUnder(edge.dataDirectory).filter(
    (path) => (statSync(join(edge.dataDirectory, path)).mode & 0o007) !== 0,
  );
  t.strictSame(readByAll, [], 'nothing of it is for other users of the machine');
  const slip = `of ${PLANTED.name}, ${PLANTED.patientId}, NHS 943 476 5919 (${PLANTED.nhsNumber})`;
  appendFileSync(
    log,
    `${JSON.stringify({ level: 'error', event: 'slip', detail: slip })}\nraw ${slip}\n`,
  );
  writeFileSync(`${log}.1`, `older ${slip}\n`);
  writeFileSync(
    join(edge.dataDirectory, 'doctor.json'),
    JSON.stringify({ findings: [{ what: slip }] }),
  );

  const { code, stdout } = await cdip(['edge', 'support-bundle', '--config', edge.configFile]);
  t.equal(code, 0);
  t.equal(statSync(stdout).mode & 0o077, 0, 'for its owner alone');
  const into = join(directory, 'unpacked');
  mkdirSync(into);
  execFileSync('tar', ['-xzf', stdout, '-C', into]);
  const files = filesUnder(into).map((path) => join(into, path));
  const all = files.map((path) => readFileSync(path, 'utf8')).join('\n');
  for (const [what, value] of Object.entries(PLANTED)) t.notOk(all.includes(value), what);
  t.notMatch(all, /Zyxwick|Perpetua|7719334|943 476 5919/);
  for (const expected of ['versions.json', 'status.json', 'doctor.json', 'edge.yaml', 'edge.log'])
    t.ok(
      files.some((path) => path.endsWith(expected)),
      expected,
    );
  t.match(all, /"event":"slip"/, 'the line itself is there');
  t.match(all, /"instances": 1/);
  t.match(all, /2\.999\.1\.1|program\.started/);
});
