/**
 * Scheduled procedure steps: from the RIS's orders, and from a folder of DICOM files as DCMTK's wlmscpfs
 * reads them (`*.wl`). A file that can't be read is shown with its reason; the others are answered.
 *
 *   orders, <worklist.folder>/*.wl ─► read when it changes ─► items()
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DicomError } from '../../../shared/dicom/dicom-error.ts';
import { readPart10Head } from '../../../shared/dicom/part10.ts';
import { readSmallDataSet, type SmallDataSet } from '../../../shared/dicom/small-data-set.ts';
import { codeOf } from '../../../shared/errors.ts';

const MAX_FILE_BYTES = 1_048_576;
const MAX_FILES = 20_000;

interface ReadFile {
  readonly version: string;
  readonly item: SmallDataSet | undefined;
  readonly fault: string | undefined;
}

export class WorklistItems {
  readonly #folder: string | undefined;
  readonly #ordered: () => readonly SmallDataSet[];
  #files = new Map<string, ReadFile>();

  /** @param ordered what the RIS's orders make @param folder absent: there are no files */
  constructor(ordered: () => readonly SmallDataSet[], folder: string | undefined) {
    this.#ordered = ordered;
    this.#folder = folder;
  }

  /** As orders and files are now. */
  items(): SmallDataSet[] {
    this.#refresh();
    return [...this.#ordered(), ...[...this.#files.values()].flatMap(({ item }) => item ?? [])];
  }

  /** Files that can't be answered from, and why. */
  faults(): { file: string; code: string }[] {
    this.#refresh();
    return [...this.#files].flatMap(([file, { fault }]) =>
      fault === undefined ? [] : [{ file, code: fault }],
    );
  }

  #refresh(): void {
    const folder = this.#folder;
    if (folder === undefined) return;
    const fresh = new Map<string, ReadFile>();
    for (const name of namesIn(folder)) {
      const file = join(folder, name);
      const state = statSync(file, { throwIfNoEntry: false });
      if (state === undefined || !state.isFile()) continue;
      const version = `${state.mtimeMs} ${state.size}`;
      const known = this.#files.get(name);
      fresh.set(name, known?.version === version ? known : readFile(file, version, state.size));
    }
    this.#files = fresh;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /\.(wl|dcm)$/i.test(name))
      .sort()
      .slice(0, MAX_FILES);
  } catch {
    // Not there yet: whoever fills it makes it.
    return [];
  }
}

function readFile(file: string, version: string, size: number): ReadFile {
  if (size > MAX_FILE_BYTES) return { version, item: undefined, fault: 'FILE_TOO_LARGE' };
  try {
    const bytes = readFileSync(file);
    const { dataSetOffset, transferSyntaxUID } = readPart10Head(bytes);
    const item = readSmallDataSet(transferSyntaxUID, bytes.subarray(dataSetOffset));
    return { version, item, fault: undefined };
  } catch (error) {
    if (!(error instanceof DicomError) && codeOf(error) === 'BUG') throw error;
    return { version, item: undefined, fault: codeOf(error) };
  }
}
