/** The scanners of the demo: DCMTK's storescu sends each study to its trust's PACS and edge. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Site } from './site.ts';
import { type DemoStudy, filesOf } from './studies.ts';

const run = promisify(execFile);

/** How the scanner of each trust calls itself. */
export const SCANNER = 'SCANNER';

/** @throws when one of the two did not take it */
export async function sendStudy(site: Site, study: DemoStudy, directory: string): Promise<void> {
  const files = await filesOf(study, directory);
  const { pacs, aeTitle, dicomPort } = site;
  await send(files, { aeTitle: pacs.aeTitle, port: pacs.port });
  await send(files, { aeTitle, port: dicomPort });
}

/** storescu proposes one compressed transfer syntax an association: its option for each that the phantoms have. */
const PROPOSED: Readonly<Record<string, string>> = {
  '1.2.840.10008.1.2.4.70': '-xs',
  '1.2.840.10008.1.2.4.80': '-xt',
  '1.2.840.10008.1.2.4.90': '-xv',
};

async function send(
  files: readonly string[],
  { aeTitle, port }: { aeTitle: string; port: number },
): Promise<void> {
  for (const [option, some] of Map.groupBy(files, optionFor)) {
    // -R: propose only what the files need.
    const how = ['-R', ...(option === undefined ? [] : [option])];
    const args = [...how, '-aet', SCANNER, '-aec', aeTitle, '127.0.0.1', String(port), ...some];
    const env = { ...process.env, TCP_NODELAY: '1' };
    await run('storescu', args, { env, maxBuffer: 16_000_000 });
  }
}

/** By the transfer syntax in the file meta information. */
function optionFor(file: string): string | undefined {
  const head = readFileSync(file).toString('latin1', 0, 1_024);
  return Object.entries(PROPOSED).find(([uid]) => head.includes(uid))?.[1];
}
