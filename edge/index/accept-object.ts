/**
 * The step between a durable file and an acknowledgement: rename, then one transaction.
 *
 *   SealedFile (incoming/) ─► transaction: same bytes there already? ─► place() ─► rows ─► commit
 *
 * Synchronous, so that of many objects with one UID exactly one is first. When the transaction fails the file goes back under its temporary name, never away: start-up
 * recovery comes through here with objects that were acknowledged before.
 */
import { existsSync } from 'node:fs';
import { objectPath } from '../spool/layout.ts';
import type { Fault } from '../spool/quarantine.ts';
import type { Spool } from '../spool/spool.ts';
import type { SealedFile } from '../spool/write-instance.ts';
import type { InstanceAttributes } from './attributes.ts';
import type { EdgeIndex } from './edge-index.ts';
import type { RecordOutcome } from './types.ts';

export interface AcceptedObject {
  readonly sealed: SealedFile;
  readonly attributes: InstanceAttributes;
  readonly transferSyntaxUID: string;
}

export interface AcceptOptions {
  readonly now: number;
  readonly findFault?: (() => Fault | undefined) | undefined;
}

/**
 * Takes a sealed file into the spool and the index.
 *
 * @param when `now` in milliseconds since the epoch; `findFault` is asked within the transaction, before anything is
 *   recorded: what it reads is what the object is recorded against
 * @returns when it would survive kill -9 and, with start-up recovery, a power cut
 * @throws SpoolError, or SQLite's error; then the file is where it was
 */
export function acceptObject(
  { spool, index }: { spool: Spool; index: EdgeIndex },
  { sealed, attributes, transferSyntaxUID }: AcceptedObject,
  { now, findFault }: AcceptOptions,
): RecordOutcome {
  const { temporaryPath, ...seal } = sealed;
  const { sopInstanceUID, studyInstanceUID } = attributes;
  const path = objectPath({ ...seal, sopInstanceUID, studyInstanceUID });
  const isInPlace = spool.absolute(path) === temporaryPath;
  let isMoved = false;
  const file = {
    isThere: () => existsSync(spool.absolute(path)),
    ...(findFault === undefined ? {} : { findFault }),
    place: () => {
      if (isInPlace) return;
      spool.place(temporaryPath, path);
      isMoved = true;
    },
  };
  try {
    const outcome = index.recordInstance(
      { ...seal, attributes, transferSyntaxUID, path },
      now,
      file,
    );
    if (outcome.kind === 'duplicate' && !isInPlace) spool.dropTemporary(temporaryPath);
    return outcome;
  } catch (error) {
    if (isMoved) spool.takeBack(path, temporaryPath);
    throw error;
  }
}
