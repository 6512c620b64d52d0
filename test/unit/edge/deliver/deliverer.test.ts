/** Studies reach their destinations, whatever these do; and none holds up another. edge/deliver. */
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import t from 'tap';
import { eventually } from '../../../support/eventually.ts';
import { openDeliveries, STUDY } from './deliver-fixture.ts';
import { FakeError, FakeOutage } from './fake-destinations.ts';

t.test('delivers every object as it is in the spool, and asks whether all is there', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(5);
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
  const { index, spool } = deliveries.storage;
  for (const object of index.instancesOf({ studyInstanceUID: STUDY, home: 'RRK' })) {
    const file = readFileSync(spool.absolute(object.path)).subarray(object.dataSetOffset);
    t.ok(deliveries.peer().held.get(object.sopInstanceUID)?.equals(file));
  }
  t.equal(deliveries.peer().opened, 1, 'over one association');
  t.equal(deliveries.peer().asked, 1);
  t.match(deliveries.queue.progress('d1'), { instances: 5, sent: 5, failed: 0 });
  t.ok(deliveries.told.length >= 5, 'each object is told');
});

t.test('a known id is one delivery', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(1);
  deliveries.add();
  await deliveries.ends();
  deliveries.add();
  t.equal(deliveries.queue.find('d1')?.state, 'delivered');
  t.equal(deliveries.peer().received.length, 1);
});

t.test('a destination that is down says why, and gets everything when it is back', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(3);
  let isDown = true;
  deliveries.peer().open = () => {
    if (isDown) throw new FakeError('PEER_UNREACHABLE');
  };
  deliveries.add();
  deliveries.add({ deliveryId: 'd2' });
  await eventually('both say why', () =>
    ['d1', 'd2'].every((id) => deliveries.queue.find(id)?.reasonCode === 'PEER_UNREACHABLE'),
  );
  isDown = false;
  t.match(await deliveries.ends('d1'), { state: 'delivered', reasonCode: null });
  t.match(await deliveries.ends('d2'), { state: 'delivered', reasonCode: null });
});

t.test(
  'a person holds a destination: nothing is sent nor given up until it is released',
  async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(3);
    const now = Date.now();
    deliveries.nowMs = now;
    deliveries.deliverer.hold('pacs');
    deliveries.add({ deadlineAt: now + 60_000 });
    deliveries.add({ deliveryId: 'd2', peer: 'other' });
    t.match(await deliveries.ends('d2'), { state: 'delivered' }, 'others go on');
    t.match(deliveries.states.list(), [
      { peer: 'other', heldSince: null },
      { peer: 'pacs', heldSince: Number, deliveries: 1, objects: 3 },
    ]);
    await deliveries.deliverer.stop();
    deliveries.nowMs = now + 3_600_000;
    const next = deliveries.another();
    next.start();
    t.teardown(() => next.stop());
    t.equal(deliveries.queue.find('d1')?.endedAt, null, 'also after a start, past its deadline');
    t.equal(deliveries.peer('pacs').received.length, 0);
    next.release('pacs');
    t.equal(
      deliveries.queue.find('d1')?.deadlineAt,
      now + 3_660_000,
      'it has as long as it would have had',
    );
    t.strictSame(deliveries.queue.pastDeadline(deliveries.nowMs), []);
    t.match(await deliveries.ends('d1'), { state: 'delivered' });
  },
);

t.test('what waits for a destination is tried at once when a person says so', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(1);
  let isDown = true;
  deliveries.peer().open = () => {
    if (isDown) throw new FakeError('PEER_UNREACHABLE');
  };
  deliveries.add();
  await eventually(
    'it waits',
    () => deliveries.queue.find('d1')?.reasonCode === 'PEER_UNREACHABLE',
  );
  isDown = false;
  deliveries.queue.postponePeer('pacs', Date.now() + 3_600_000, {
    code: 'PEER_UNREACHABLE',
    detail: 'down',
  });
  deliveries.deliverer.retry('pacs');
  t.match(await deliveries.ends('d1'), { state: 'delivered' });
});

t.test('a destination that hangs holds up no other', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(2);
  let release = (): void => {};
  deliveries.peer('pacs').open = () => new Promise((resolve) => (release = resolve));
  deliveries.add();
  deliveries.add({ deliveryId: 'd2', peer: 'other' });
  t.match(await deliveries.ends('d2'), { state: 'delivered' });
  t.equal(deliveries.queue.find('d1')?.endedAt, null);
  release();
  await deliveries.ends('d1');
});

