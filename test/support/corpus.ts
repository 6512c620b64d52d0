/**
 * Real DICOM files: the shared corpus beside the project where there is one, and those that
 * Debian's python3-pydicom brings.
 */
import { closeSync, existsSync, globSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readPart10 } from './part10.ts';

const CORPUS = join(import.meta.dirname, '..', '..', '..', 'shared', 'corpus');
const PYDICOM = '/usr/lib/python3/dist-packages/pydicom/data';

/** One line of the corpus's MANIFEST.tsv. */
export interface CorpusFile {
  /** Full path. */
  readonly path: string;
  /** Path inside the corpus, for titles. */
  readonly name: string;
  readonly kind: string;
  readonly sopClass: string;
  readonly transferSyntax: string;
  readonly expectedVerdict: string;
  readonly interestingBecause: string;
}

/** Where the corpus is, or undefined: then tests use the other files. */
export const corpusDirectory: string | undefined = existsSync(join(CORPUS, 'MANIFEST.tsv'))
  ? CORPUS
  : undefined;

/** Every file that the manifest lists; none when there is no corpus. */
export function corpusFiles(kind?: string): CorpusFile[] {
  if (corpusDirectory === undefined) return [];
  const [head = '', ...lines] = readFileSync(join(CORPUS, 'MANIFEST.tsv'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const columns = head.split('\t');
  const all = lines.map((line) => {
    const cells = line.split('\t');
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? '';
    return {
      path: join(CORPUS, cell('path')),
      name: cell('path'),
      kind: cell('kind'),
      sopClass: cell('sop_class'),
      transferSyntax: cell('transfer_syntax'),
      expectedVerdict: cell('expected_verdict'),
      interestingBecause: cell('interesting_because'),
    };
  });
  return all.filter((file) => (kind === undefined || file.kind === kind) && existsSync(file.path));
}

/** Part 10 objects of the corpus that a gateway takes: readable or valid, and no DICOMDIR. */
export function readableCorpusFiles(): CorpusFile[] {
  return corpusFiles('dicom').filter(
    ({ path, expectedVerdict }) =>
      /^(valid|readable)/.test(expectedVerdict) &&
      !/media directory|not a Part 10|hostile/.test(expectedVerdict) &&
      isPart10(path),
  );
}

/** Cut short, or encoded in another transfer syntax than they say: kept by pydicom to test its own repairs. */
const BROKEN = /truncated|SC_rgb_jpeg\.dcm|meta_missing_tsyntax/;

/** Readable Part 10 files of Debian's python3-pydicom; none where it is not installed. */
export function pydicomFiles(): string[] {
  return globSync('{test_files,charset_files}/**/*.dcm', { cwd: PYDICOM })
    .filter((name) => !BROKEN.test(name))
    .map((name) => join(PYDICOM, name))
    .filter(isPart10)
    .sort();
}

/** What storescu can send of the best set at hand: the readable ones of the corpus, else pydicom's. */
export function realFiles(): string[] {
  const files = readableCorpusFiles().map((file) => file.path);
  return (files.length > 0 ? files : pydicomFiles()).filter(isSendable);
}

const MEDIA_DIRECTORY = '1.2.840.10008.1.3.10';

/** True when the meta information says what to propose for it, and it is no directory of a medium. */
function isSendable(path: string): boolean {
  const { sopClassUID, sopInstanceUID, transferSyntaxUID } = readPart10(path);
  if (sopClassUID === MEDIA_DIRECTORY) return false;
  return [sopClassUID, sopInstanceUID, transferSyntaxUID].every((uid) => /^[0-9.]+$/.test(uid));
}

/** True when bytes 128 to 131 say `DICM`. PS3.10 §7.1. */
export function isPart10(path: string): boolean {
  const head = Buffer.alloc(132);
  const fd = openSync(path, 'r');
  try {
    return readSync(fd, head, 0, 132, 0) === 132 && head.toString('latin1', 128) === 'DICM';
  } finally {
    closeSync(fd);
  }
}
