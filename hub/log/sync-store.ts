/**
 * What a hub decides has no other copy before it is told: nats-server writes it to the file at once but
 * syncs the file only now and then, so the hub syncs it. On a cluster the replicas stand for this.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { storeDirectory } from './server-config.ts';

/**
 * Resolves when the newest blocks of the stream's messages are on the disk: two, since the server may
 * have begun another one right after what is to be kept.
 */
export async function syncStream(directory: string, stream: string): Promise<void> {
  const folder = join(storeDirectory(directory), 'jetstream', 'HUB', 'streams', stream, 'msgs');
  try {
    const blocks = (await readdir(folder)).filter((name) => name.endsWith('.blk'));
    const newest = blocks.sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
    for (const block of newest.slice(0, 2)) {
      await using file = await open(join(folder, block), 'r+');
      await file.datasync();
    }
  } catch (error) {
    // The server has just begun another block, or made the stream anew.
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
