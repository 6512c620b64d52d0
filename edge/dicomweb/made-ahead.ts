/**
 * Metadata of a series and where its frames lie, made when it has come, before anybody asks: the first look at
 * it is one read, too.
 *
 *   object stored ─► noted ─ nothing more for a while ─┬► SeriesMetadata, FrameSources
 *   objects without kept frames, newest first ─────────┘
 *
 * Noted in memory alone: what a restart forgets, or an older version made, is found by going through the index
 * once after each start. Takes at most a fifth of a core, whatever comes in.
 */
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { ObjectListener } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { FrameSources } from './frame-sources.ts';
import type { HeldStudies, SeriesScope } from './held-studies.ts';
import type { KeptLayouts } from './kept-layouts.ts';
import type { ObjectHead } from './object-head.ts';
import type { SeriesMetadata } from './series-metadata.ts';

const LOOK_MS = 1_000;
/** Of fewer the heads are read as quickly when they are asked for. */
const LEAST_INSTANCES = 8;
/** What is made now rests for so many times as long. */
const REST = 4;
const MAX_NOTED = 20_000;
/** Of the index, in one look. */
const MAX_WINDOWS = 10;

interface Noted {
  readonly scope: SeriesScope;
  at: number;
}

export interface AheadParts {
  readonly held: Pick<HeldStudies, 'series' | 'instances'>;
  readonly metadata: Pick<SeriesMetadata, 'of'>;
  readonly frames: Pick<FrameSources, 'keep'>;
  readonly layouts: Pick<KeptLayouts, 'end' | 'lackingBelow'>;
  readonly log: Log;
}

export class MadeAhead {
  readonly #quietMs: number;
  readonly #now: () => number;
  readonly #noted = new Map<string, Noted>();
  #timer: NodeJS.Timeout | undefined;
  #making: Promise<void> | undefined;
  #restUntil = 0;
  /** How far down the index has been gone through; undefined: not begun. */
  #below: number | undefined;

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
      noted.at = this.#now();
    } else if (this.#noted.size < MAX_NOTED) {
      const scope = { studyInstanceUID, home, seriesInstanceUID };
      this.#noted.set(key, { scope, at: this.#now() });
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

  /** Makes those of one series that has come, or of one that lacks them, unless it is too early for that. */
  look(parts: AheadParts): Promise<void> | undefined {
    if (this.#making !== undefined || this.#now() < this.#restUntil) return undefined;
    const scope = this.#hasCome() ?? this.#lacks(parts);
    if (scope === undefined) return undefined;
    this.#making = this.#make(parts, scope).finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  #hasCome(): SeriesScope | undefined {
    const now = this.#now();
    for (const [key, { scope, at }] of this.#noted) {
      if (now - at < this.#quietMs) continue;
      this.#noted.delete(key);
      return scope;
    }
    return undefined;
  }

  #lacks({ layouts }: AheadParts): SeriesScope | undefined {
    this.#below ??= layouts.end;
    for (let window = 0; window < MAX_WINDOWS && this.#below > 0; window += 1) {
      const found = layouts.lackingBelow(this.#below);
      if (typeof found === 'number') {
        this.#below = found;
        continue;
      }
      this.#below = found.below;
      return found.scope;
    }
    return undefined;
  }

  async #make(parts: AheadParts, scope: SeriesScope): Promise<void> {
    const begun = this.#now();
    try {
      await this.#makeSeries(parts, scope);
    } catch (error) {
      // It was deleted again, or its transaction was taken back.
      if (error instanceof DicomWebError && error.code === 'RESOURCE_NOT_FOUND') return;
      // Whoever asks for it meets the fault again, and is told.
      const { studyInstanceUID } = scope;
      parts.log.warn('dicomweb.not-ahead', { studyInstanceUID, code: codeOf(error) });
    } finally {
      const now = this.#now();
      this.#restUntil = now + REST * (now - begun);
    }
  }

  async #makeSeries(parts: AheadParts, scope: SeriesScope): Promise<void> {
    const { held, metadata } = parts;
    const keep = (instance: StoredInstance, head?: ObjectHead) => keepFrames(parts, instance, head);
    for (const { seriesKey } of held.series(scope)) {
      const instances = held.instances(scope);
      if (instances.length >= LEAST_INSTANCES) await metadata.of(seriesKey, instances, keep);
      for (const instance of instances) await keep(instance);
    }
  }
}

/** One that can't be walked stops no other: it is told what it is when it is asked for. */
async function keepFrames(
  { frames, log }: AheadParts,
  instance: StoredInstance,
  head: ObjectHead | undefined,
): Promise<void> {
  try {
    await frames.keep(instance, head);
  } catch (error) {
    if (error instanceof DicomWebError && error.code === 'NO_PIXELS') return;
    const { sopInstanceUID, studyInstanceUID } = instance;
    log.warn('dicomweb.not-ahead', { sopInstanceUID, studyInstanceUID, code: codeOf(error) });
  }
}
