/** The receiving edge of `bench wan`: real fetches into real storage, on its side of the line. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { StagingFolder } from '../../edge/transfer/staging.ts';
import type { FetchCommand } from '../../shared/contract/commands.ts';
import { fetchCommand, Receiver } from '../unit/edge/commands/fetch-fixture.ts';
import { answerQuestions, cpuSeconds, SCRATCH } from './bench-child.ts';

const directory = mkdtempSync(join(SCRATCH, 'cdip-bench-receiver-'));
const receiver = await Receiver.open({
  dataDirectory: directory,
  config: { patientIds: { unmatched: 'foreign' } },
});

interface Question {
  readonly what: 'raw' | 'fetch' | 'begin' | 'cpu';
  readonly host?: string;
  readonly port?: number;
  readonly bytes?: number;
  readonly url?: string;
  readonly fetchId?: string;
  readonly study?: string;
  readonly ticket?: string;
  readonly priority?: FetchCommand['priority'];
}

await answerQuestions(async (question: Question) => {
  if (question.what === 'raw') return { seconds: await rawSeconds(question) };
  if (question.what === 'fetch') return fetched(question);
  if (question.what === 'begin') {
    await receiver.inbox.take(await commandOf(question));
    return {};
  }
  return { cpuSeconds: cpuSeconds() };
});
await receiver.stop();
rmSync(directory, { recursive: true, force: true });
process.exit(0);

function commandOf({
  url = '',
  fetchId,
  study,
  ticket,
  priority,
}: Question): Promise<FetchCommand> {
  return fetchCommand(url, {
    ...{ fetchId: fetchId ?? '', studyInstanceUID: study ?? '', ticket: ticket ?? '' },
    ...{ priority: priority ?? 'urgent', deliver: false },
  });
}

/** Seconds from the command: to the first image here, to all of them here, to all filed. */
async function fetched(question: Question): Promise<object> {
  const command = await commandOf(question);
  const start = performance.now();
  const since = (): number => (performance.now() - start) / 1000;
  await receiver.inbox.take(command);
  const folder = new StagingFolder(receiver.storage.spool, command.fetchId).directory;
  let first: number | undefined;
  let staged: number | undefined;
  const cpuStart = cpuSeconds();
  let cpuStaged = 0;
  for (;;) {
    const row = receiver.store.find(command.fetchId);
    if (row === undefined) throw new Error('no fetch');
    if (first === undefined && hasStaged(folder)) first = since();
    if (staged === undefined && !/retrieving|transferring/.test(row.state)) {
      staged = since();
      cpuStaged = cpuSeconds() - cpuStart;
    }
    if (row.endedAt !== null) return { first, staged, filed: since(), state: row.state, cpuStaged };
    await new Promise((resolve) => setTimeout(resolve, first === undefined ? 1 : 10));
  }
}

function hasStaged(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.dcm'));
}

async function rawSeconds({ host = '', port = 0, bytes = 0 }: Question): Promise<number> {
  const start = performance.now();
  const socket = connect(port, host);
  socket.setNoDelay(true);
  await once(socket, 'connect');
  socket.write(String(bytes));
  let left = bytes;
  for await (const chunk of socket) left -= (chunk as Buffer).length;
  if (left !== 0) throw new Error('cut');
  return (performance.now() - start) / 1000;
}
