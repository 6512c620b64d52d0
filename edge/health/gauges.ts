/** The numbers of /metrics that are read when they are asked for. */

import type { HealthEvent } from '../../shared/contract/events.ts';
import { Gauge, type Registry } from '../../shared/metrics.ts';

/** @param health the heartbeat of this moment */
export function openGauges(registry: Registry, health: () => HealthEvent): void {
  const gauge = (name: string, help: string, read: (health: HealthEvent) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(health()));
      },
    });
  };
  gauge('cdip_index_studies', 'Studies in the index, copies included', (h) => h.index.studies);
  gauge('cdip_index_instances', 'Instances in the index', (h) => h.index.instances);
  gauge('cdip_quarantined', 'Objects in quarantine', (h) => h.quarantined);
  gauge('cdip_conflicts', 'Objects and studies that a person has to look at', (h) => h.conflicts);
  gauge('cdip_associations', 'Open DICOM associations', (h) => h.associations);
  gauge('cdip_fetches', 'Fetches that are not over', (h) => h.fetches);
  gauge('cdip_outbox_waiting', 'Events that no hub is known to have', (h) => h.outbox.waiting);
  gauge(
    'cdip_outbox_oldest_seconds',
    'Age of the oldest event that no hub is known to have',
    (h) => h.outbox.oldestSeconds,
  );
  gauge('cdip_outbox_epoch', 'Epoch in force', (h) => h.epoch);
}
