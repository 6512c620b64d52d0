/** Sends Part 10 files with their data sets exactly as they stand; storescu writes them anew. */
import { type Part10, readPart10 } from './part10.ts';
import { contextsOf, openSender } from './sender.ts';

const MAX_CONTEXTS = 128;

/** @returns the status of each file */
export async function sendFiles(
  port: number,
  files: readonly string[],
): Promise<Map<string, number>> {
  const statuses = new Map<string, number>();
  for (const group of groupsOf(files.map((path) => ({ path, object: readPart10(path) })))) {
    const contexts = contextsOf(group.map(({ object }) => object));
    const sender = await openSender({ port, contexts });
    for (const { path, object } of group) statuses.set(path, await sender.store(object));
    await sender.release();
  }
  return statuses;
}

interface File {
  readonly path: string;
  readonly object: Part10;
}

/** One association takes at most 128 presentation contexts. */
function groupsOf(files: readonly File[]): File[][] {
  const keys = [...new Set(files.map(({ object }) => keyOf(object)))];
  const groups: File[][] = [];
  for (const file of files) {
    const at = Math.floor(keys.indexOf(keyOf(file.object)) / MAX_CONTEXTS);
    groups[at] = [...(groups[at] ?? []), file];
  }
  return groups;
}

const keyOf = ({ sopClassUID, transferSyntaxUID }: Part10): string =>
  `${sopClassUID} ${transferSyntaxUID}`;
