/** The files that a run reads, and each as a data set that can be opened again. Nothing is written here. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, stat } from 'node:fs/promises';
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
export async function inputFiles(input: string): Promise<InputFile[]> {
  if (!(await stat(input)).isDirectory()) return [{ path: input, name: '.' }];
  const entries = await readdir(input, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, name: path.slice(input.length).replace(/^\/+/, '') };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

export interface OpenedFile extends DataSetSource {
  readonly bytes: number;
}

/** @throws WithheldError `NOT_A_FILE`, `MEDIA_DIRECTORY`, DicomError `NOT_PART10` */
export async function openInput({ path }: InputFile): Promise<OpenedFile> {
  const file = await openForReading(path);
  try {
    const { size } = await file.stat();
    const kept = await readBytes(file, size <= MAX_KEPT_BYTES ? size : HEAD_BYTES);
    const { sopClassUID, transferSyntaxUID, dataSetOffset } = readPart10Head(kept);
    if (sopClassUID === MEDIA_DIRECTORY)
      throw new WithheldError('MEDIA_DIRECTORY', 'a directory lists the patients of a medium');
    const from = size <= MAX_KEPT_BYTES ? kept.subarray(dataSetOffset) : dataSetOffset;
    return {
      ...{ transferSyntaxUID, bytes: size },
      open: () => (typeof from === 'number' ? stream(path, from) : once(from)),
    };
  } finally {
    await file.close();
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    // A pipe would be waited for, a device never end.
    if (!(await stat(path)).isFile()) throw new WithheldError('NOT_A_FILE', 'it is no file');
    return await open(path, 'r');
  } catch (cause) {
    if (cause instanceof WithheldError) throw cause;
    throw new WithheldError('NOT_A_FILE', 'it can not be read', { cause });
  }
}

async function readBytes(file: FileHandle, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  while (at < length) {
    const { bytesRead } = await file.read(bytes, at, length - at, at);
    if (bytesRead === 0) break;
    at += bytesRead;
  }
  return bytes.subarray(0, at);
}

function stream(path: string, start: number): AsyncIterable<Buffer> {
  return createReadStream(path, { start, highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
