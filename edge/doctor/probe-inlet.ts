/**
 * Where the one object comes that a PACS is asked to send by C-MOVE. While the edge is stopped its port is opened
 * for it alone: anything else is refused for now (A700H), and nothing is kept. A running edge brings its own inlet.
 */
import type { Clock } from '../../shared/clock.ts';
import { GatewayError } from '../../shared/errors.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import type { EdgeConfig } from '../config.ts';
import { startDicomListener } from '../dimse/listener.ts';
import type { DataSetSink, DimseServices } from '../dimse/service.ts';

export interface ProbeObject {
  readonly studyInstanceUID: string;
  readonly sopInstanceUID: string;
}

export interface ProbeInlet {
  /**
   * Runs `work` while the object may come.
   *
   * @returns whether it came; undefined, and nothing was run: our port can't be had
   */
  expecting(object: ProbeObject, work: () => Promise<void>): Promise<boolean | undefined>;
}

const OUT_OF_RESOURCES = 0xa700;

/** Takes objects and keeps none; those that `isWanted` says no to are refused for now. */
export function discarding(
  isWanted: (sopInstanceUID: string) => boolean,
  onCame: () => void,
): DimseServices['store'] {
  return ({ sopInstanceUID }): DataSetSink => ({
    write: () => undefined,
    abort: () => {},
    async end() {
      if (!isWanted(sopInstanceUID)) return { status: OUT_OF_RESOURCES };
      onCame();
      return { status: 0 };
    },
  });
}

export function ownPortInlet(
  config: Pick<EdgeConfig, 'dicom' | 'peers'>,
  clock: Clock,
): ProbeInlet {
  return {
    async expecting({ sopInstanceUID }, work) {
      let came = false;
      const store = discarding(
        (uid) => uid === sopInstanceUID,
        () => {
          came = true;
        },
      );
      const options = { config, services: { store }, log: silentLog, clock };
      const listener = await startDicomListener({ ...options, metrics: openMetrics({}) }).catch(
        (error: unknown) => {
          // That the port is taken, or not allowed, is told with the ports.
          if (error instanceof GatewayError || 'code' in (error as object)) return undefined;
          throw error;
        },
      );
      if (listener === undefined) return undefined;
      try {
        await work();
      } finally {
        await listener.stop();
      }
      return came;
    },
  };
}
