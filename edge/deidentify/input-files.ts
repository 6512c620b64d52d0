/** The files that a run reads, and each as a data set that can be opened again. Nothing is written here. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readPart10Head } from '../../shared/dicom/part10.ts';
import type { DataSetSource } from '../../shared/dicom/rewrite.ts';
import { WithheldError } from './withheld.ts';

/** Its data set has no SOP class of its own. PS3.10 §8. */
const MEDIA_DIRECTORY = '1.2.840.10008.1.3.10';
const HEAD_BYTES = 65_536;
/** Files up to here are read once and kept while they are worked on. */
const MAX_KEPT_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;

export interface InputFile {
  readonly path: string;
  /** Below the input folder. */
  readonly name: string;
}

/** All files of a folder and its folders, in the order of their names; or the one file. @throws as node:fs */
export function inputFiles(input: string): InputFile[] {
  if (!statSync(input).isDirectory()) return [{ path: input, name: '.' }];
  const entries = readdirSync(input, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, name: path.slice(input.length).replace(/^\/+/, '') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface OpenedFile extends DataSetSource {
  readonly dataSetOffset: number;
  readonly dataSetBytes: number;
}

/** Memory for one file after the other: new pages for each cost more than to read it. */
export class FileMemory {
  #bytes = Buffer.allocUnsafeSlow(HEAD_BYTES);

  /** Of the last one nothing may be used any more. */
  take(size: number): Buffer {
    if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafeSlow(size);
    return this.#bytes.subarray(0, size);
  }
}

/**
 * @param memory what this file is read into, until the next one is opened with it
 * @throws WithheldError `NOT_A_FILE`, `MEDIA_DIRECTORY`, DicomError `NOT_PART10`
 */
export function openInput({ path }: InputFile, memory: FileMemory): OpenedFile {
  const { size, kept } = readBeginning(path, memory);
  const { sopClassUID, transferSyntaxUID, dataSetOffset } = readPart10Head(kept);
  if (sopClassUID === MEDIA_DIRECTORY)
    throw new WithheldError('MEDIA_DIRECTORY', 'a directory lists the patients of a medium');
  const dataSet = kept.length === size ? kept.subarray(dataSetOffset) : undefined;
  return {
    ...{ transferSyntaxUID, dataSetOffset, dataSetBytes: size - dataSetOffset },
    open: () => (dataSet === undefined ? stream(path, dataSetOffset) : once(dataSet)),
  };
}

/** All of a small file. Synchronous: a batch has nothing else to do, and each turn of a thread costs more. */
function readBeginning(
  path: string,
  memory: FileMemory,
): { readonly size: number; readonly kept: Buffer } {
  let fd: number | undefined;
  try {
    // A pipe would be waited for, a device never end.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const found = fstatSync(fd);
    if (!found.isFile()) throw new WithheldError('NOT_A_FILE', 'it is no file');
    const { size } = found;
    const bytes = memory.take(size <= MAX_KEPT_BYTES ? size : HEAD_BYTES);
    return { size, kept: bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)) };
  } catch (cause) {
    if (cause instanceof WithheldError) throw cause;
    return unreadable(cause);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** @throws WithheldError `NOT_A_FILE` when the disk fails on the way: the other files go on */
async function* stream(path: string, start: number): AsyncGenerator<Buffer> {
  const file = await open(path, 'r').catch(unreadable);
  try {
    for (let at = start; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at).catch(unreadable);
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

function unreadable(cause: unknown): never {
  throw new WithheldError('NOT_A_FILE', 'it can not be read', { cause });
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
