/**
 * Start-up: makes index and disk agree again, whatever a crash or a power cut took from either.
 *
 *   incoming/*.part   whole by seal and digest → filed again; a half → dropped, it was never acknowledged
 *   prepared/*.part   the same; the blocks behind an object are cut off, what holds none is dropped
 *   study folders     a file the index does not know → filed again
 *   index             a row whose file is gone → marked missing, counted, shown
 *
 * Runs before the first association. Reads names only, and the bytes of what the index does not know.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { OBJECT_SUFFIX, RESERVED_FOLDERS, studyFolder } from './layout.ts';
import { digestDataSet, readSeal, wasBegun } from './read-instance.ts';
import type { Spool } from './spool.ts';
import { spoolErrorOf } from './spool-error.ts';
import type { SealedFile } from './write-instance.ts';

export interface IndexedStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
}

export interface IndexedFile {
  readonly path: string;
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly home: string;
}

/** The index, as recovery needs it. */
export interface RecoveryTarget {
  studies(): readonly IndexedStudy[];
  filesOf(study: IndexedStudy): readonly IndexedFile[];
  /** Paths of differing versions that are kept beside the current ones. */
  conflictPaths(): readonly string[];
  /** Files a whole object again; false: it can't be filed and was put into quarantine. */
  refile(file: SealedFile): Promise<boolean>;
  /** A sealed file whose bytes are not those that were received: the disk changed them. */
  quarantineCorrupt(file: SealedFile): void;
  markMissing(file: IndexedFile): void;
  /** The file of a differing version is gone. */
  forgetVersion(path: string): void;
}

export interface RecoveryReport {
  /** Whole objects that the index did not know. */
  refiled: number;
  /** Halves that were dropped. */
  dropped: number;
  /** Put into quarantine: damaged on the disk, or not to be filed. */
  quarantined: number;
  /** Rows whose file is gone. */
  missing: number;
  /** Files of known studies that were looked at by name. */
  known: number;
}

/** @throws SpoolError when the disk can't be read */
export async function recoverSpool(spool: Spool, target: RecoveryTarget): Promise<RecoveryReport> {
  const report = { refiled: 0, dropped: 0, quarantined: 0, missing: 0, known: 0 };
  await recoverIncoming(spool, target, report);
  const folders = new Map(
    target.studies().map((study) => [studyFolder(study.home, study.studyInstanceUID), study]),
  );
  const conflicts = new Set(target.conflictPaths());
  for (const folder of foldersOnDisk(spool)) {
    const study = folders.get(folder);
    folders.delete(folder);
    const indexed = study === undefined ? [] : target.filesOf(study);
    await recoverFolder({ spool, target, report }, { folder, indexed, conflicts });
  }
  for (const study of folders.values()) {
    for (const file of target.filesOf(study)) markMissing(target, report, file);
  }
  for (const path of conflicts) {
    target.forgetVersion(path);
    report.missing++;
  }
  return report;
}

async function recoverIncoming(
  spool: Spool,
  target: RecoveryTarget,
  report: RecoveryReport,
): Promise<void> {
  for (const where of ['incoming', 'prepared'] as const)
    for (const name of readdirSync(spool.layout[where]))
      try {
        await recoverFile({ spool, target, report }, join(spool.layout[where], name), where);
      } catch (error) {
        if (codeOf(error) !== 'SPOOL_MISSING') throw error;
      }
}

interface Recovery {
  readonly spool: Spool;
  readonly target: RecoveryTarget;
  readonly report: RecoveryReport;
}

/** @param where `prepared`: over blocks that were there before, a preamble may be on the disk before the rest is */
async function recoverFile(
  recovery: Recovery,
  temporaryPath: string,
  where: 'incoming' | 'prepared' | 'in place',
): Promise<void> {
  const { spool, target, report } = recovery;
  const isPrepared = where === 'prepared';
  const seal = await readSeal(temporaryPath);
  const isWhole =
    seal !== null && (await digestDataSet(temporaryPath, seal)) === seal.contentDigest;
  if (seal === null || (isPrepared && !isWhole)) {
    if (await wasBegun(temporaryPath, isPrepared)) report.dropped++;
    spool.dropTemporary(temporaryPath);
    return;
  }
  // What is in its place was synced before it came there.
  if (where !== 'in place') makeDurable(temporaryPath, seal.dataSetOffset + seal.dataSetBytes);
  const file = { ...seal, temporaryPath };
  if (!isWhole) {
    target.quarantineCorrupt(file);
    report.quarantined++;
  } else if (await target.refile(file)) report.refiled++;
  else report.quarantined++;
}

/** A program that was killed may have written all of it and synced nothing. @throws SpoolError */
function makeDurable(path: string, bytes: number): void {
  let file: number | undefined;
  try {
    file = openSync(path, 'r+');
    ftruncateSync(file, bytes);
    fsyncSync(file);
  } catch (cause) {
    throw spoolErrorOf(cause);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

async function recoverFolder(
  recovery: Recovery,
  {
    folder,
    indexed,
    conflicts,
  }: { folder: string; indexed: readonly IndexedFile[]; conflicts: Set<string> },
): Promise<void> {
  const { spool, target, report } = recovery;
  const expected = new Map(indexed.map((file) => [basename(file.path), file]));
  for (const name of readdirSync(spool.absolute(folder))) {
    if (expected.delete(name)) report.known++;
    else if (name.endsWith(OBJECT_SUFFIX) && !conflicts.delete(join(folder, name))) {
      await recoverFile(recovery, spool.absolute(join(folder, name)), 'in place');
    }
  }
  for (const file of expected.values()) markMissing(target, report, file);
}

function markMissing(target: RecoveryTarget, report: RecoveryReport, file: IndexedFile): void {
  target.markMissing(file);
  report.missing++;
}

/** Every `<home>/<h2>/<study>`, relative to the root. */
function* foldersOnDisk({ layout: { root } }: Spool): Generator<string> {
  for (const home of foldersIn(root)) {
    if (RESERVED_FOLDERS.has(home)) continue;
    for (const h2 of foldersIn(join(root, home))) {
      for (const study of foldersIn(join(root, home, h2))) yield join(home, h2, study);
    }
  }
}

function foldersIn(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}
