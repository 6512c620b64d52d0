/**
 * The sending side of a transfer: what a study holds, and its instances as one stream of frames.
 *
 *   index ─► manifest
 *   index, spool ─► header, data set, header, data set, …, end ─► HTTP response
 *
 * The next small object is read while the one before is sent; a large one flows through in pieces.
 */
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import { encodeFrame, type Manifest, type ManifestInstance } from './protocol.ts';

/** Objects up to this size are read whole, one ahead. */
const READ_AHEAD_BYTES = 4 * 1024 * 1024;
const ZEROS = Buffer.alloc(256 * 1024);

export interface ServeParts {
  readonly spool: Spool;
  readonly index: EdgeIndex;
}

/** A study as a ticket opens it. */
export interface ServedStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
  /** Absent: the whole study. */
  readonly seriesInstanceUIDs?: readonly string[] | undefined;
}

/** @returns undefined when the study is not held, or nothing of it is within the scope */
export function manifestOf({ index }: ServeParts, study: ServedStudy): Manifest | undefined {
  const state = index.studyState(study.studyInstanceUID, study.home);
  const instances = index.instancesOf(study);
  if (state === undefined || instances.length === 0) return undefined;
  const { studyInstanceUID, home } = study;
  return { studyInstanceUID, home, patient: state.patient, instances: instances.map(described) };
}

/** What became of a served stream. */
export interface ServedCounts {
  sent: number;
  failed: number;
  bytes: number;
}

/**
 * The frames of a study's instances.
 *
 * @param wanted SOP Instance UIDs, in the order in which they are sent; absent: all
 * @param counts is kept up to date while the stream is read
 */
export function instanceFrames(
  parts: ServeParts,
  {
    study,
    wanted,
    counts,
  }: {
    study: ServedStudy;
    wanted: readonly string[] | undefined;
    counts: ServedCounts;
  },
): Readable {
  const held = new Map(
    parts.index.instancesOf(study).map((instance) => [instance.sopInstanceUID, instance]),
  );
  const order = [...new Set(wanted ?? held.keys())];
  return Readable.from(frames(parts.spool, { held, order, counts }), {
    objectMode: false,
    highWaterMark: 1024 * 1024,
  });
}

interface Serving {
  readonly held: ReadonlyMap<string, StoredInstance>;
  readonly order: readonly string[];
  readonly counts: ServedCounts;
}

async function* frames(spool: Spool, { held, order, counts }: Serving): AsyncGenerator<Buffer> {
  let ahead: Promise<ReadResult> | undefined;
  for (const [at, sopInstanceUID] of order.entries()) {
    const read = await (ahead ?? readSmall(spool, held.get(sopInstanceUID)));
    const next = order[at + 1];
    ahead = next === undefined ? undefined : readSmall(spool, held.get(next));
    yield* instanceFrame(spool, { sopInstanceUID, read, counts });
  }
  yield encodeFrame({ kind: 'end', sent: counts.sent, failed: counts.failed });
}

type ReadResult =
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'small'; readonly instance: StoredInstance; readonly bytes: Buffer }
  | { readonly kind: 'large'; readonly instance: StoredInstance };

async function* instanceFrame(
  spool: Spool,
  {
    sopInstanceUID,
    read,
    counts,
  }: {
    sopInstanceUID: string;
    read: ReadResult;
    counts: ServedCounts;
  },
): AsyncGenerator<Buffer> {
  if (read.kind === 'absent' || read.kind === 'failed') {
    counts.failed += 1;
    yield read.kind === 'absent'
      ? errorFrame(sopInstanceUID, NOT_HELD)
      : errorFrame(sopInstanceUID, faultOf(read.error));
    return;
  }
  const { instance } = read;
  yield encodeFrame({ kind: 'instance', ...described(instance) });
  if (read.kind === 'small') yield read.bytes;
  const fault = read.kind === 'large' ? yield* passLarge(spool, instance) : undefined;
  if (fault === undefined) {
    counts.sent += 1;
    counts.bytes += instance.dataSetBytes;
  } else {
    counts.failed += 1;
    yield errorFrame(sopInstanceUID, fault);
  }
}

/** The bytes that were announced have to come: what can't be read is filled with zeros, and declared void. */
async function* passLarge(
  spool: Spool,
  instance: StoredInstance,
): AsyncGenerator<Buffer, FrameFault | undefined> {
  let left = instance.dataSetBytes;
  let fault: FrameFault | undefined;
  try {
    for await (const chunk of readDataSet(spool.absolute(instance.path), instance)) {
      left -= (chunk as Buffer).length;
      yield chunk as Buffer;
    }
  } catch (error) {
    fault = faultOf(error);
  }
  if (left > 0) fault ??= CUT_SHORT;
  while (left > 0) {
    const fill = ZEROS.subarray(0, left);
    left -= fill.length;
    yield fill;
  }
  return fault;
}

async function readSmall(spool: Spool, instance: StoredInstance | undefined): Promise<ReadResult> {
  if (instance === undefined) return { kind: 'absent' };
  if (instance.dataSetBytes > READ_AHEAD_BYTES) return { kind: 'large', instance };
  const bytes = Buffer.allocUnsafe(instance.dataSetBytes);
  try {
    await using file = await open(spool.absolute(instance.path), 'r');
    const { bytesRead } = await file.read(bytes, 0, bytes.length, instance.dataSetOffset);
    if (bytesRead === bytes.length) return { kind: 'small', instance, bytes };
    return { kind: 'failed', error: { code: 'SPOOL_CORRUPT' } };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

interface FrameFault {
  readonly code: string;
  readonly detail: string;
  readonly retry: 'safe' | 'never';
}

const NOT_HELD: FrameFault = {
  code: 'INSTANCE_NOT_HELD',
  detail: 'the source does not hold this instance in the study',
  retry: 'never',
};
const CUT_SHORT: FrameFault = {
  code: 'SPOOL_CORRUPT',
  detail: "the source's file is shorter than it was",
  retry: 'never',
};

function faultOf(error: unknown): FrameFault {
  const code = codeOf(error);
  if (code === 'ENOENT')
    return { code: 'SPOOL_MISSING', detail: "the source's file is gone", retry: 'never' };
  if (code === 'SPOOL_CORRUPT') return CUT_SHORT;
  return { code: 'SPOOL_IO', detail: `the source's disk failed: ${code}`, retry: 'safe' };
}

const errorFrame = (sopInstanceUID: string, fault: FrameFault): Buffer =>
  encodeFrame({ kind: 'error', sopInstanceUID, ...fault });

function described(instance: StoredInstance): ManifestInstance {
  const { sopInstanceUID, sopClassUID, seriesInstanceUID, transferSyntaxUID } = instance;
  return {
    sopInstanceUID,
    sopClassUID,
    seriesInstanceUID,
    transferSyntaxUID,
    bytes: instance.dataSetBytes,
    digest: instance.contentDigest,
    homeDigest: instance.homeDigest,
  };
}
