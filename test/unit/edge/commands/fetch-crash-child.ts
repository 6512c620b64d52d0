/**
 * The receiving edge as a process of its own, to be killed: `DATA_DIRECTORY COMMAND_JSON PACS_DIRECTORY`.
 * Says each receipt and each object that reached the destination in a line; ends when the fetch does.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Coercing, dicomCoercing } from '../../../../edge/commands/coercing.ts';
import { sleep } from '../../../../shared/backoff.ts';
import { FetchCommandSchema } from '../../../../shared/contract/commands.ts';
import { FakeDestinations } from '../deliver/fake-destinations.ts';
import { Receiver } from './fetch-fixture.ts';

const [dataDirectory = '', json = '', pacs = ''] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const destinations = new FakeDestinations();
const peer = destinations.peer();
peer.status = async ({ sopInstanceUID }) => {
  writeFileSync(join(pacs, sopInstanceUID), '');
  say(`stored ${sopInstanceUID}`);
  await sleep(2);
  return 0;
};
peer.holding = () => ({ kind: 'instances', sopInstanceUIDs: new Set(readdirSync(pacs)) });

const coercing: Coercing = {
  ...dicomCoercing,
  async *coerce(input, mapping) {
    say('coercing');
    yield* dicomCoercing.coerce(input, mapping);
    await sleep(2);
    say('coerced');
  },
};
const receiver = await Receiver.open({ dataDirectory, destinations, coercing });
const timer = setInterval(() => {
  for (const { state, instances } of receiver.receipts.splice(0)) say(`${state} ${instances.done}`);
  if (receiver.store.find('f1')?.endedAt == null) return;
  clearInterval(timer);
  void receiver.stop().then(() => say('ended'));
}, 1);
await receiver.inbox.take(FetchCommandSchema.parse(JSON.parse(json)));
say('taken');