t.test(
  'an association that breaks is never used again, and what was acknowledged is not sent again',
  async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(6);
    let breaks = 0;
    deliveries.peer().status = ({ sopInstanceUID }) => {
      if (sopInstanceUID !== '2.999.1.4' || breaks > 2) return 0;
      breaks += 1;
      throw new FakeError('CONNECTION_LOST');
    };
    deliveries.add();
    t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
    t.equal(deliveries.peer().aborted, 3);
    const received = deliveries.peer().received;
    for (const number of [1, 2, 3, 5, 6])
      t.equal(received.filter((uid) => uid === `2.999.1.${number}`).length, 1);
  },
);

t.test('an object at which every association breaks is named, and the others pass', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(4);
  await deliveries.store(2, { StudyInstanceUID: '2.999.7.2' }, 10);
  deliveries.peer().status = ({ sopInstanceUID }) => {
    if (sopInstanceUID === '2.999.1.1') throw new FakeError('CONNECTION_LOST');
    return 0;
  };
  deliveries.add();
  deliveries.add({ deliveryId: 'd2', studyInstanceUID: '2.999.7.2', priority: 3 });
  t.match(await deliveries.ends('d2'), { state: 'delivered' });
  t.equal(deliveries.queue.find('d1')?.endedAt, null, 'a later delivery had its turn');
  t.match(await deliveries.ends('d1'), { state: 'partial', reasonCode: 'PARTIAL' });
  t.match(deliveries.queue.failures('d1'), [
    { sopInstanceUID: '2.999.1.1', code: 'CONNECTION_LOST' },
  ]);
  t.equal(deliveries.peer().held.size, 5);
});

for (const isDown of [true, false])
  t.test(
    `an outage that is no object's fault gives none up${isDown ? ', and costs one try at a time' : ''}`,
    async (t) => {
      const deliveries = await openDeliveries(t);
      await deliveries.store(2);
      await deliveries.store(2, { StudyInstanceUID: '2.999.7.2' }, 10);
      const peer = deliveries.peer();
      peer.status = () => {
        throw new FakeOutage(isDown);
      };
      deliveries.add();
      deliveries.add({ deliveryId: 'd2', studyInstanceUID: '2.999.7.2' });
      await eventually('it was tried often', () => peer.received.length > 30);
      t.strictSame([...deliveries.queue.failures('d1'), ...deliveries.queue.failures('d2')], []);
      t.equal(deliveries.states.find('pacs')?.state === 'waits', isDown);
      if (isDown) t.equal(deliveries.queue.find('d2')?.reasonCode, 'OUTAGE', 'all for it say why');
      peer.status = () => 0;
      t.match(await deliveries.ends('d1'), { state: 'delivered' });
      t.match(await deliveries.ends('d2'), { state: 'delivered' });
    },
  );

t.test(
  'a destination that breaks off every object gives none up, and takes all when it is well',
  async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(3);
    const peer = deliveries.peer();
    let isIll = false;
    peer.status = () => {
      if (isIll) throw new FakeError('CONNECTION_LOST');
      isIll = true;
      return 0;
    };
    deliveries.add();
    await eventually('it was tried often', () => peer.received.length > 40);
    t.equal(peer.held.size, 1, 'it took one, and then broke down');
    t.strictSame(deliveries.queue.failures('d1'), []);
    peer.status = () => 0;
    t.match(await deliveries.ends(), { state: 'delivered' });
  },
);

t.test(
  'an object that can never be made ready here is named, though nothing else is sent',
  async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(1);
    deliveries.transcode = () => Promise.reject(new FakeError('TRANSCODER_ENDED'));
    deliveries.peer().accepts = ({ transferSyntaxUID }) =>
      transferSyntaxUID === '1.2.840.10008.1.2';
    deliveries.add();
    t.match(await deliveries.ends(), { endedAt: Number });
    t.match(deliveries.queue.failures('d1'), [
      { sopInstanceUID: '2.999.1.1', code: 'TRANSCODER_ENDED' },
    ]);
  },
);

t.test('an object that is refused is named; a warning and a duplicate are success', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(4);
  const statuses = new Map([
    ['2.999.1.1', 0xa900],
    ['2.999.1.2', 0xb000],
    ['2.999.1.3', 0x0111],
  ]);
  const peer = deliveries.peer();
  peer.held.set('2.999.1.3', Buffer.alloc(0));
  peer.status = ({ sopInstanceUID }) => statuses.get(sopInstanceUID) ?? 0;
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'partial' });
  t.match(deliveries.queue.failures('d1'), [{ sopInstanceUID: '2.999.1.1', code: 'STATUS_A900' }]);
});

