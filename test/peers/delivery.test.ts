/** Deliveries to real destinations, over several associations, with real faults. edge/deliver. */
import { join } from 'node:path';
import t from 'tap';
import { startDelivering } from '../support/delivering.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startOrthanc } from '../support/orthanc.ts';
import { dataSetDigest, type Part10 } from '../support/part10.ts';
import { peerOf } from '../support/peer.ts';
import { digestOf, STUDY, slices } from '../support/slices.ts';
import { startStorescp } from '../support/storescp.ts';

const BIT_EXACT = ['+B', '+xa', '--fork'];

const digests = (objects: readonly Part10[]): string[] => objects.map(digestOf).sort();

t.test('to storescp', { skip: missingPeer('storescp') }, async (t) => {
  await t.test('over four associations, every byte as it is in the spool', async (t) => {
    const folder = t.testdir();
    const storescp = await startStorescp(join(folder, 'scp'), { args: BIT_EXACT });
    const { port } = storescp;
    const delivering = await startDelivering(join(folder, 'edge'), [peerOf({ port })]);
    t.teardown(() => Promise.all([delivering.close(), storescp.stop()]));
    const objects = slices(60);
    await delivering.store(objects);
    const row = await delivering.ends(delivering.deliver(STUDY));
    // storescp answers no C-FIND.
    t.match(row, { state: 'delivered', reasonCode: 'NOT_VERIFIED' });
    t.strictSame(storescp.files().map(dataSetDigest).sort(), digests(objects));
  });

  await t.test('killed in the middle and started again, it gets the rest, each once', async (t) => {
    const folder = t.testdir();
    // Without --fork it serves one association at a time, and a second one waits for the first to end.
    const storescp = await startStorescp(join(folder, 'scp'));
    const { port } = storescp;
    const peer = peerOf({ port, connections: 2, ratePerSecond: 100 });
    const delivering = await startDelivering(join(folder, 'edge'), [peer]);
    t.teardown(() => Promise.all([delivering.close(), storescp.stop()]));
    const objects = slices(200);
    await delivering.store(objects);
    const id = delivering.deliver(STUDY);
    await eventually('some are there', () => delivering.queue.progress(id).sent > 20);
    await storescp.program.kill9();
    await eventually('it is known to be down', () => {
      const state = delivering.states.find('pacs');
      return state?.state === 'waits' && state.reasonCode === 'CONNECT_FAILED';
    });
    t.match(delivering.queue.find(id), { endedAt: null, reasonCode: 'CONNECT_FAILED' });
    await storescp.program.start();
    t.match(await delivering.ends(id), { state: 'delivered' });
    t.match(delivering.states.find('pacs'), { state: 'works', failures: 0 });
    t.strictSame(storescp.files().map(dataSetDigest).sort(), digests(objects));
  });
});

t.test('to Orthanc, verified', { skip: missingPeer('Orthanc') }, async (t) => {
  const folder = t.testdir();
  const orthanc = await startOrthanc(join(folder, 'orthanc'));
  const { dicomPort: port, aeTitle } = orthanc;
  const delivering = await startDelivering(join(folder, 'edge'), [peerOf({ port, aeTitle })]);
  t.teardown(() => Promise.all([delivering.close(), orthanc.stop()]));
  const objects = slices(40);
  await delivering.store(objects);
  const row = await delivering.ends(delivering.deliver(STUDY));
  t.match(row, { state: 'delivered', reasonCode: null });
  t.strictSame(
    await orthanc.sopInstanceUIDs(STUDY),
    objects.map(({ sopInstanceUID }) => sopInstanceUID).sort(),
  );
});
