/**
 * Takes a build from the hub, over as many tries as it needs: what has come stays in FILE.part, the rest is asked for by
 * Range (RFC 9110 §14). It is FILE only when its digest is the one that was told.
 */
import { createHash } from 'node:crypto';
import { createReadStream, renameSync, rmSync, statfsSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import type { HubAccess } from '../../shared/hub-access.ts';
import { UpgradeError } from './upgrade-error.ts';

/** Nothing came for so long: it is asked for again. */
const STALL_MS = 30_000;

export interface Wanted {
  readonly hub: Pick<HubAccess, 'fetch'>;
  readonly path: string;
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Free space that stays. */
  readonly reserveBytes: number;
  readonly signal: AbortSignal;
}

/** Durable when it resolves. @throws UpgradeError; what came until then is kept, unless it is damaged */
export async function download(wanted: Wanted): Promise<void> {
  const { file, bytes, sha256, signal } = wanted;
  const part = `${file}.part`;
  let have = sizeOf(part);
  if (have > bytes) {
    rmSync(part);
    have = 0;
  }
  if (have < bytes) await take(wanted, part, have);
  if (signal.aborted) throw new UpgradeError('HUB_NOT_REACHED', 'the edge is stopping');
  if (sizeOf(part) !== bytes || (await digestOf(part)) !== sha256) {
    rmSync(part, { force: true });
    throw new UpgradeError('RELEASE_DAMAGED', 'what the hub sent is not what it told of');
  }
  renameSync(part, file);
}

async function take(wanted: Wanted, part: string, have: number): Promise<void> {
  const { hub, path, bytes, reserveBytes, signal } = wanted;
  requireSpace(dirname(part), bytes - have + reserveBytes);
  const stalled = new AbortController();
  let timer = setTimeout(() => stalled.abort(), STALL_MS);
  let out: FileHandle | undefined;
  try {
    const answer = await hub.fetch(path, {
      headers: have === 0 ? {} : { range: `bytes=${have}-` },
      redirect: 'error',
      signal: AbortSignal.any([signal, stalled.signal]),
    });
    if (!answer.ok || answer.body === null) throw refusal(answer.status);
    const from = answer.status === 206 ? have : 0;
    out = await open(part, from === 0 ? 'w' : 'a', 0o640);
    let came = from;
    for await (const chunk of answer.body) {
      clearTimeout(timer);
      timer = setTimeout(() => stalled.abort(), STALL_MS);
      came += chunk.length;
      if (came > bytes) break;
      await out.write(chunk);
    }
    await out.sync();
  } catch (cause) {
    if (cause instanceof UpgradeError) throw cause;
    if (codeOf(cause) === 'ENOSPC') throw noSpace(cause);
    throw new UpgradeError('HUB_NOT_REACHED', `the hub did not send it: ${codeOf(cause)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
    await out?.close();
  }
  if (sizeOf(part) < bytes) throw new UpgradeError('HUB_NOT_REACHED', 'the hub broke off');
}

const refusal = (status: number): UpgradeError =>
  status === 404
    ? new UpgradeError('RELEASE_NOT_THERE', 'the hub does not have this build')
    : new UpgradeError('HUB_NOT_REACHED', `the hub answered ${status}`);

const noSpace = (cause?: unknown): UpgradeError =>
  new UpgradeError('UPGRADE_NO_SPACE', 'the disk has no room for it beside its reserve', {
    cause,
  });

function requireSpace(folder: string, needed: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < needed) throw noSpace();
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
