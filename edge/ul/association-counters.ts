/** The numbers of associations at /metrics. */
import { Counter, type Registry } from '../../shared/metrics.ts';

export interface AssociationCounters {
  opened(): void;
  ended(how: string): void;
  rejected(reason: string): void;
  failed(code: string): void;
}

export function openAssociationCounters(registry: Registry): AssociationCounters {
  const registers = [registry];
  const counter = (name: string, help: string, label?: string) =>
    new Counter({ name, help, registers, labelNames: label === undefined ? [] : [label] });
  const opened = counter('cdip_dicom_associations_total', 'Associations accepted');
  const ended = counter('cdip_dicom_associations_ended_total', 'Associations ended', 'how');
  const rejected = counter(
    'cdip_dicom_associations_rejected_total',
    'Associations rejected',
    'reason',
  );
  const failed = counter(
    'cdip_dicom_connections_failed_total',
    'Connections that never became an association',
    'code',
  );
  return {
    opened: () => opened.inc(),
    ended: (how) => ended.inc({ how }),
    rejected: (reason) => rejected.inc({ reason }),
    // Codes of what a peer said are words of ours: few, and without its bytes.
    failed: (code) => failed.inc({ code: code.replace(/\d+/g, 'n') }),
  };
}
