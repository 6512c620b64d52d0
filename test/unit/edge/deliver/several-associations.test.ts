/** Several associations to one destination, what they share, and what one that fails means. edge/deliver/lanes.ts. */
import t from 'tap';
import { eventually } from '../../../support/eventually.ts';
import { type Deliveries, openDeliveries } from './deliver-fixture.ts';
import { FakeError } from './fake-destinations.ts';

const soon = (): Promise<number> => new Promise((resolve) => setTimeout(() => resolve(0), 5));

async function delivering(deliveries: Deliveries, count: number): Promise<void> {
  await deliveries.store(count);
  deliveries.add({ peer: 'wide' });
}

t.test('a study goes over as many associations as are allowed, each object once', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('wide');
  peer.status = soon;
  await delivering(deliveries, 40);
  t.match(await deliveries.ends(), { state: 'delivered' });
  t.equal(peer.connections.most, 4);
  t.equal(peer.received.length, 40);
  t.equal(new Set(peer.received).size, 40);
  t.equal(peer.connections.now, 0, 'all are released');
});

t.test('a few objects do not open more than they need', async (t) => {
  const deliveries = await openDeliveries(t);
  deliveries.peer('wide').status = soon;
  await delivering(deliveries, 3);
  t.match(await deliveries.ends(), { state: 'delivered' });
  t.equal(deliveries.peer('wide').opened, 1);
});

t.test('a destination that grants fewer is served by those', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('wide');
  peer.status = soon;
  peer.open = () => {
    if (peer.connections.now >= 2) throw new FakeError('ASSOCIATION_REJECTED');
  };
  await delivering(deliveries, 40);
  t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
  t.equal(peer.connections.most, 2);
  t.equal(peer.opened, 3, 'it is asked for one too many once');
  t.equal(deliveries.states.find('wide')?.state, 'works');
});

t.test('one that is never granted holds up nothing', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('wide');
  peer.status = soon;
  peer.open = (_contexts, signal) => {
    if (peer.connections.now === 0) return undefined;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new FakeError('CANCELLED')));
    });
  };
  await delivering(deliveries, 40);
  t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
  t.equal(peer.connections.most, 1);
});

t.test('an association that breaks stops no other, and its object goes again', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('wide');
  let breaks = 0;
  peer.status = async ({ sopInstanceUID }) => {
    await soon();
    if (sopInstanceUID !== '2.999.1.3' || breaks > 0) return 0;
    breaks += 1;
    throw new FakeError('CONNECTION_LOST');
  };
  await delivering(deliveries, 40);
  t.match(await deliveries.ends(), { state: 'delivered', reasonCode: null });
  t.equal(peer.aborted, 1);
  t.equal(peer.received.length, 41, 'only that one went twice');
});

t.test('so many objects are unanswered at once as the destination grants', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('pacs');
  let [open, most] = [0, 0];
  peer.window = 5;
  peer.status = async () => {
    open += 1;
    most = Math.max(most, open);
    await soon();
    open -= 1;
    return 0;
  };
  await deliveries.store(30);
  deliveries.add();
  t.match(await deliveries.ends(), { state: 'delivered' });
  t.equal(most, 5);
});

t.test(
  'of several that were under way when it broke, the one at fault is found and named',
  async (t) => {
    const deliveries = await openDeliveries(t);
    const peer = deliveries.peer('pacs');
    peer.window = 4;
    let isBroken = false;
    peer.open = () => {
      isBroken = false;
    };
    peer.status = async ({ sopInstanceUID }) => {
      isBroken ||= sopInstanceUID === '2.999.1.6';
      await soon();
      if (isBroken) throw new FakeError('CONNECTION_LOST');
      return 0;
    };
    await deliveries.store(12);
    deliveries.add();
    t.match(await deliveries.ends(), { state: 'partial' });
    t.match(deliveries.queue.failures('d1'), [
      { sopInstanceUID: '2.999.1.6', code: 'CONNECTION_LOST' },
    ]);
    t.equal(deliveries.queue.progress('d1').sent, 11);
  },
);

t.test('a destination that failed is tried by one association alone, and says when', async (t) => {
  const deliveries = await openDeliveries(t);
  const peer = deliveries.peer('wide');
  let isDown = true;
  peer.status = soon;
  peer.open = () => {
    if (isDown) throw new FakeError('CONNECT_FAILED');
  };
  await delivering(deliveries, 40);
  await eventually('it waits', () => (deliveries.states.find('wide')?.failures ?? 0) >= 3);
  t.match(deliveries.states.find('wide'), { state: 'waits', reasonCode: 'CONNECT_FAILED' });
  t.equal(peer.opened, deliveries.states.find('wide')?.failures, 'one association a try');
  const since = deliveries.states.find('wide')?.since;
  t.equal(deliveries.states.list()[0]?.objects, 40);
  isDown = false;
  t.match(await deliveries.ends(), { state: 'delivered' });
  t.match(deliveries.states.find('wide'), { state: 'works', failures: 0, reasonCode: null });
  t.ok((deliveries.states.find('wide')?.since ?? 0) > (since ?? 0));
  t.equal(peer.connections.most, 4, 'and then by all');
});

t.test('no more objects a second than it is to be given', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(8);
  const start = performance.now();
  deliveries.add({ peer: 'slow' });
  t.match(await deliveries.ends(), { state: 'delivered' });
  // 20 a second: seven gaps of 50 ms. Never less, however loaded the machine is.
  t.ok(performance.now() - start >= 345);
});

t.test('metrics tell what was sent, what waits and that a destination does not work', async (t) => {
  const deliveries = await openDeliveries(t);
  await deliveries.store(5);
  deliveries.add({ peer: 'wide' });
  t.match(await deliveries.ends(), { state: 'delivered' });
  deliveries.peer('pacs').open = () => {
    throw new FakeError('CONNECT_FAILED');
  };
  deliveries.add({ deliveryId: 'd2' });
  await eventually('it waits', () => deliveries.states.find('pacs')?.state === 'waits');
  const text = await deliveries.storage.metrics.metrics();
  t.match(text, /cdip_delivery_objects_total\{peer="wide",outcome="sent"\} 5/);
  t.match(text, /cdip_delivery_connections\{peer="wide"\} 0/);
  t.match(text, /cdip_delivery_waiting_objects\{peer="pacs"\} 5/);
  t.match(text, /cdip_delivery_peer_works\{peer="pacs"\} 0/);
});
