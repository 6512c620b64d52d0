/**
 * What our programs said over a whole run of tests: every line that they logged, and their numbers as they stopped.
 *
 *   cdip.ts ──► files in CDIP_SAID ──► run.ts: nobody who was planted is named in them
 */
import { appendFileSync, createReadStream, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { EVERYBODY, identityPattern, linesNaming } from './identities.ts';

/** Where it is kept; unset: nobody will look. */
export const SAID = 'CDIP_SAID';

export function keepSaid(program: string, text: string): void {
  const folder = process.env[SAID];
  if (folder === undefined) return;
  const file = `${program.replaceAll(/\W+/g, '-')}-${process.pid}.txt`;
  appendFileSync(join(folder, file), text);
}

/** @returns how many files were read, and each line that names somebody */
export async function searchSaid(folder: string): Promise<{ files: number; naming: string[] }> {
  const pattern = identityPattern(EVERYBODY);
  const files = readdirSync(folder);
  const naming: string[] = [];
  for (const file of files)
    for await (const line of createInterface({ input: createReadStream(join(folder, file)) }))
      naming.push(...linesNaming(line, pattern).map((found) => `${file}: ${found}`));
  return { files: files.length, naming };
}