t.test('a kind of object that is not accepted is named, with its transfer syntax', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(2);
  deliveries.peer().accepts = () => false;
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'failed', reasonCode: 'NOTHING_DELIVERED' });
  t.match(deliveries.queue.failures('d1')[0], {
    code: 'TRANSFER_SYNTAX_NOT_ACCEPTED',
    detail: /1\.2\.840\.10008\.1\.2\.1/,
  });
});

t.test('one object that is put off holds up neither the others nor other studies', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(3);
  await deliveries.store(1, { StudyInstanceUID: '2.999.7.2' }, 10);
  let isBusy = true;
  deliveries.peer().status = ({ sopInstanceUID }) =>
    sopInstanceUID === '2.999.1.1' && isBusy ? 0xa700 : 0;
  deliveries.add();
  deliveries.add({ deliveryId: 'd2', studyInstanceUID: '2.999.7.2', priority: 3 });
  await deliveries.ends('d2');
  t.match(deliveries.queue.find('d1'), { endedAt: null, reasonCode: 'STATUS_A700' });
  t.equal(deliveries.queue.progress('d1').sent, 2);
  isBusy = false;
  t.match(await deliveries.ends('d1'), { state: 'delivered' });
});

t.test(
  'a destination that is full loses nothing, however long it is',
  { timeout: 60_000 },
  async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(8);
    const peer = deliveries.peer();
    let isFull = true;
    peer.status = () => (isFull ? 0xa700 : 0);
    deliveries.add();
    // Three objects a try, and more tries than an object has that others pass by.
    await eventually('it was tried often', () => peer.received.length > 3 * 65, {
      timeoutMs: 30_000,
    });
    t.equal(deliveries.queue.progress('d1').failed, 0);
    isFull = false;
    t.match(await deliveries.ends('d1'), { state: 'delivered', reasonCode: null });
  },
);

t.test('what was acknowledged but is not there is sent again', { timeout: 90_000 }, async (t) => {
  await t.test('and then there: delivered', { timeout: 60_000 }, async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(3);
    const peer = deliveries.peer();
    const loseOnce = new Set(['2.999.1.2']);
    peer.holding = () => {
      for (const uid of loseOnce) peer.held.delete(uid);
      return { kind: 'instances', sopInstanceUIDs: new Set(peer.held.keys()) };
    };
    peer.status = ({ sopInstanceUID }) => {
      if (peer.received.filter((uid) => uid === sopInstanceUID).length > 1)
        loseOnce.delete(sopInstanceUID);
      return 0;
    };
    deliveries.add();
    await eventually('it says so', () => deliveries.queue.find('d1')?.reasonCode !== null);
    t.match(deliveries.queue.find('d1'), {
      reasonCode: 'MISSING_AT_DESTINATION',
      reasonDetail: /2 of 3/,
    });
    t.match(await deliveries.ends(), { state: 'delivered' });
    t.strictSame(peer.received.slice(3), ['2.999.1.2']);
  });
  await t.test('an index that is late is waited for', async (t) => {
    const deliveries = await openDeliveries(t);
    await deliveries.store(2);
    const peer = deliveries.peer();
    peer.holding = () => ({
      kind: 'count',
      instances: peer.asked < 3 ? 1 : 2,
    });
    deliveries.add();
    t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
    t.equal(peer.received.length, 2);
  });
});

t.test('a destination that answers no question is believed, and that is said', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(2);
  deliveries.peer().holding = () => ({ kind: 'unknown', code: 'FIND_NOT_ACCEPTED' });
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'delivered', reasonCode: 'NOT_VERIFIED' });
});

t.test('a destination that took all but can not be asked is believed after a while', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(2);
  const peer = deliveries.peer();
  peer.holding = () => {
    throw new FakeError('PEER_UNREACHABLE');
  };
  deliveries.add();
  deliveries.nowMs = Date.now();
  await eventually('it is asked no more', () => {
    deliveries.nowMs = (deliveries.nowMs ?? 0) + 31_000;
    deliveries.deliverer.wake('pacs');
    return deliveries.queue.find('d1')?.endedAt !== null;
  });
  t.match(deliveries.queue.find('d1'), {
    state: 'delivered',
    reasonCode: 'NOT_VERIFIED',
    reasonDetail: /PEER_UNREACHABLE/,
  });
  t.ok(peer.asked >= 10, `${peer.asked} questions`);
  t.equal(peer.received.length, 2);
});

