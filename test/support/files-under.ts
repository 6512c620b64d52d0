/** Every file under a directory, relative to it, sorted. */
import { existsSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';

export function filesUnder(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}
