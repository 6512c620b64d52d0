/**
 * The frames of objects that are being looked at: where each lies is found once and remembered.
 *
 *   StoredInstance ─► head, FrameTable (kept while used) ─► bytes of a frame
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Spool } from '../spool/spool.ts';
import { type FrameTable, frameTableOf } from './frame-table.ts';
import { frameBytes } from './frames.ts';
import { numberOf, readObjectHead } from './object-head.ts';

/** Objects whose tables are remembered: a few series. */
const MAX_KEPT = 4_000;
/** Modality, image pixel and look-up modules, presentation, functional groups. */
const ABOUT_PIXELS = /^(00080060|0028|2050|5200|7FE0)/;

export interface FrameSource {
  readonly instance: StoredInstance;
  readonly attributes: JsonDataSet;
  readonly table: FrameTable;
  readonly canDecode: boolean;
  /** Of a frame, counted from 0. */
  stored(at: number): AsyncGenerator<Buffer>;
  /** As native octets. */
  decoded(at: number): AsyncGenerator<Buffer>;
}

interface Kept {
  readonly attributes: JsonDataSet;
  readonly table: FrameTable;
}

export class FrameSources {
  readonly #spool: Spool;
  readonly #kept = new Map<string, Promise<Kept>>();

  constructor(spool: Spool) {
    this.#spool = spool;
  }

  /** @throws DicomWebError, DicomError, or a system error when the file can't be read */
  async of(instance: StoredInstance): Promise<FrameSource> {
    const file = this.#spool.absolute(instance.path);
    const { attributes, table } = await this.#find(file, instance);
    const bitsAllocated = numberOf(attributes, '00280100') ?? 8;
    const stored = (at: number) => frameBytes(file, instance, { table, at, bitsAllocated });
    return {
      instance,
      attributes,
      table,
      canDecode: table.kind === 'native',
      stored,
      decoded: stored,
    };
  }

  /** A path names content, which never changes. */
  #find(file: string, instance: StoredInstance): Promise<Kept> {
    const known = this.#kept.get(instance.path);
    const kept = known ?? readTable(file, instance);
    this.#kept.delete(instance.path);
    this.#kept.set(instance.path, kept);
    if (known === undefined) kept.catch(() => this.#kept.delete(instance.path));
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return kept;
  }
}

async function readTable(file: string, instance: StoredInstance): Promise<Kept> {
  const head = await readObjectHead(file, instance);
  const attributes = Object.fromEntries(
    Object.entries(head.attributes).filter(([tag]) => ABOUT_PIXELS.test(tag)),
  );
  return { attributes, table: await frameTableOf(file, instance, head) };
}