t.test('a file that is gone, or was changed, is named and never sent', async (t) => {
  const deliveries = await openDeliveries(t, { isStarted: false });
  await deliveries.store(3);
  const { index, spool } = deliveries.storage;
  const [first, second] = index.instancesOf({ studyInstanceUID: STUDY, home: 'RRK' });
  rmSync(spool.absolute(first?.path ?? ''));
  truncateSync(spool.absolute(second?.path ?? ''), 500);
  deliveries.add();
  deliveries.deliverer.start();
  t.match(await deliveries.ends(), { state: 'partial' });
  t.strictSame(
    deliveries.queue.failures('d1').map(({ code }) => code),
    ['SPOOL_MISSING', 'SPOOL_CORRUPT'],
  );
  t.strictSame(deliveries.peer().received, ['2.999.1.3']);
});

t.test('a more urgent delivery goes first, between two objects', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(4);
  await deliveries.store(1, { StudyInstanceUID: '2.999.7.2' }, 10);
  const peer = deliveries.peer();
  peer.status = ({ sopInstanceUID }) => {
    if (sopInstanceUID === '2.999.1.2' && deliveries.queue.find('d2') === undefined)
      deliveries.add({ deliveryId: 'd2', studyInstanceUID: '2.999.7.2', priority: 0 });
    return 0;
  };
  deliveries.add({ priority: 3 });
  await deliveries.ends('d1');
  const at = peer.received.indexOf('2.999.1.10');
  t.equal(at, 2, peer.received.join());
  t.match(await deliveries.ends('d2'), { state: 'delivered' });
});

t.test('a cancel ends it between two objects; what is there stays', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(5);
  const peer = deliveries.peer();
  peer.status = ({ sopInstanceUID }) => {
    if (sopInstanceUID === '2.999.1.2') deliveries.deliverer.cancel('d1');
    return 0;
  };
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'cancelled' });
  await eventually('the association is released', () => peer.released === 1);
  t.equal(peer.held.size, 2);
});

t.test('a delivery past its deadline ends with what is there, and says why', async (t) => {
  const deliveries = await openDeliveries(t, { isStarted: false });
  await deliveries.store(2);
  deliveries.peer().open = () => {
    throw new FakeError('PEER_UNREACHABLE');
  };
  deliveries.add({ deadlineAt: Date.now() + 50 });
  deliveries.deliverer.start();
  await eventually('it says why', () => deliveries.queue.find('d1')?.reasonCode !== null);
  deliveries.nowMs = Date.now() + 60_000;
  t.match(await deliveries.ends(), {
    state: 'failed',
    reasonCode: 'PEER_UNREACHABLE',
    reasonDetail: /not delivered in time/,
  });
});

t.test(
  'a delivery to a peer that the configuration no longer names ends, and says so',
  async (t) => {
    const deliveries = await openDeliveries(t, { isStarted: false });
    await deliveries.store(1);
    deliveries.add({ peer: 'gone' });
    deliveries.deliverer.start();
    t.match(await deliveries.ends(), { state: 'failed', reasonCode: 'PEER_UNKNOWN' });
  },
);

t.test('goes on at the next start with what was not acknowledged', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(6);
  const peer = deliveries.peer();
  let stopped: Promise<void> | undefined;
  peer.status = ({ sopInstanceUID }) => {
    if (sopInstanceUID === '2.999.1.3') stopped = deliveries.deliverer.stop();
    return 0;
  };
  deliveries.add();
  await eventually('it was told to stop', () => stopped !== undefined);
  await stopped;
  t.equal(peer.held.size, 3);
  const again = deliveries.another();
  again.start();
  t.match(await deliveries.ends(), { state: 'delivered' });
  await again.stop();
  t.equal(peer.received.length, 6, 'nothing was sent twice');
});

t.test(
  'a study of more kinds of objects than an association has contexts goes in several',
  async (t) => {
    const { groupsOf } = await import('../../../../edge/deliver/deliver-pass.ts');
    const objects = Array.from({ length: 300 }, (_, number) => ({
      sopInstanceUID: `2.999.1.${number}`,
      sopClassUID: `2.999.2.${number % 150}`,
      studyInstanceUID: STUDY,
      seriesInstanceUID: '2.999.7.1.1',
      home: 'RRK',
      transferSyntaxUID: '1.2.840.10008.1.2.1',
      path: '',
      dataSetOffset: 0,
      dataSetBytes: 0,
      contentDigest: '',
      homeDigest: '',
      instanceNumber: null,
    }));
    const groups = groupsOf(objects, { compress: 'never' });
    t.strictSame(
      groups.map(({ contexts, objects }) => [contexts.length, objects.length]),
      [
        // Each class as it is stored, and in implicit VR.
        [128, 128],
        [128, 128],
        [44, 44],
      ],
    );
  },
);
