/** The scanners of the demo: DCMTK's storescu sends each study to its trust's PACS and edge. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Site } from './site.ts';
import { type DemoStudy, filesOf } from './studies.ts';

const run = promisify(execFile);

/** @throws when one of the two did not take it */
export async function sendStudy(site: Site, study: DemoStudy, directory: string): Promise<void> {
  const files = await filesOf(study, directory);
  const { pacs, aeTitle, dicomPort } = site;
  await send(files, { aeTitle: pacs.aeTitle, port: pacs.port });
  await send(files, { aeTitle, port: dicomPort });
}

async function send(
  files: readonly string[],
  { aeTitle, port }: { aeTitle: string; port: number },
): Promise<void> {
  // -R: propose only what the files need.
  const args = ['-R', '-aet', 'SCANNER', '-aec', aeTitle, '127.0.0.1', String(port), ...files];
  await run('storescu', args, { env: { ...process.env, TCP_NODELAY: '1' }, maxBuffer: 16_000_000 });
}
