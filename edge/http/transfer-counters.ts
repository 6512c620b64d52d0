/** The numbers of transfers to other edges at /metrics. */
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import type { ServedCounts } from '../transfer/serve.ts';

export interface TransferCounters {
  /** A stream begins; the returned function ends it. */
  startServing(): (counts: ServedCounts) => void;
}

export function openTransferCounters(registry: Registry): TransferCounters {
  const registers = [registry];
  const instances = new Counter({
    name: 'cdip_transfer_served_instances_total',
    help: 'Instances sent to other edges, and those that could not be read',
    labelNames: ['outcome'],
    registers,
  });
  const bytes = new Counter({
    name: 'cdip_transfer_served_bytes_total',
    help: 'Bytes of data sets sent to other edges',
    registers,
  });
  const wire = new Counter({
    name: 'cdip_transfer_served_wire_bytes_total',
    help: 'Bytes of responses to other edges, by what was done to them',
    labelNames: ['coding'],
    registers,
  });
  const open = new Gauge({
    name: 'cdip_transfer_serving',
    help: 'Streams to other edges that are open now',
    registers,
  });
  return {
    startServing() {
      open.inc();
      return (counts) => {
        open.dec();
        instances.inc({ outcome: 'sent' }, counts.sent);
        instances.inc({ outcome: 'failed' }, counts.failed);
        bytes.inc(counts.bytes);
        for (const [coding, sent] of Object.entries(counts.wireBytes)) wire.inc({ coding }, sent);
      };
    },
  };
}
