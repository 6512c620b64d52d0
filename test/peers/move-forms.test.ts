/** C-MOVE and C-GET to askers that take less than what is stored: they get it decompressed, over several associations. */
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { runTool } from '../support/dcmtk.ts';
import { prepareEdge } from '../support/edge.ts';
import { valuesOf } from '../support/image-object.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { type Part10, readPart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import { startStorescp } from '../support/storescp.ts';
import { transcodePart10 } from '../support/transcoding.ts';

const [IMPLICIT, EXPLICIT] = ['1.2.840.10008.1.2', '1.2.840.10008.1.2.1'];
const PIXEL_DATA = 0x7fe0_0010;
const skip = missingPeer('storescp', 'storescu', 'movescu', 'getscu');

const pixelsIn = ({ transferSyntaxUID, dataSet }: Part10): Buffer =>
  valuesOf(transferSyntaxUID, dataSet).get(PIXEL_DATA) ?? Buffer.alloc(0);

t.test('a study in three compressed forms', { skip, timeout: 180_000 }, async (t) => {
  const directory = t.testdir();
  const study = STUDIES.find(({ key }) => key === 'ct-8');
  if (study === undefined) throw new Error('there is a compressed study');
  const files = await filesOf(study, join(directory, 'files'));
  // Implicit VR alone; a process for each association.
  const args = ['-v', '+B', '+xi', '-pm', '--fork'];
  const workstation = await startStorescp(join(directory, 'reader'), { aeTitle: 'READER', args });
  t.teardown(() => workstation.stop());
  const reader = { name: 'reader', aeTitle: 'READER', host: '127.0.0.1', port: workstation.port };
  const edge = await prepareEdge({
    ...{ directory: join(directory, 'edge'), trust: 'RRK' },
    config: { peers: [{ ...reader, role: 'workstation', connections: 3 }] },
  });
  await edge.start();
  t.teardown(() => edge.stop());
  await sendFiles(edge.dicomPort, files);
  const expected = new Map<string, Buffer>();
  for (const file of files) {
    const { sopInstanceUID } = readPart10(file);
    expected.set(sopInstanceUID, pixelsIn(await transcodePart10(file, EXPLICIT)));
  }
  const called = ['-aet', 'READER', '-aec', edge.aeTitle, '127.0.0.1', `${edge.dicomPort}`];
  const keys = [
    '-k',
    'QueryRetrieveLevel=STUDY',
    '-k',
    `StudyInstanceUID=${study.studyInstanceUID}`,
  ];
  const check = (paths: readonly string[], transferSyntaxUID: string): void => {
    t.equal(paths.length, 24);
    for (const path of paths) {
      const object = readPart10(path);
      t.equal(object.transferSyntaxUID, transferSyntaxUID);
      t.ok(expected.get(object.sopInstanceUID)?.equals(pixelsIn(object)), 'its pixels');
    }
  };

  const moved = await runTool('movescu', ['-v', '-S', '-aem', 'READER', ...keys, ...called]);
  t.equal(moved.code, 0, moved.output);
  check(workstation.files(), IMPLICIT);
  const associations = workstation.program.output.match(/Association Received/g)?.length ?? 0;
  t.ok(associations >= 2, `${associations} associations`);

  const into = join(directory, 'got');
  mkdirSync(into);
  // DCMTK's getscu proposes uncompressed transfer syntaxes unless it is told otherwise.
  const got = await runTool('getscu', ['-v', '-S', '-od', into, '+B', ...keys, ...called]);
  t.equal(got.code, 0, got.output);
  check(
    readdirSync(into).map((name) => join(into, name)),
    EXPLICIT,
  );
});
