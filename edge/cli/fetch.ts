/** `cdip edge fetch`: an urgent study of another trust while no hub answers; the running edge does it. */
import type { EdgeConfig } from '../config.ts';
import { askEdge } from './ask-edge.ts';

export interface FetchWish {
  readonly studyInstanceUID: string;
  /** ODS code. */
  readonly source: string;
  readonly by: string;
  readonly reason: string;
  readonly patientId?: string | undefined;
}

/** @returns the exit code */
export async function fetchUnaided(config: EdgeConfig, wish: FetchWish): Promise<number> {
  const done = await askEdge<{ fetchId: string }>(config, '/local/fetches', wish);
  if (done === undefined) return 1;
  process.stdout.write(`${done.fetchId}\n`);
  process.stderr.write('Written down here and there. How it gets on: cdip edge queue\n');
  return 0;
}
