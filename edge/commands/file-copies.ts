/**
 * Files what a fetch has staged, and hands it to the PACS.
 *
 *   staged ─► asAtHome ─► writeCopy ─► spool, index ─► next …  ─► Deliverer
 *
 * Each object is durable before its staged file goes. Doing it again gives the same bytes, so kill -9
 * between any two steps costs at most one object's work.
 */
import { GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import { acceptObject } from '../index/accept-object.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import { StagingFolder } from '../transfer/staging.ts';
import type { CopyMapping } from './copy-mapping.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';
import { settlePatient } from './settle-patient.ts';
import { asAtHome, writeCopy } from './write-copy.ts';

/** A delivery has at least so long, however late the fetch got here. */
const LEAST_DELIVERY_MS = 86_400_000;

/** @throws SpoolError, or SQLite's error, when the disk does not take it now */
export async function fileCopies(
  parts: FetchParts,
  row: FetchRow,
  signal: AbortSignal,
): Promise<void> {
  const { store, spool, trust, pace, now } = parts;
  const { fetchId } = row;
  const mapping = row.home === trust ? undefined : store.mappingOf(row);
  if (mapping === undefined && row.home !== trust) {
    // Released by a person who named the patient: it is fixed now.
    await settlePatient(parts, row);
    return;
  }
  const staging = new StagingFolder(spool, fetchId);
  const startedAt = now();
  let bytes = 0;
  let isIncomplete = false;
  for (const instance of store.instances(fetchId, 'wanted')) {
    if (signal.aborted) return;
    if (await fileOne(parts, { row, mapping, instance, staging })) bytes += instance.bytes;
    else isIncomplete = true;
  }
  pace.measured('filing', { bytes, ms: now() - startedAt });
  // A power cut took what was staged.
  if (isIncomplete) store.begin(fetchId, 'transferring');
  else handOver(parts, row);
}

/** @returns false when it has to be brought again */
async function fileOne(
  parts: FetchParts,
  one: {
    row: FetchRow;
    mapping: CopyMapping | undefined;
    instance: ManifestInstance;
    staging: StagingFolder;
  },
): Promise<boolean> {
  const { store } = parts;
  const { row, instance, staging } = one;
  const { fetchId } = row;
  const { sopInstanceUID } = instance;
  try {
    if (!isFiled(parts, row, instance)) {
      const source = await asAtHome(parts, one);
      if (source === undefined) return false;
      const copy = await writeCopy(parts, { ...one, source });
      const { transferSyntaxUID } = instance;
      acceptObject(parts, { ...copy, transferSyntaxUID }, { now: parts.now() });
    }
    if (isFiled(parts, row, instance)) store.markFiled(fetchId, sopInstanceUID);
    else store.markFailed(fetchId, { sopInstanceUID, ...COPY_DIFFERS });
  } catch (error) {
    if (!isOfObject(error)) throw error;
    store.markFailed(fetchId, { sopInstanceUID, code: error.code, detail: error.message });
  }
  staging.drop(instance);
  staging.drop({ ...instance, digest: instance.homeDigest });
  return true;
}

/** True when what is current here is a copy of this very object. */
function isFiled({ index }: FetchParts, row: FetchRow, instance: ManifestInstance): boolean {
  const current = index.findInstance(instance.sopInstanceUID, row.home);
  return (
    current?.homeDigest === instance.homeDigest && current.studyInstanceUID === row.studyInstanceUID
  );
}

/** The object itself is at fault: the others go on. */
function isOfObject(error: unknown): error is GatewayError {
  return error instanceof GatewayError && !(error instanceof SpoolError);
}

/** To the peer that was named, or the one that imports. */
function handOver(parts: FetchParts, row: FetchRow): void {
  const { store, deliverer, index, now } = parts;
  const { fetchId, studyInstanceUID, home, priority } = row;
  const filed = store.instances(fetchId, 'filed');
  if (filed.length === 0) {
    store.end(fetchId, 'failed', { reason: NOTHING_FILED });
    return;
  }
  if (!row.isDelivered) {
    const isWhole = store.failures(fetchId).length === 0;
    store.end(fetchId, isWhole ? 'available' : 'partial', { reason: null, done: totalOf(filed) });
    return;
  }
  const peer = destinationOf(parts, row);
  if (peer === undefined) {
    store.end(fetchId, 'failed', { reason: noDestination(row.peer) });
    return;
  }
  const instances = filed.map(({ sopInstanceUID, bytes }) => ({
    sopInstanceUID,
    dataSetBytes: index.findInstance(sopInstanceUID, home)?.dataSetBytes ?? bytes,
  }));
  const deadlineAt = Math.max(row.deadlineAt, now() + LEAST_DELIVERY_MS);
  store.begin(fetchId, 'delivering', () => {
    deliverer.add({
      ...{ deliveryId: fetchId, peer: peer.name, studyInstanceUID, home },
      ...{ priority, deadlineAt, instances },
    });
  });
  store.setProgress(fetchId, { instances: 0, bytes: 0, etaSeconds: null });
  deliverer.wake(peer.name);
}

function totalOf(filed: readonly ManifestInstance[]): { instances: number; bytes: number } {
  return { instances: filed.length, bytes: filed.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function destinationOf({ peers }: FetchParts, { peer }: FetchRow): Peer | undefined {
  return peer === null
    ? peers.find(({ importsTo }) => importsTo)
    : peers.find(({ name }) => name === peer);
}

const COPY_DIFFERS: FetchReason = {
  code: 'COPY_DIFFERS',
  detail: 'another version of this object is filed here, and stays current',
};
const NOTHING_FILED: FetchReason = {
  code: 'NOTHING_FILED',
  detail: 'no object of the study could be filed; the failures name each',
};

function noDestination(named: string | null): FetchReason {
  const detail =
    named === null
      ? 'the study is here, but no peer of this edge has "importsTo: true": add it to edge.yaml, then fetch again'
      : `the study is here, but edge.yaml names no peer "${named}": add it, or fetch again without naming one`;
  return { code: 'NO_DESTINATION', detail };
}
