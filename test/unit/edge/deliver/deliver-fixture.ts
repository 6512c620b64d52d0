/** A deliverer over real storage with some objects in it, and destinations that answer as a test says. */
import type { Test } from 'tap';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { Deliverer } from '../../../../edge/deliver/deliverer.ts';
import {
  type DeliveryCounters,
  openDeliveryCounters,
} from '../../../../edge/deliver/delivery-counters.ts';
import { DeliveryQueue, type NewDelivery } from '../../../../edge/deliver/delivery-queue.ts';
import { PeerStates } from '../../../../edge/deliver/peer-states.ts';
import { silentLog } from '../../../../shared/log.ts';
import { eventually } from '../../../support/eventually.ts';
import {
  openStorageFixture,
  type SmallObject,
  type StorageFixture,
  smallObject,
  temporaryDirectory,
} from '../../../support/storage-fixture.ts';
import { FakeDestinations, type FakePeer } from './fake-destinations.ts';

const config = parseEdgeConfig({
  trust: 'RRK',
  dataDirectory: '/nowhere',
  peers: [
    { name: 'pacs', aeTitle: 'PACS', host: 'h', port: 104, role: 'pacs', connections: 1 },
    { name: 'wide', aeTitle: 'WIDE', host: 'h', port: 104, role: 'archive', connections: 4 },
    { name: 'slow', aeTitle: 'SLOW', host: 'h', port: 104, role: 'archive', ratePerSecond: 20 },
    { name: 'other', aeTitle: 'OTHER', host: 'h', port: 104, role: 'archive' },
  ],
});

/** For destinations that take everything as it is. */
export const noTranscoder = { transcode: () => Promise.reject(new Error('nothing to transcode')) };

export const STUDY = '2.999.7.1';

export class Deliveries {
  readonly storage: StorageFixture;
  readonly queue: DeliveryQueue;
  readonly states: PeerStates;
  readonly counters: DeliveryCounters;
  readonly destinations = new FakeDestinations();
  readonly deliverer: Deliverer;
  readonly told: string[] = [];
  transcode: () => Promise<never> = noTranscoder.transcode;
  nowMs: number | undefined;
  readonly #alive = setInterval(() => {}, 1_000);

  constructor(storage: StorageFixture) {
    const { db } = storage;
    this.storage = storage;
    this.queue = new DeliveryQueue(db);
    this.states = new PeerStates(db);
    this.counters = openDeliveryCounters(storage.metrics, this.states);
    this.deliverer = this.another();
  }

  /** As another process over the same database. */
  another(): Deliverer {
    const { index, spool } = this.storage;
    const { queue, states, destinations, counters } = this;
    const deliverer = new Deliverer({
      ...{ queue, states, destinations, counters, index, spool },
      ...{ peers: config.peers, log: silentLog },
      transcoder: { transcode: () => this.transcode() },
      now: () => this.nowMs ?? Date.now(),
      random: Math.random,
      backoff: { firstMs: 10, maxMs: 100 },
    });
    deliverer.onChange((id) => this.told.push(id));
    return deliverer;
  }

  peer(name = 'pacs'): FakePeer {
    return this.destinations.peer(name);
  }

  async store(count: number, over: Partial<SmallObject> = {}, first = 1): Promise<void> {
    for (let number = first; number < first + count; number += 1)
      await this.storage.send(smallObject(number, over));
  }

  add(over: Partial<NewDelivery> = {}): void {
    const { studyInstanceUID = STUDY, peer = 'pacs' } = over;
    const instances = this.storage.index.instancesOf({ studyInstanceUID, home: 'RRK' });
    this.deliverer.add({
      ...{ deliveryId: 'd1', peer, studyInstanceUID, home: 'RRK', priority: 1, instances },
      deadlineAt: Date.now() + 86_400_000,
      ...over,
    });
    this.deliverer.wake(peer);
  }

  ends(deliveryId = 'd1') {
    return eventually(`${deliveryId} ends`, () => {
      const row = this.queue.find(deliveryId);
      return row?.endedAt === null ? undefined : row;
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#alive);
    await this.deliverer.stop();
    this.storage.close();
  }
}

/** Started, unless told otherwise. */
export async function openDeliveries(
  t: Test,
  { isStarted = true }: { isStarted?: boolean } = {},
): Promise<Deliveries> {
  const storage = await openStorageFixture({ dataDirectory: temporaryDirectory(t) });
  const deliveries = new Deliveries(storage);
  if (isStarted) deliveries.deliverer.start();
  t.teardown(() => deliveries.close());
  return deliveries;
}
