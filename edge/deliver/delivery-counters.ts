/** The numbers of deliveries at /metrics, by peer. */
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import type { PeerStates } from './peer-states.ts';

export type ObjectOutcome = 'sent' | 'failed' | 'put-off' | 'broken';

export interface DeliveryCounters {
  count(peer: string, outcome: ObjectOutcome, bytes?: number): void;
  /** An object was given another transfer syntax for it. */
  transcoded(peer: string, transferSyntaxUID: string): void;
  /** An association with it was opened (1) or is over (-1). */
  connection(peer: string, change: 1 | -1): void;
}

export function openDeliveryCounters(registry: Registry, peers: PeerStates): DeliveryCounters {
  const registers = [registry];
  const objects = new Counter({
    name: 'cdip_delivery_objects_total',
    help: 'Objects offered to a destination, by what became of them',
    labelNames: ['peer', 'outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'cdip_delivery_bytes_total',
    help: 'Bytes of data sets that a destination acknowledged',
    labelNames: ['peer'],
    registers,
  });
  const transcoded = new Counter({
    name: 'cdip_delivery_transcoded_total',
    help: 'Objects that were given another transfer syntax for a destination',
    labelNames: ['peer', 'transfer_syntax'],
    registers,
  });
  const connections = new Gauge({
    name: 'cdip_delivery_connections',
    help: 'Open associations over which objects are delivered',
    labelNames: ['peer'],
    registers,
  });
  new Gauge({
    name: 'cdip_delivery_waiting_objects',
    help: 'Objects that a destination has still to be given',
    labelNames: ['peer'],
    registers,
    collect() {
      this.reset();
      for (const { peer, objects } of peers.list()) this.set({ peer }, objects);
    },
  });
  new Gauge({
    name: 'cdip_delivery_peer_works',
    help: '0 while a destination does not take what it is given, and is tried again later',
    labelNames: ['peer'],
    registers,
    collect() {
      this.reset();
      for (const { peer, state } of peers.list()) this.set({ peer }, state === 'waits' ? 0 : 1);
    },
  });
  return {
    count(peer, outcome, sent = 0) {
      objects.inc({ peer, outcome });
      if (outcome === 'sent') bytes.inc({ peer }, sent);
    },
    transcoded: (peer, transfer_syntax) => transcoded.inc({ peer, transfer_syntax }),
    connection: (peer, change) => connections.inc({ peer }, change),
  };
}
