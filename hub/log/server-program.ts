/** The program nats-server: where it is, and whether it is new enough. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LogError } from './network-log.ts';

/** What it must be at least: accounts with imports as they are written here. */
const OLDEST = [2, 9] as const;

/** @throws LogError `LOG_SERVER_FAULT` when there is none, or one that is too old */
export async function findServerProgram(): Promise<string> {
  const given = process.env['CDIP_NATS_SERVER'];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = given ?? folders.map((folder) => join(folder, 'nats-server')).find(existsSync);
  if (found === undefined)
    throw new LogError(
      'LOG_SERVER_FAULT',
      'nats-server is not installed: install the package nats-server, or name servers in nats.servers',
    );
  await requireVersion(found);
  return found;
}

async function requireVersion(program: string): Promise<void> {
  const text = await new Promise<string>((resolve) => {
    const child = spawn(program, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(output));
  });
  const [, major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new LogError(
    'LOG_SERVER_FAULT',
    `${program} says "${text.trim()}": nats-server ${OLDEST.join('.')} or later is needed`,
  );
}
