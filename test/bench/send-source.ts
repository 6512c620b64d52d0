/** The sending edge of `bench send`: a study in its spool, and its own delivery of it to each of some peers. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startDelivering } from '../support/delivering.ts';
import { readPart10 } from '../support/part10.ts';
import { peerOf } from '../support/peer.ts';
import { answerQuestions } from './bench-child.ts';

const [directory = '', folder = '', study = '', peers = '[]'] = process.argv.slice(2);

const delivering = await startDelivering(directory, JSON.parse(peers).map(peerOf));
for (const name of readdirSync(folder)) await delivering.store([readPart10(join(folder, name))]);

/** From the request until every object is acknowledged, and that recorded. */
await answerQuestions(async ({ peer }: { peer: string }) => {
  const start = performance.now();
  const id = delivering.deliver(study, peer);
  while (delivering.queue.find(id)?.state === 'waiting')
    await new Promise((resolve) => setTimeout(resolve, 2));
  const seconds = (performance.now() - start) / 1000;
  const { state } = await delivering.ends(id);
  return { seconds, state, ...delivering.queue.progress(id) };
});
await delivering.close();
process.exit(0);
