/**
 * What came and went within the last minutes: the differences of the counters at /metrics.
 *
 *   counters of all parts ─► snapshot every 15 s ─► newest less oldest of five minutes
 */
import type { TrafficHealth } from '../../shared/contract/health.ts';
import type { Registry } from '../../shared/metrics.ts';

const WINDOW_MS = 300_000;

interface Snapshot {
  readonly at: number;
  readonly objects: number;
  readonly bytes: number;
  readonly stores: number;
  readonly associations: number;
  readonly rejected: number;
  readonly aborted: number;
  readonly acknowledgementSeconds: number;
  readonly acknowledged: number;
  readonly hl7: number;
  readonly hl7Refused: number;
}

const NOTHING: Omit<TrafficHealth, 'seconds'> = {
  ...{ objects: 0, bytes: 0, notStored: 0, associations: 0, rejected: 0, aborted: 0 },
  ...{ acknowledgementMs: null, hl7: 0, hl7Refused: 0 },
};

export class Traffic {
  readonly #metrics: Registry;
  #snapshots: readonly Snapshot[] = [];

  constructor(metrics: Registry) {
    this.#metrics = metrics;
  }

  /** @param monotonicMs a clock that does not step */
  async look(monotonicMs: number): Promise<void> {
    const snapshot = await takeSnapshot(this.#metrics, monotonicMs);
    const kept = this.#snapshots.filter(({ at }) => monotonicMs - at <= WINDOW_MS);
    this.#snapshots = [...kept, snapshot];
  }

  current(): TrafficHealth {
    const [first] = this.#snapshots;
    const last = this.#snapshots.at(-1);
    if (first === undefined || last === undefined) return { seconds: 0, ...NOTHING };
    const grown = (what: Exclude<keyof Snapshot, 'at'>): number =>
      Math.max(0, last[what] - first[what]);
    const acknowledged = grown('acknowledged');
    const objects = grown('objects');
    const ms = (grown('acknowledgementSeconds') * 1000) / acknowledged;
    return {
      seconds: Math.round((last.at - first.at) / 1000),
      objects,
      bytes: grown('bytes'),
      notStored: Math.max(0, grown('stores') - objects),
      associations: grown('associations'),
      rejected: grown('rejected'),
      aborted: grown('aborted'),
      acknowledgementMs: acknowledged === 0 ? null : Math.round(ms * 10) / 10,
      hl7: grown('hl7'),
      hl7Refused: grown('hl7Refused'),
    };
  }
}

async function takeSnapshot(metrics: Registry, at: number): Promise<Snapshot> {
  const sum = async (
    metric: string,
    { series = metric, where = /^/ }: { series?: string; where?: RegExp } = {},
  ): Promise<number> => {
    const values = (await metrics.getSingleMetric(metric)?.get())?.values ?? [];
    return values
      .filter((one) => ((one as { metricName?: string }).metricName ?? metric) === series)
      .filter(({ labels: { status, how, outcome } }) => where.test(`${status ?? how ?? outcome}`))
      .reduce((total, { value }) => total + value, 0);
  };
  const acknowledgement = 'cdip_storage_acknowledgement_seconds';
  return {
    at,
    objects: await sum('cdip_dimse_store_responses_total', { where: /^0000$/ }),
    stores: await sum('cdip_dimse_store_responses_total'),
    bytes: await sum('cdip_storage_bytes_total'),
    associations: await sum('cdip_dicom_associations_total'),
    rejected: await sum('cdip_dicom_associations_rejected_total'),
    aborted: await sum('cdip_dicom_associations_ended_total', { where: /^(?!released$)/ }),
    acknowledgementSeconds: await sum(acknowledgement, { series: `${acknowledgement}_sum` }),
    acknowledged: await sum(acknowledgement, { series: `${acknowledgement}_count` }),
    hl7: await sum('cdip_hl7_messages_total'),
    hl7Refused: await sum('cdip_hl7_messages_total', { where: /^(dead|refused)$/ }),
  };
}
