/** What a C-MOVE says of the destination's answers. PS3.4 C.4.2.1.5, PS3.7 Annex C. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runTool } from '../support/dcmtk.ts';
import { startDicomPort } from '../support/dicom-port.ts';
import { prepareEdge } from '../support/edge.ts';
import { dcmtkKeys } from '../support/front-door.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { writePart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

const skip = missingPeer('movescu');

const object = (number: number) =>
  writePart10({
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    sopInstanceUID: `2.999.1.${number}`,
    transferSyntaxUID: '1.2.840.10008.1.2.1',
    dataSet: dataSetOf(smallObject(number)),
  });

const numberAfter = (words: string, text: string): number =>
  Number(
    text
      .match(new RegExp(`${words} +: (\\d+)`, 'g'))
      ?.at(-1)
      ?.match(/\d+$/)?.[0],
  );

t.test('a C-MOVE whose destination answers', { skip, timeout: 120_000 }, async (t) => {
  const directory = t.testdir();
  let statusOf = (_: string): number => 0;
  const pacs = await startDicomPort({}, async ({ request }) => statusOf(request.sopInstanceUID));
  t.teardown(() => pacs.stop());
  const peer = { name: 'pacs', aeTitle: 'PACS', host: '127.0.0.1', port: pacs.port };
  const edge = await prepareEdge({
    ...{ directory: join(directory, 'edge'), trust: 'RRK' },
    config: { peers: [{ ...peer, role: 'workstation' }] },
  });
  await edge.start();
  t.teardown(() => edge.stop());
  const files = [1, 2, 3].map((number) => join(directory, `${number}.dcm`));
  for (const [at, file] of files.entries()) writeFileSync(file, object(at + 1));
  await sendFiles(edge.dicomPort, files);
  const move = async (): Promise<string> => {
    const keys = dcmtkKeys({ QueryRetrieveLevel: 'STUDY', StudyInstanceUID: '2.999.7.1' });
    const { output } = await runTool('movescu', [
      ...['-d', '-S', '-aem', 'PACS', ...keys, '-aec', edge.aeTitle],
      ...['127.0.0.1', `${edge.dicomPort}`],
    ]);
    return output;
  };

  await t.test('that it has an object already, counts it as there', async (t) => {
    statusOf = () => 0x0111;
    const output = await move();
    t.match(output, /Final Move Response[\s\S]*0x0000: Success/);
    t.equal(numberAfter('Completed Suboperations', output), 3);
  });

  await t.test('with refusals, names the objects and why', async (t) => {
    statusOf = (uid) => (uid === '2.999.1.2' ? 0xa900 : 0);
    const output = await move();
    t.match(output, /0xb000/);
    t.match(output, /2\.999\.1\.2\] +#.* FailedSOPInstanceUIDList/);
    t.match(output, /the destination: STATUS_A900/);
  });

  await t.test('with nothing, says that it can not be reached', async (t) => {
    await pacs.stop();
    const output = await move();
    t.match(output, /0xa702/);
    t.match(output, /the destination: CONNECT_FAILED/);
  });
});
