/** `cdip edge rotate`: another key in place of the one in use; the running edge does it. */
import type { EdgeConfig } from '../config.ts';
import { askEdge } from './ask-edge.ts';

/** @returns the exit code */
export async function rotateKey(config: EdgeConfig): Promise<number> {
  const done = await askEdge<{ rotated: boolean }>(config, '/local/keys/rotate');
  if (done === undefined) return 1;
  process.stderr.write('This edge has a new key. The one before opens nothing any more.\n');
  return 0;
}
