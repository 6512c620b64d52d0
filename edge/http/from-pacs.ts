/** A study that only the trust's PACS holds, brought before it is read. */
import { sleep } from '../../shared/backoff.ts';
import type { LocalPacs } from '../scp/query/local-pacs.ts';
import { HttpProblem } from './problem.ts';

/** Below the time after which another edge takes a silent response for a dead one. */
const RETRIEVE_WAIT_MS = 15_000;

/**
 * May take longer than a request may: whoever asks is told to ask again, and it goes on meanwhile.
 *
 * @throws HttpProblem `RETRIEVING`, `PACS_FAILED`
 */
export async function bringFromPacs(
  { pacs, trust }: { readonly pacs: LocalPacs; readonly trust: string },
  study: { readonly studyInstanceUID: string; readonly home: string },
): Promise<void> {
  const { studyInstanceUID, home } = study;
  if (home !== trust || !pacs.isWanted(studyInstanceUID)) return;
  const outcome = await Promise.race([pacs.bring(studyInstanceUID), sleep(RETRIEVE_WAIT_MS)]);
  if (outcome === undefined) {
    const { instances = 0, expected = null } = pacs.stand(studyInstanceUID) ?? {};
    const detail = `The PACS is being asked for it: ${instances} of ${expected ?? '?'} objects are here.`;
    throw new HttpProblem('RETRIEVING', detail);
  }
  if (outcome.reason !== null)
    throw new HttpProblem('PACS_FAILED', `${outcome.reason.code}: ${outcome.reason.detail}`);
}
