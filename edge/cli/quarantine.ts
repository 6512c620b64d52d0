/**
 * `cdip edge quarantine`: what could not be filed, and a person's decision on it. Lists and drops without
 * the running edge; a release is done by it, since it owns the index.
 */
import { systemClock } from '../../shared/clock.ts';
import type { EdgeConfig } from '../config.ts';
import { Quarantine } from '../spool/quarantine.ts';
import { Spool } from '../spool/spool.ts';
import { askEdge } from './ask-edge.ts';
import { openForCommands } from './open-for-commands.ts';
import { table } from './table.ts';

const LISTED = 1_000;

export function printQuarantine(config: EdgeConfig, json: boolean): number {
  const entries = open(config).list(LISTED);
  if (json) {
    process.stdout.write(`${JSON.stringify(entries)}\n`);
    return 0;
  }
  const rows = entries.map((entry) => [
    entry.id,
    new Date(entry.lastAt).toISOString(),
    entry.callingAETitle,
    entry.code,
    `${entry.bytes} B`,
    entry.detail,
  ]);
  process.stdout.write(table(['id', 'last came', 'from', 'code', 'size', 'why'], rows));
  return 0;
}

export function drop(config: EdgeConfig, id: string): number {
  if (open(config).drop(id)) return 0;
  process.stderr.write(`there is no entry ${id} in the quarantine\n`);
  return 1;
}

/** @returns 1 when it was not filed; why is on stderr */
export async function release(config: EdgeConfig, id: string): Promise<number> {
  const path = `/local/quarantine/${encodeURIComponent(id)}/release`;
  const body = await askEdge<{ outcome: string }>(config, path);
  if (body === undefined) return 1;
  process.stdout.write(`${body.outcome}\n`);
  return 0;
}

function open(config: EdgeConfig): Quarantine {
  const { dataDirectory, storage } = config;
  const db = openForCommands(config);
  const { reserveBytes } = storage;
  return new Quarantine({
    db,
    spool: new Spool({ dataDirectory, reserveBytes, clock: systemClock }),
  });
}
