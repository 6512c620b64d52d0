/**
 * Where objects lie under `<dataDirectory>/spool`.
 *
 *   incoming/<random>.part              while it comes in; whole or not is told by its preamble
 *   prepared/<random>.part              the same, over blocks that were there before; see prepared-files.ts
 *   <home>/<h2>/<study>/<object>.dcm    what was acknowledged
 *   quarantine/<id>.dcm                 what can't be filed
 *   staging/…                           fetches under way, see edge/transfer
 *   outgoing/<job>/<digest>.dcm         de-identified, until it is delivered, see edge/route
 *   reports/<digest>.dcm                reports of other trusts, until they are delivered, see edge/reports
 *   results/<digest>.dcm                what AI nodes sent, before and after it is checked, see edge/route
 *
 * `study` and `object` are digests: no character that a peer sent ever stands in a path.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

export interface SpoolLayout {
  readonly root: string;
  readonly incoming: string;
  readonly prepared: string;
  readonly quarantine: string;
  readonly staging: string;
  readonly results: string;
  readonly outgoing: string;
  readonly reports: string;
  readonly notes: string;
}

export const TEMPORARY_SUFFIX = '.part';
export const OBJECT_SUFFIX = '.dcm';
/** Folders of `root` that hold no studies. An ODS code is in capitals, so no home has such a name. */
export const RESERVED_FOLDERS: ReadonlySet<string> = new Set([
  ...['incoming', 'prepared', 'quarantine', 'staging', 'results', 'outgoing', 'reports', 'notes'],
]);

export function spoolLayout(dataDirectory: string): SpoolLayout {
  const root = join(dataDirectory, 'spool');
  return {
    root,
    incoming: join(root, 'incoming'),
    prepared: join(root, 'prepared'),
    quarantine: join(root, 'quarantine'),
    staging: join(root, 'staging'),
    results: join(root, 'results'),
    outgoing: join(root, 'outgoing'),
    reports: join(root, 'reports'),
    notes: join(root, 'notes'),
  };
}

/**
 * Folder of one study, relative to the spool's root.
 *
 * @param home an ODS code, checked by the configuration or the contract
 * @throws Error for a home that is none: the only part of a path that is not a digest
 */
export function studyFolder(home: string, studyInstanceUID: string): string {
  if (!/^[A-Z0-9]{3,8}$/.test(home)) throw new Error('a home is an ODS code');
  const key = digest(studyInstanceUID);
  return join(home, key.slice(0, 2), key);
}

/** File of one object, relative to the spool's root. Other content has another name, so nothing is overwritten. */
export function objectPath(object: {
  home: string;
  studyInstanceUID: string;
  sopInstanceUID: string;
  contentDigest: string;
}): string {
  const name = digest(`${object.sopInstanceUID}\0${object.contentDigest}`);
  return join(studyFolder(object.home, object.studyInstanceUID), `${name}${OBJECT_SUFFIX}`);
}

/** 160 bits of SHA-256, hexadecimal: short enough for a path, long enough that nobody finds two alike. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 40);
}
