/** The source edge of `bench wan`: real storage and the transfer's routes, on its side of the line. */

import { readdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { readPart10 } from '../support/part10.ts';
import { openStorageFixture } from '../support/storage-fixture.ts';
import { serveStudies, ticket } from '../unit/edge/transfer/transfer-fixture.ts';
import { answerQuestions, cpuSeconds } from './bench-child.ts';

const [directory = '', filesDirectory = '', host = ''] = process.argv.slice(2);

const storage = await openStorageFixture({ dataDirectory: directory });
for (const name of readdirSync(filesDirectory)) {
  const { dataSet, sopInstanceUID } = readPart10(join(filesDirectory, name));
  await storage.sendBytes(dataSet, { sopInstanceUID, chunkBytes: 1 << 20 });
}
const ends: (() => void | Promise<void>)[] = [];
const { url } = await serveStudies(
  { teardown: (end: () => void | Promise<void>) => ends.push(end) },
  'RRK',
  storage,
  { host },
);
/** Nothing but bytes, for the line's own rate. */
const raw = createServer((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (data) => {
    socket.end(Buffer.alloc(Number(data.toString())));
  });
});
raw.listen(0, host);

await answerQuestions(async ({ what, study }: { what: string; study?: string }) => {
  if (what === 'ticket') return { ticket: await ticket({ study: study ?? '' }) };
  if (what === 'where') return { url, rawPort: (raw.address() as AddressInfo).port };
  return { cpuSeconds: cpuSeconds() };
});
for (const end of ends) await end();
storage.close();
process.exit(0);
