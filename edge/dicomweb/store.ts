/**
 * STOW-RS: objects of a request go the way of C-STORE, and are answered for when they are durable.
 * PS3.18 §10.5.
 *
 *   parts ─► Part 10 head ─► storage's sink ─► status ─► ReferencedSOPSequence │ FailedSOPSequence
 *
 * No object is held; one after the other is written as it comes.
 */
import type { AuditContent } from '../../shared/audit/entry.ts';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { type Part10Head, readPart10Head } from '../../shared/dicom/part10.ts';
import { GatewayError } from '../../shared/errors.ts';
import type { DimseServices, DimseStatus } from '../dimse/service.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { WebAnswer } from './answer.ts';
import { instancePath } from './object-head.ts';

/** A head longer than this is none. */
const MAX_HEAD_BYTES = 64 * 1024;
const CANNOT_UNDERSTAND = 0xc000;
const OUT_OF_RESOURCES = 0xa700;
const CONTENT_TYPE = 'application/dicom+json';

export interface StoreParts {
  readonly store: DimseServices['store'];
  readonly index: EdgeIndex;
}

export interface Sender {
  /** As a calling AE title is: at most 16 characters. */
  readonly name: string;
  readonly host: string;
  readonly isTls: boolean;
  /** The study that all have to be of; undefined: any. */
  readonly studyInstanceUID: string | undefined;
}

interface Stored {
  readonly head: Part10Head | undefined;
  readonly status: number;
  /** Of an object that was filed. */
  readonly studyInstanceUID?: string | undefined;
}

/** Takes the parts of one request, each in its turn. */
export class StoreRun {
  readonly #parts: Pick<StoreParts, 'store'>;
  readonly #sender: Sender;
  readonly #stored: Stored[] = [];

  constructor(parts: Pick<StoreParts, 'store'>, sender: Sender) {
    this.#parts = parts;
    this.#sender = sender;
  }

  /** @throws what reading the part throws, when the connection ends before it; nothing of it is kept then */
  async take(bytes: AsyncIterable<Buffer>): Promise<void> {
    const { head, rest } = await readHead(bytes);
    if (head === undefined) {
      for await (const _ of rest);
      this.#stored.push({ head, status: CANNOT_UNDERSTAND });
      return;
    }
    const { status, studyInstanceUID } = await this.#write(head, rest);
    this.#stored.push({ head, status, studyInstanceUID });
  }

  async #write(head: Part10Head, rest: AsyncIterable<Buffer>): Promise<DimseStatus> {
    const { name, host, isTls: tls, studyInstanceUID } = this.#sender;
    const sink = this.#parts.store({
      ...head,
      ...(studyInstanceUID === undefined ? {} : { studyInstanceUID }),
      peer: { associationId: 'stow', callingAETitle: name, calledAETitle: '', host, tls },
    });
    try {
      for await (const chunk of rest) await sink.write(chunk);
    } catch (error) {
      sink.abort();
      throw error;
    }
    return sink.end();
  }

  counts(): { completed: number; failed: number } {
    const completed = this.#stored.filter(({ status }) => status === 0).length;
    return { completed, failed: this.#stored.length - completed };
  }

  /** What was filed, by study, as the trail tells it. */
  contents(index: Pick<EdgeIndex, 'studyState' | 'trust'>): AuditContent[] {
    const studies = new Map<string, Record<string, number>>();
    for (const { studyInstanceUID: study, head } of this.#stored) {
      if (study === undefined || head === undefined) continue;
      const classes = studies.get(study) ?? {};
      classes[head.sopClassUID] = (classes[head.sopClassUID] ?? 0) + 1;
      studies.set(study, classes);
    }
    return [...studies].map(([study, instances]) => {
      const accession = index.studyState(study, index.trust)?.accessionNumber ?? null;
      return { study, accession, instances };
    });
  }

  /** PS3.18 tables 10.5.3-1, 10.5.3-2. */
  answer(index: EdgeIndex): WebAnswer {
    const failed = this.#stored.filter(({ status }) => status !== 0);
    const done = this.#stored.filter(({ status }) => status === 0);
    const body: JsonDataSet = {};
    const { studyInstanceUID } = this.#sender;
    if (studyInstanceUID !== undefined)
      body['00081190'] = { vr: 'UR', Value: [`/dicom-web/studies/${studyInstanceUID}`] };
    if (failed.length > 0)
      body['00081198'] = { vr: 'SQ', Value: failed.map((one) => failedItem(one)) };
    if (done.length > 0)
      body['00081199'] = { vr: 'SQ', Value: done.map(({ head }) => doneItem(index, head)) };
    return { ...statusOf(done, failed), contentType: CONTENT_TYPE, body: JSON.stringify(body) };
  }
}

function doneItem(index: EdgeIndex, head: Part10Head | undefined): JsonDataSet {
  const instance = index.findInstance(head?.sopInstanceUID ?? '', index.trust);
  const where =
    instance === undefined ? {} : { '00081190': { vr: 'UR', Value: [instancePath(instance)] } };
  return { ...referenced(head), ...where };
}

const referenced = (head: Part10Head | undefined): JsonDataSet => ({
  '00081150': { vr: 'UI', ...(head && { Value: [head.sopClassUID] }) },
  '00081155': { vr: 'UI', ...(head && { Value: [head.sopInstanceUID] }) },
});

const failedItem = ({ head, status }: Stored): JsonDataSet => ({
  ...referenced(head),
  '00081197': { vr: 'US', Value: [status] },
});

function statusOf(
  done: readonly Stored[],
  failed: readonly Stored[],
): Pick<WebAnswer, 'status' | 'headers'> {
  if (failed.length === 0) return { status: 200 };
  if (done.length > 0) return { status: 202 };
  const isFull = failed.every(({ status }) => status === OUT_OF_RESOURCES);
  return isFull ? { status: 503, headers: { 'retry-after': '60' } } : { status: 409 };
}

interface Begun {
  /** Undefined: this is no Part 10 file. */
  readonly head: Part10Head | undefined;
  /** The data set, or all there is left. */
  readonly rest: AsyncIterable<Buffer>;
}

async function readHead(bytes: AsyncIterable<Buffer>): Promise<Begun> {
  const chunks = bytes[Symbol.asyncIterator]();
  let held: Buffer = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (!done) held = Buffer.concat([held, value]);
    const head = wholeHead(held, done === true);
    if (head === undefined && !done && held.length < MAX_HEAD_BYTES) continue;
    const first = held.subarray(head?.dataSetOffset ?? 0);
    return { head, rest: following(first, chunks) };
  }
}

/** Whole when what follows the file meta information is seen. */
function wholeHead(held: Buffer, isAll: boolean): Part10Head | undefined {
  try {
    const head = readPart10Head(held);
    return isAll || head.dataSetOffset + 8 <= held.length ? head : undefined;
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

async function* following(first: Buffer, chunks: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (first.length > 0) yield first;
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) return;
    yield value;
  }
}
