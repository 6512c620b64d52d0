/** The numbers of what comes in from other edges, at /metrics. */
import { Counter, type Registry } from '../../shared/metrics.ts';

export interface BroughtCounters {
  /** Of data sets, made durable. */
  staged(bytes: number): void;
  /** Over the line. */
  wire(bytes: number): void;
  /** What came of an instance was void; it is asked again. */
  again(code: string): void;
}

export function openBroughtCounters(registry: Registry): BroughtCounters {
  const registers = [registry];
  const instances = new Counter({
    name: 'cdip_transfer_brought_instances_total',
    help: 'Instances brought from other edges, verified and durable',
    registers,
  });
  const bytes = new Counter({
    name: 'cdip_transfer_brought_bytes_total',
    help: 'Bytes of their data sets',
    registers,
  });
  const wire = new Counter({
    name: 'cdip_transfer_brought_wire_bytes_total',
    help: 'Bytes that crossed the line for them',
    registers,
  });
  const again = new Counter({
    name: 'cdip_transfer_again_total',
    help: 'Instances asked again, since what came was damaged or did not come',
    labelNames: ['code'],
    registers,
  });
  return {
    staged(size) {
      instances.inc();
      bytes.inc(size);
    },
    wire: (size) => wire.inc(size),
    again: (code) => again.inc({ code }),
  };
}
