/**
 * A document that this edge made, as a file beside the index: nobody takes it for an object of this trust.
 *
 *   data set ─► <folder>/<digest of its UID>, fsynced
 *
 * What a kill -9 interrupts is made again, the same to the byte.
 */
import { createHash } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OBJECT_SUFFIX, TEMPORARY_SUFFIX } from '../spool/layout.ts';
import { newFile } from '../spool/spare-files.ts';
import type { Spool } from '../spool/spool.ts';
import { InstanceWriter } from '../spool/write-instance.ts';
import { EXPLICIT_LITTLE_ENDIAN, type MadeDocument } from './document-parts.ts';

/** A document in its place. */
export interface DocumentFile {
  readonly sopInstanceUID: string;
  readonly seriesInstanceUID: string;
  /** Within the spool. */
  readonly path: string;
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
  readonly contentDigest: string;
}

export type FileHead = (identity: {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
}) => Buffer;

export interface DocumentPlace {
  readonly spool: Spool;
  /** Within the spool. */
  readonly folder: string;
  readonly fileHead: FileHead;
  readonly trust: string;
  readonly now: number;
}

/** @returns where it is, durably @throws SpoolError */
export async function writeDocument(
  { dataSet, sopClassUID, sopInstanceUID, seriesInstanceUID }: MadeDocument,
  { spool, folder, fileHead, trust, now }: DocumentPlace,
): Promise<DocumentFile> {
  const name = createHash('sha256').update(sopInstanceUID).digest('hex').slice(0, 40);
  const path = join(folder, `${name}${OBJECT_SUFFIX}`);
  // Not in incoming/: what a kill -9 leaves there whole is filed as an object of this trust.
  const temporary = `${spool.absolute(path)}${TEMPORARY_SUFFIX}`;
  rmSync(temporary, { force: true });
  const transferSyntaxUID = EXPLICIT_LITTLE_ENDIAN;
  const writer = new InstanceWriter({
    openFile: () => newFile(temporary),
    head: fileHead({ sopClassUID, sopInstanceUID, transferSyntaxUID }),
    reserve: spool.reserve,
  });
  await writer.write(dataSet);
  const sealed = await writer.seal({ home: trust, receivedAt: now, callingAETitle: '' });
  const { temporaryPath, dataSetOffset, dataSetBytes, contentDigest } = sealed;
  renameSync(temporaryPath, spool.absolute(path));
  return {
    ...{ sopInstanceUID, seriesInstanceUID, path, dataSetOffset, dataSetBytes, contentDigest },
  };
}
