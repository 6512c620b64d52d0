/** Backups of edge and hub, restored on machines that have lost everything else. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cdip, cdipDone } from '../support/cdip.ts';
import { prepareEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { startHub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { writePart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import { dataSetOf, smallObject } from '../support/storage-fixture.ts';

function writeStudy(folder: string, number: number): string {
  const study = `2.999.6.${number}`;
  const uids = { StudyInstanceUID: study, SeriesInstanceUID: `${study}.1` };
  const object = smallObject(number, { ...uids, SOPInstanceUID: `${study}.1.1` });
  const file = join(folder, `${number}.dcm`);
  const meta = {
    sopClassUID: '1.2.840.10008.5.1.4.1.1.2',
    transferSyntaxUID: '1.2.840.10008.1.2.1',
  };
  const sopInstanceUID = `${study}.1.1`;
  writeFileSync(file, writePart10({ ...meta, sopInstanceUID, dataSet: dataSetOf(object) }));
  return file;
}

t.test('an edge and a hub that were lost', { skip: missingPeer('nats-server') }, async (t) => {
  const directory = t.testdir();
  const hub = await startHub({ directory: join(directory, 'hub'), trusts: ['RRK'] });
  const edge = await prepareEdge({ directory: join(directory, 'edge'), trust: 'RRK' });
  t.teardown(() => Promise.all([edge.stop(), hub.stop()]));
  await edge.enrol(hub.url, hub.token('RRK'));
  await edge.start();
  const send = async (number: number): Promise<void> => {
    const statuses = await sendFiles(edge.dicomPort, [writeStudy(directory, number)]);
    t.strictSame([...statuses.values()], [0]);
  };
  const isKnown = (number: number): Promise<unknown> =>
    eventually(`study ${number} is at the hub`, async () => {
      const { body } = await hub.api<{ studies: unknown[] }>(
        `/api/studies?studyInstanceUID=2.999.6.${number}`,
      );
      return body.studies.length === 1;
    });
  await send(1);
  await isKnown(1);
  const edgeBackup = join(directory, 'edge.tar.gz');
  const hubBackup = join(directory, 'hub.tar.gz');

  await t.test(
    'the edge is restored beside its spool: later objects are filed again',
    async (t) => {
      await cdipDone(['edge', 'backup', edgeBackup, '--config', edge.configFile]);
      await send(2);
      await isKnown(2);
      const refused = await cdip(['edge', 'restore', edgeBackup, '--config', edge.configFile]);
      t.equal(refused.code, 1, 'not while it runs');
      t.match(refused.stderr, /DATA_DIRECTORY_IN_USE/);
      await edge.kill9();
      const spool = join(directory, 'spool');
      cpSync(join(edge.dataDirectory, 'spool'), spool, { recursive: true });
      rmSync(edge.dataDirectory, { recursive: true });
      rmSync(edge.configFile);
      await cdipDone(['edge', 'restore', edgeBackup, '--config', edge.configFile]);
      cpSync(spool, join(edge.dataDirectory, 'spool'), { recursive: true });
      await edge.start();
      const status = JSON.parse(
        await cdipDone(['edge', 'status', '--json', '--config', edge.configFile]),
      ) as { index: { studies: number } };
      t.equal(status.index.studies, 2);
      const verified = await cdip(['edge', 'audit', 'verify', '--config', edge.configFile]);
      t.equal(verified.code, 0, 'its audit trail is whole');
      await send(3);
      await isKnown(3);
    },
  );

  await t.test('the hub is restored: its people, its edges, and what it knew', async (t) => {
    await hub.stop();
    await cdipDone(['hub', 'backup', hubBackup, '--config', hub.configFile]);
    rmSync(hub.dataDirectory, { recursive: true });
    await cdipDone(['hub', 'restore', hubBackup, '--config', hub.configFile]);
    await hub.start();
    for (const number of [1, 2, 3]) await isKnown(number);
    await send(4);
    await isKnown(4);
    const verified = await cdip(['hub', 'audit', 'verify', '--config', hub.configFile]);
    t.equal(verified.code, 0, 'the audit trail is whole');
  });

  await t.test('what is no backup is refused, and nothing changes', async (t) => {
    mkdirSync(join(directory, 'x'), { recursive: true });
    writeFileSync(join(directory, 'x', 'no.tar.gz'), 'no');
    const file = join(directory, 'x', 'no.tar.gz');
    const { code, stderr } = await cdip(['edge', 'restore', file, '--config', edge.configFile]);
    t.equal(code, 1);
    t.match(stderr, /ARCHIVE_UNREADABLE/);
  });
});
