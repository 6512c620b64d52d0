/**
 * The key that a project's pseudonyms are made with: a file of its own, apart from the objects. Whoever
 * deletes it cuts the link to the patients for good.
 */
import { hkdfSync, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';
import { DeidentifyError } from './deidentify-error.ts';
import { KEY_BYTES } from './pseudonyms.ts';

/** Whom a mode lets in beside the owner. */
const OTHERS = 0o077;

/**
 * Reads the file's key, or makes the file, readable by its owner alone, with a new one.
 *
 * @returns the project's own key: two projects on one file have no pseudonym in common
 * @throws DeidentifyError
 */
export function openProjectKey(file: string, project: string): Buffer {
  checkName(project);
  return derived(createKey(file) ?? readKey(file), `cdip project ${project}`);
}

/** The same of a file that is there: what was sent under its key can be found back. @throws DeidentifyError */
export function readProjectKey(file: string, project: string): Buffer {
  checkName(project);
  return derived(readKey(file), `cdip project ${project}`);
}

/** Seals what leads from a project's pseudonyms back. It is gone when the project's key is. */
export const reidentificationKey = (projectKey: Buffer): Buffer =>
  derived(projectKey, 'cdip re-identification');

function checkName(project: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(project))
    throw new DeidentifyError(
      'PROJECT_NAME',
      'a project has 1 to 64 letters, digits, dots, dashes and underscores, and begins with one of the first two',
    );
}

const derived = (key: Buffer, use: string): Buffer =>
  Buffer.from(hkdfSync('sha256', key, '', use, KEY_BYTES));

/** @returns undefined when the file is there already */
function createKey(file: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(file, 'wx', 0o600);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return undefined;
    throw invalid(file, 'can not be made', cause);
  }
  try {
    const key = randomBytes(KEY_BYTES);
    writeSync(fd, `${key.toString('hex')}\n`);
    fsyncSync(fd);
    return key;
  } finally {
    closeSync(fd);
  }
}

function readKey(file: string): Buffer {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (cause) {
    throw invalid(file, 'can not be read', cause);
  }
  try {
    const { mode } = fstatSync(fd);
    if ((mode & OTHERS) !== 0)
      throw new DeidentifyError(
        'KEY_FILE_EXPOSED',
        `${file} is open to others than its owner, so the key may be known to them: chmod 600, or a new key`,
      );
    const text = readFileSync(fd, 'latin1').trim();
    if (!/^[0-9a-f]{64}$/i.test(text)) throw invalid(file, 'holds no 64 hexadecimal digits');
    return Buffer.from(text, 'hex');
  } finally {
    closeSync(fd);
  }
}

const invalid = (file: string, why: string, cause?: unknown): DeidentifyError =>
  new DeidentifyError('KEY_FILE_INVALID', `the key file ${file} ${why}`, { cause });
