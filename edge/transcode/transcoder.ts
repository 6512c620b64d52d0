/**
 * Transcodes objects into files that are gone again after use.
 *
 *   job ─► codec-threads.ts ─► TranscodedFile ─► remove()
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodecThreads } from './codec-threads.ts';
import type { TranscodeJob } from './transcode-file.ts';

export interface TranscodedFile {
  readonly file: string;
  /** All of it is the data set. */
  readonly dataSetBytes: number;
  remove(): Promise<void>;
}

export class Transcoder {
  readonly #directory: string;
  readonly #threads = new CodecThreads();

  /** @param directory emptied: what a kill left there is of no use */
  constructor({ directory }: { directory: string }) {
    this.#directory = directory;
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  /** @throws TranscodeError; nothing is left behind then */
  async transcode(job: Omit<TranscodeJob, 'target'>): Promise<TranscodedFile> {
    const file = join(this.#directory, randomUUID());
    const remove = (): Promise<void> => rm(file, { force: true });
    try {
      const dataSetBytes = await this.#threads.transcode({ ...job, target: file });
      return { file, dataSetBytes, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  stop(): Promise<void> {
    return this.#threads.stop();
  }
}
