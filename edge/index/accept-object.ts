/**
 * The step between a durable file and an acknowledgement: rename, then one transaction.
 *
 *   SealedFile (incoming/) ─► same bytes there already? ─► place() ─► recordInstance() ─► outcome
 *
 * Synchronous from the look-up to the commit, so that of many objects with one UID exactly one is
 * first. When the transaction fails the file is removed again: nothing was acknowledged.
 */
import { existsSync } from 'node:fs';
import { objectPath } from '../spool/layout.ts';
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

/**
 * Takes a sealed file into the spool and the index.
 *
 * @param now milliseconds since the epoch
 * @returns when it would survive kill -9 and, with start-up recovery, a power cut
 * @throws SpoolError, or SQLite's error; then the object is in neither
 */
export function acceptObject(
  { spool, index }: { spool: Spool; index: EdgeIndex },
  { sealed, attributes, transferSyntaxUID }: AcceptedObject,
  now: number,
): RecordOutcome {
  const { temporaryPath, ...seal } = sealed;
  const { sopInstanceUID, studyInstanceUID } = attributes;
  const key = { sopInstanceUID, home: seal.home, contentDigest: seal.contentDigest };
  const foreseen = index.foresee(key);
  const path = objectPath({ ...key, studyInstanceUID });
  if (foreseen.kind === 'duplicate') {
    if (existsSync(spool.absolute(path))) {
      spool.dropTemporary(temporaryPath);
      return foreseen;
    }
    // Somebody removed the file behind our back: this one takes its place.
    if (foreseen.of.contentDigest === key.contentDigest) index.markMissing(foreseen.of, now);
    else index.forgetConflict(key);
  }
  spool.place(temporaryPath, path);
  try {
    return index.recordInstance({ ...seal, attributes, transferSyntaxUID, path }, now);
  } catch (error) {
    spool.remove(path);
    throw error;
  }
}
