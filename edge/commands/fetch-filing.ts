/**
 * The second half of a fetch: under whom it is filed, filing it, and handing it to the PACS.
 *
 *   choose patient ─┬─ held, until a person names one
 *                   └─► coercing: staged ─► rewritten ─► spool, index ─► delivering
 */
import { GatewayError } from '../../shared/errors.ts';
import { coerceObject } from '../coerce/coerce.ts';
import { acceptObject } from '../index/accept-object.ts';
import { readDataSet } from '../spool/read-instance.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import { StagingFolder } from '../transfer/staging.ts';
import { choosePatient } from './choose-patient.ts';
import { type CopyMapping, fitsRequest, mappingFor } from './copy-mapping.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';

/** How long a fetch waits for a person to name the patient. */
export const HOLD_MS = 7 * 86_400_000;

/** Goes on to coercing, or waits for a person. */
export function settlePatient(parts: FetchParts, row: FetchRow): void {
  const { store, index, patientIds, now } = parts;
  const { fetchId, studyInstanceUID, home, sourcePatient, namedPatient } = row;
  const fixed = store.mappingOf(row);
  if (fixed !== undefined) {
    if (fitsRequest(fixed, namedPatient, patientIds.namespace)) store.begin(fetchId, 'coercing');
    else store.end(fetchId, 'failed', { reason: FILED_UNDER_ANOTHER });
    return;
  }
  if (sourcePatient === null) throw new Error('a fetch without its manifest has no patient');
  const choice = choosePatient(
    {
      named: namedPatient ?? undefined,
      source: sourcePatient,
      home,
      studyInstanceUID,
      policy: patientIds,
    },
    {
      localPatient: (patientId, issuer) => index.localPatient(patientId, issuer),
      localPatientsByNhsNumber: (nhsNumber, birthDate) =>
        index.localPatientsByNhsNumber(nhsNumber, birthDate),
    },
  );
  if (choice.kind === 'held') {
    store.hold(fetchId, now() + HOLD_MS, choice.reason);
    return;
  }
  const mapping = mappingFor({ studyInstanceUID, home }, choice.patient, now());
  store.begin(fetchId, 'coercing', () => store.fixMapping(row, mapping));
}

const FILED_UNDER_ANOTHER: FetchReason = {
  code: 'FILED_UNDER_ANOTHER_PATIENT',
  detail:
    'copies of this study are filed here under another patient than the one that was named: a person has to decide which is right',
};

/** Files what is staged, object by object; each is durable before the next. */
export async function file(parts: FetchParts, row: FetchRow, signal: AbortSignal): Promise<void> {
  const { store, spool } = parts;
  const { fetchId } = row;
  const mapping = store.mappingOf(row);
  if (mapping === undefined) {
    // Released by a person who named the patient: it is fixed now.
    settlePatient(parts, row);
    return;
  }
  const staging = new StagingFolder(spool, fetchId);
  let isIncomplete = false;
  for (const instance of store.instances(fetchId, 'wanted')) {
    if (signal.aborted) return;
    const staged = await staging.find(instance);
    if (staged === undefined) {
      isIncomplete = true;
      continue;
    }
    await fileOne(parts, { row, mapping, instance, staged });
    staging.drop(instance);
  }
  // A power cut took what was staged.
  if (isIncomplete) store.begin(fetchId, 'transferring');
  else handOver(parts, row);
}

interface OneObject {
  readonly row: FetchRow;
  readonly mapping: CopyMapping;
  readonly instance: ManifestInstance;
  readonly staged: SealedFile;
}

/** @throws SpoolError, or SQLite's error, when the disk does not take it now */
async function fileOne(parts: FetchParts, one: OneObject): Promise<void> {
  const { store, index, spool, now } = parts;
  const { fetchId, home } = one.row;
  const { sopInstanceUID, transferSyntaxUID } = one.instance;
  const fail = (code: string, detail: string): void =>
    store.markFailed(fetchId, { sopInstanceUID, code, detail });
  let copy: { sealed: SealedFile; attributes: Parameters<typeof acceptObject>[1]['attributes'] };
  try {
    copy = await writeCopy(parts, one);
  } catch (error) {
    if (error instanceof SpoolError || !(error instanceof GatewayError)) throw error;
    return fail(error.code, error.message);
  }
  const outcome = acceptObject({ spool, index }, { ...copy, transferSyntaxUID }, now());
  if (outcome.kind === 'conflict' && outcome.with.home === home)
    return fail('COPY_DIFFERS', 'another version of this object is filed here, and stays current');
  store.markFiled(fetchId, sopInstanceUID);
}

async function writeCopy(
  parts: FetchParts,
  { row, mapping, instance, staged }: OneObject,
): Promise<{ sealed: SealedFile; attributes: Parameters<typeof acceptObject>[1]['attributes'] }> {
  const { spool, reading, trust, patientIds, now } = parts;
  const { transferSyntaxUID, homeDigest } = instance;
  const { home } = row;
  const { namespace, oid } = patientIds;
  const open = (): AsyncIterable<Buffer> => readDataSet(staged.temporaryPath, staged);
  const writer = spool.newWriter(reading.fileHead(instance));
  const reader = reading.openReader(transferSyntaxUID);
  try {
    const input = { open, transferSyntaxUID, home, trust, namespace, oid };
    for await (const chunk of coerceObject(input, mapping)) {
      await reader.write(chunk);
      await writer.write(chunk);
    }
    const attributes = await reader.end();
    const facts = { home, homeDigest, receivedAt: now(), callingAETitle: '' };
    const sealed = await writer.seal(facts);
    const sopClassUID = attributes.sopClassUID || instance.sopClassUID;
    return { sealed, attributes: { ...attributes, sopClassUID } };
  } catch (error) {
    reader.abort();
    await writer.discard();
    throw error;
  }
}

/** To the peer that was named, or the one that imports. */
function handOver(parts: FetchParts, row: FetchRow): void {
  const { store, deliverer, index, peers } = parts;
  const { fetchId, studyInstanceUID, home, priority, deadlineAt } = row;
  const filed = store.instances(fetchId, 'filed');
  if (filed.length === 0) {
    store.end(fetchId, 'failed', { reason: NOTHING_FILED });
    return;
  }
  const peer =
    row.peer === null
      ? peers.find(({ importsTo }) => importsTo)
      : peers.find(({ name }) => name === row.peer);
  if (peer === undefined) {
    store.end(fetchId, 'failed', { reason: noDestination(row.peer) });
    return;
  }
  const instances = filed.map(({ sopInstanceUID, bytes }) => ({
    sopInstanceUID,
    dataSetBytes: index.findInstance(sopInstanceUID, home)?.dataSetBytes ?? bytes,
  }));
  store.begin(fetchId, 'delivering', () =>
    deliverer.add({
      ...{ deliveryId: fetchId, peer: peer.name, studyInstanceUID, home },
      ...{ priority, deadlineAt, instances },
    }),
  );
  deliverer.wake(peer.name);
}

const NOTHING_FILED: FetchReason = {
  code: 'NOTHING_FILED',
  detail: 'no object of the study could be brought and filed; the failures name each',
};

function noDestination(named: string | null): FetchReason {
  const detail =
    named === null
      ? 'the study is here, but no peer of this edge has "importsTo: true": add it to edge.yaml, then fetch again'
      : `the study is here, but this edge has no peer "${named}"`;
  return { code: 'NO_DESTINATION', detail };
}
