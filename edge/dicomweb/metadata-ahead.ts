/**
 * Metadata of a series made when it has come, before anybody asks: the first look at it is one read then, too.
 *
 *   object stored ─► noted ─ nothing more for a while ─► SeriesMetadata
 *
 * Noted in memory alone: what a restart forgets is made when it is asked for. Takes at most a fifth of a core,
 * whatever comes in.
 */
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { ObjectListener } from '../index/edge-index.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { HeldStudies } from './held-studies.ts';
import type { SeriesMetadata } from './series-metadata.ts';

const LOOK_MS = 1_000;
/** Of fewer the heads are read as quickly when they are asked for. */
const LEAST_INSTANCES = 8;
/** What is made now rests for so many times as long. */
const REST = 4;
const MAX_NOTED = 20_000;

interface Noted {
  readonly scope: {
    readonly studyInstanceUID: string;
    readonly home: string;
    readonly seriesInstanceUID: string;
  };
  instances: number;
  at: number;
}

export interface AheadParts {
  readonly held: Pick<HeldStudies, 'series' | 'instances'>;
  readonly metadata: Pick<SeriesMetadata, 'of'>;
  readonly log: Log;
}

export class MetadataAhead {
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #noted = new Map<string, Noted>();
  #timer: NodeJS.Timeout | undefined;
  #making: Promise<void> | undefined;
  #restUntil = 0;

  /** @param quietMs a series that got nothing for so long has come */
  constructor({ quietMs, now }: { quietMs: number; now: () => number }) {
    this.#quietMs = quietMs;
    this.#now = now;
  }

  /** Runs inside the transaction that records the object. */
  readonly note: ObjectListener = ({ attributes, home }) => {
    const { studyInstanceUID, seriesInstanceUID } = attributes;
    const key = [studyInstanceUID, home, seriesInstanceUID].join('\0');
    const noted = this.#noted.get(key);
    if (noted !== undefined) {
      noted.instances += 1;
      noted.at = this.#now();
    } else if (this.#noted.size < MAX_NOTED) {
      const scope = { studyInstanceUID, home, seriesInstanceUID };
      this.#noted.set(key, { scope, instances: 1, at: this.#now() });
    }
  };

  start(parts: AheadParts): void {
    this.#timer = setInterval(() => this.look(parts), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#making;
  }

  /** Makes those of one series that has come, unless it is too early for that. */
  look(parts: AheadParts): Promise<void> | undefined {
    const now = this.#now();
    if (this.#making !== undefined || now < this.#restUntil) return undefined;
    for (const [key, noted] of this.#noted) {
      if (now - noted.at < this.#quietMs) continue;
      this.#noted.delete(key);
      if (noted.instances < LEAST_INSTANCES) continue;
      this.#making = this.#make(parts, noted).finally(() => {
        this.#making = undefined;
      });
      return this.#making;
    }
    return undefined;
  }

  async #make({ held, metadata, log }: AheadParts, { scope }: Noted): Promise<void> {
    const begun = this.#now();
    try {
      for (const { seriesKey } of held.series(scope))
        await metadata.of(seriesKey, held.instances(scope));
    } catch (error) {
      // It was deleted again, or its transaction was taken back.
      if (error instanceof DicomWebError && error.code === 'RESOURCE_NOT_FOUND') return;
      // Whoever asks for it meets the fault again, and is told.
      const { studyInstanceUID } = scope;
      log.warn('dicomweb.not-ahead', { studyInstanceUID, code: codeOf(error) });
    } finally {
      const now = this.#now();
      this.#restUntil = now + REST * (now - begun);
    }
  }
}
