/**
 * Files an object that is already on the disk: found by start-up recovery, or released from quarantine
 * by a person.
 *
 *   file ─► head: what it was sent as ─► data set through AttributesReader ─► findFault ─► acceptObject
 */
import { open } from 'node:fs/promises';
import { codeOf } from '../../shared/errors.ts';
import type { RecordOutcome } from '../index/types.ts';
import type { Fault, QuarantineOrigin } from '../spool/quarantine.ts';
import { readDataSet, readSeal } from '../spool/read-instance.ts';
import type { RecoveryTarget } from '../spool/recover.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import { fileObject } from './file-object.ts';
import type { FileIdentity, ReadAttributes } from './object-reading.ts';
import type { StorageParts } from './storage-parts.ts';
import { findFault } from './verdict.ts';

/**
 * Takes a sealed file into the spool and the index, as if it had just come in.
 *
 * @param byDecision of a person: it is filed under the UID of its data set although the command had another
 *   one, and in its study although it names another patient
 * @returns `fault`: it can't be filed, and lies where it lay
 * @throws SpoolError when the disk fails
 */
export async function refile(
  parts: StorageParts,
  sealed: SealedFile,
  { byDecision }: { byDecision: boolean },
): Promise<RecordOutcome> {
  let read: { identity: FileIdentity; attributes: ReadAttributes };
  try {
    read = await readObject(parts, sealed);
  } catch (error) {
    return { kind: 'fault', fault: unreadable(error) };
  }
  const { identity, attributes: found } = read;
  const command = byDecision ? found : identity;
  const fault = findFault(command, found);
  if (fault !== undefined) return { kind: 'fault', fault };
  const attributes = { ...found, sopClassUID: found.sopClassUID || identity.sopClassUID };
  const { transferSyntaxUID } = identity;
  const now = parts.clock.now();
  const object = { sealed, attributes, transferSyntaxUID };
  return fileObject(parts, object, { now, anyPatient: byDecision });
}

/** The index as recovery needs it: what can't be filed goes to quarantine. */
export function recoveryTarget(parts: StorageParts): RecoveryTarget {
  const { index, quarantine, clock, log } = parts;
  const setAside = (sealed: SealedFile, fault: Fault): void => {
    const file = { ...sealed, bytes: sealed.dataSetOffset + sealed.dataSetBytes };
    const origin = recoveredOrigin(sealed);
    quarantine.add(file, { fault, origin, now: clock.now(), mustKeep: true });
  };
  return {
    studies: () => index.studyKeys(),
    filesOf: (study) => index.instancesOf(study),
    conflictPaths: () => index.conflictPaths(),
    async refile(sealed) {
      const outcome = await refile(parts, sealed, { byDecision: false });
      if (outcome.kind === 'fault') setAside(sealed, outcome.fault);
      return outcome.kind !== 'fault';
    },
    quarantineCorrupt(sealed) {
      setAside(sealed, { code: 'CORRUPT', detail: 'the disk changed the bytes of the data set' });
    },
    markMissing(file) {
      index.markMissing(file, clock.now());
      const { sopInstanceUID, studyInstanceUID, path } = file;
      log.error('spool.missing', { sopInstanceUID, studyInstanceUID, path });
    },
    forgetVersion(path) {
      index.forgetVersion(path);
      log.error('spool.missing', { path });
    },
  };
}

/**
 * Files an object out of quarantine, by a person's decision; a differing UID in the command, or another
 * patient's name, no longer counts. What can't be read or identified stays there.
 */
export async function releaseFromQuarantine(
  parts: StorageParts,
  id: string,
): Promise<RecordOutcome | undefined> {
  const entry = parts.quarantine.find(id);
  if (entry === undefined) return undefined;
  if (!entry.isKept)
    return { kind: 'fault', fault: { code: 'NOT_KEPT', detail: 'its bytes were not kept' } };
  const temporaryPath = parts.quarantine.fileOf(id);
  const seal = await readSeal(temporaryPath);
  if (seal === null)
    return { kind: 'fault', fault: { code: 'UNREADABLE', detail: 'the file was never complete' } };
  const outcome = await refile(parts, { ...seal, temporaryPath }, { byDecision: true });
  if (outcome.kind !== 'fault') parts.quarantine.drop(id);
  return outcome;
}

async function readObject(
  parts: StorageParts,
  sealed: SealedFile,
): Promise<{ identity: FileIdentity; attributes: ReadAttributes }> {
  const file = await open(sealed.temporaryPath, 'r');
  const head = Buffer.alloc(sealed.dataSetOffset);
  try {
    await file.read(head, 0, head.length, 0);
  } finally {
    await file.close();
  }
  const identity = parts.reading.readHead(head);
  const reader = parts.reading.openReader(identity.transferSyntaxUID);
  try {
    for await (const chunk of readDataSet(sealed.temporaryPath, sealed))
      await reader.write(chunk as Buffer);
    return { identity, attributes: await reader.end() };
  } finally {
    reader.abort();
  }
}

const unreadable = (error: unknown): Fault => ({
  code: 'UNREADABLE',
  detail: `data set unreadable: ${codeOf(error)}`,
});

/** Who sent it stands in the seal; the rest was in memory only. */
function recoveredOrigin({ callingAETitle }: SealedFile): QuarantineOrigin {
  return { callingAETitle, host: '', sopClassUID: '', sopInstanceUID: '', transferSyntaxUID: '' };
}
