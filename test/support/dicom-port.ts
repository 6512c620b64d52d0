/** An edge's DICOM port alone, over services that keep what they are sent in memory. */
import { parseEdgeConfig } from '../../edge/config.ts';
import { type DicomListener, startDicomListener } from '../../edge/dimse/listener.ts';
import type { DimseServices, StoreRequest } from '../../edge/dimse/service.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';

export interface Received {
  readonly request: StoreRequest;
  readonly dataSet: Buffer;
}

export interface DicomPort extends DicomListener {
  readonly received: Received[];
  /** Objects whose association ended before they did. */
  readonly aborted: StoreRequest[];
}

export async function startDicomPort(
  dicom: object = {},
  answer: (received: Received) => Promise<number> = async () => 0,
): Promise<DicomPort> {
  const received: Received[] = [];
  const aborted: StoreRequest[] = [];
  const services: DimseServices = {
    store(request) {
      const chunks: Buffer[] = [];
      return {
        write: (chunk) => void chunks.push(Buffer.from(chunk)),
        async end() {
          const object = { request, dataSet: Buffer.concat(chunks) };
          const status = await answer(object);
          received.push(object);
          return { status };
        },
        abort: () => void aborted.push(request),
      };
    },
  };
  const config = parseEdgeConfig({
    trust: 'RRK',
    dataDirectory: '/nowhere',
    dicom: { port: 0, ...dicom },
    peers: [{ name: 'ct1', aeTitle: 'CT1', host: 'h', port: 1, role: 'modality' }],
  });
  const listener = await startDicomListener({
    config,
    services,
    log: silentLog,
    metrics: openMetrics({}),
    clock: systemClock,
  });
  return Object.assign(listener, { received, aborted });
}
