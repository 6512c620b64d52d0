/** The product's own delivery, from a spool in a temporary directory to real peers. */
import { join } from 'node:path';
import type { Peer } from '../../edge/config.ts';
import { Deliverer } from '../../edge/deliver/deliverer.ts';
import { openDeliveryCounters } from '../../edge/deliver/delivery-counters.ts';
import { DeliveryQueue, type DeliveryRow } from '../../edge/deliver/delivery-queue.ts';
import { dimseDestinations } from '../../edge/deliver/dimse-destination.ts';
import { PeerStates } from '../../edge/deliver/peer-states.ts';
import type { StoredInstance } from '../../edge/index/types.ts';
import { Transcoder } from '../../edge/transcode/transcoder.ts';
import { silentLog } from '../../shared/log.ts';
import { eventually } from './eventually.ts';
import type { Part10 } from './part10.ts';
import { openStorageFixture, type StorageFixture } from './storage-fixture.ts';

export interface Delivering {
  readonly storage: StorageFixture;
  readonly queue: DeliveryQueue;
  readonly states: PeerStates;
  /** Into the spool, as a modality would send it. */
  store(objects: readonly Part10[]): Promise<void>;
  /** Asks for a study to be delivered. @returns its id */
  deliver(studyInstanceUID: string, peer?: string): string;
  ends(deliveryId: string, timeoutMs?: number): Promise<DeliveryRow>;
  close(): Promise<void>;
}

export async function startDelivering(
  dataDirectory: string,
  peers: readonly Peer[],
): Promise<Delivering> {
  const storage = await openStorageFixture({ dataDirectory });
  const { db, index, spool, metrics } = storage;
  const queue = new DeliveryQueue(db);
  const states = new PeerStates(db);
  const transcoder = new Transcoder({ directory: join(dataDirectory, 'transcoding') });
  const deliverer = new Deliverer({
    ...{ queue, states, index, spool, transcoder, peers, log: silentLog, now: Date.now },
    destinations: dimseDestinations('CDIP_RRK'),
    counters: openDeliveryCounters(metrics, states),
    random: Math.random,
    backoff: { firstMs: 100, maxMs: 1_000 },
  });
  deliverer.start();
  let count = 0;
  // The product's timers let a program end; this one is to wait for them.
  const alive = setInterval(() => {}, 1_000);
  return {
    ...{ storage, queue, states },
    async store(objects) {
      for (const { dataSet, ...over } of objects) {
        const { status } = await storage.sendBytes(dataSet, over);
        if (status !== 0) throw new Error(`status ${status.toString(16)}`);
      }
    },
    deliver(studyInstanceUID, peer = 'pacs') {
      count += 1;
      const deliveryId = `d${count}`;
      const instances = index.instancesOf({ studyInstanceUID, home: 'RRK' });
      const deadlineAt = Date.now() + 86_400_000;
      const what = { deliveryId, peer, studyInstanceUID, home: 'RRK', priority: 1 };
      deliverer.add({ ...what, deadlineAt, instances: instances.map(sizeOf) });
      deliverer.wake(peer);
      return deliveryId;
    },
    ends: (deliveryId, timeoutMs = 60_000) =>
      eventually(
        `${deliveryId} ends`,
        () => {
          const row = queue.find(deliveryId);
          return row?.endedAt === null ? undefined : row;
        },
        { timeoutMs },
      ),
    async close() {
      clearInterval(alive);
      await deliverer.stop();
      await transcoder.stop();
      storage.close();
    },
  };
}

const sizeOf = ({ sopInstanceUID, dataSetBytes }: StoredInstance) => ({
  sopInstanceUID,
  dataSetBytes,
});
