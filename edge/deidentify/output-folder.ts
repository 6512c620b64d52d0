/**
 * Where a run puts what it made.
 *
 *   OUT/<study>/<object>.dcm     clean objects, by their new UIDs
 *   OUT/held/<id>.dcm, .json     what is withheld, as it came, and why; for its owner alone
 *   OUT/report.json              counts and reasons, nothing of a patient
 *
 * A file gets its name when its bytes are whole and found to be clean. All is synced before the report says that the
 * run has ended; what a run that was cut short left is written anew by the next.
 */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { DeidentifyError } from './deidentify-error.ts';
import { WithheldError } from './withheld.ts';
import {
  beginningOf,
  haveSameBytes,
  linkNew,
  openNew,
  removeFile,
  writeParts,
  writeWhole,
} from './write-output.ts';

const REPORT = 'report.json';

/** What two runs into one folder must have in common. */
export interface RunIdentity {
  readonly project: string;
  /** Tells two keys apart, and nothing about them. */
  readonly keyMark: string;
  readonly profile: string;
  readonly options: readonly string[];
}

export class OutputFolder {
  readonly #folder: string;
  readonly #partial: string;
  /** The last run into it was cut short: a power cut may have torn what it wrote. */
  readonly #isUnfinished: boolean;
  readonly #written = new Set<string>();
  /** Folders of studies that are there. */
  readonly #folders = new Set<string>();
  #count = 0;

  /** @throws DeidentifyError `OUTPUT_IN_USE` when something else is there */
  constructor(folder: string, identity: RunIdentity) {
    this.#folder = realPathOf(folder);
    this.#isUnfinished = readEarlier(this.#folder, identity)?.endedAt === null;
    mkdirSync(join(this.#folder, 'held'), { recursive: true, mode: 0o700 });
    this.#partial = join(this.#folder, '.partial');
    rmSync(this.#partial, { recursive: true, force: true });
    mkdirSync(this.#partial, { mode: 0o700 });
  }

  /** A folder for what is needed for a moment; gone with the run. */
  get scratch(): string {
    return join(this.#partial, 'native');
  }

  /**
   * Writes all that `bytes` gives to a file, which is named when that has ended: a small one is kept until then.
   *
   * @param bytes parts that stay as they are until it has ended
   * @returns its length; `same`: one with the same bytes was there
   * @throws what `bytes` throws, and WithheldError `UID_CONFLICT`: nothing is left then
   */
  async writeClean(
    { study, object }: { readonly study: string; readonly object: string },
    bytes: AsyncIterable<Buffer[]>,
  ): Promise<{ readonly bytes: number; readonly same: boolean }> {
    const parts = bytes[Symbol.asyncIterator]();
    const { begun, isWhole } = await beginningOf(parts);
    if (isWhole) return this.#writeSmall(this.#place(study, object), begun);
    this.#count += 1;
    const temporary = join(this.#partial, String(this.#count));
    try {
      const length = await writeWhole(temporary, begun, parts);
      const file = this.#place(study, object);
      const same = !linkNew(temporary, file);
      if (same && !(await haveSameBytes(temporary, file))) throw uidConflict();
      return { bytes: length, same };
    } finally {
      removeFile(temporary);
    }
  }

  /** Where an object is to stand; what an interrupted run left there is gone. */
  #place(study: string, object: string): string {
    const folder = join(this.#folder, study);
    if (!this.#folders.has(folder)) mkdirSync(folder, { recursive: true });
    this.#folders.add(folder);
    const file = join(folder, `${object}.dcm`);
    const isTorn = this.#isUnfinished && !this.#written.has(file);
    this.#written.add(file);
    if (isTorn) rmSync(file, { force: true });
    return file;
  }

  /** Its bytes are all here and found to be clean; a run that is killed in this moment is an unfinished one. */
  #writeSmall(
    file: string,
    parts: readonly Buffer[],
  ): { readonly bytes: number; readonly same: boolean } {
    const fd = openNew(file);
    if (fd === undefined) {
      const bytes = Buffer.concat(parts);
      if (!readFileSync(file).equals(bytes)) throw uidConflict();
      return { bytes: bytes.length, same: true };
    }
    try {
      return { bytes: writeParts(fd, parts), same: false };
    } catch (error) {
      removeFile(file);
      throw error;
    } finally {
      closeSync(fd);
    }
  }

  /** @param path of the object as it came; null when it can't be read @param id tells nothing of the file */
  writeHeld(id: string, path: string | null, reason: object): void {
    const base = join(this.#folder, 'held', id);
    if (path !== null) {
      rmSync(`${base}.dcm`, { force: true });
      copyFileSync(path, `${base}.dcm`);
      chmodSync(`${base}.dcm`, 0o600);
    }
    writeFileSync(`${base}.json`, `${JSON.stringify(reason, null, 2)}\n`, { mode: 0o600 });
  }

  /** Behind all that was written before. */
  async writeReport(report: RunIdentity): Promise<void> {
    const file = join(this.#folder, REPORT);
    writeFileSync(`${file}.new`, `${JSON.stringify(report, null, 2)}\n`);
    await this.#sync();
    renameSync(`${file}.new`, file);
    await this.#sync();
  }

  /** The whole file system at once: thousands of small files, one by one, take minutes. */
  async #sync(): Promise<void> {
    await promisify(execFile)('sync', ['-f', this.#folder]);
  }

  close(): void {
    rmSync(this.#partial, { recursive: true, force: true });
  }
}

/** @throws DeidentifyError when one of them is, or lies in, another, so that input, output and key would mix */
export function refuseOverlaps(paths: {
  readonly input: string;
  readonly output: string;
  readonly keyFile: string;
}): void {
  const input = realPathOf(paths.input);
  const output = realPathOf(paths.output);
  const keyFile = realPathOf(paths.keyFile);
  if (isWithin(output, input) || isWithin(input, output))
    throw new DeidentifyError(
      'FOLDERS_OVERLAP',
      'the output must not be the input, nor one in the other',
    );
  if (isWithin(keyFile, output) || isWithin(keyFile, input))
    throw new DeidentifyError('KEY_FILE_INVALID', 'the key must lie apart from the objects');
}

/** With links resolved, of what need not be there yet. */
function realPathOf(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  const parent = dirname(full);
  return parent === full ? full : join(realPathOf(parent), basename(full));
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);

type Earlier = Partial<RunIdentity> & { readonly endedAt?: string | null };

/** @returns the last run into a folder; undefined for an empty one @throws DeidentifyError `OUTPUT_IN_USE` */
function readEarlier(folder: string, identity: RunIdentity): Earlier | undefined {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return undefined;
  const report = join(folder, REPORT);
  const earlier = existsSync(report) ? readReport(report) : undefined;
  const isSame = (Object.keys(identity) as (keyof RunIdentity)[]).every(
    (key) => JSON.stringify(earlier?.[key]) === JSON.stringify(identity[key]),
  );
  if (!isSame)
    throw new DeidentifyError(
      'OUTPUT_IN_USE',
      `${folder} is not empty, and not of a run of the same project, key, profile and options`,
    );
  return earlier;
}

function readReport(report: string): Earlier | undefined {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Earlier;
  } catch {
    return undefined;
  }
}

const uidConflict = (): WithheldError =>
  new WithheldError('UID_CONFLICT', 'another object has the same SOP Instance UID');
