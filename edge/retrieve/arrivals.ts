/** A store service that tells of each object it has acknowledged: what comes in belongs to a retrieve by its study. */
import type { DimseServices } from '../dimse/service.ts';

export function watched(
  store: DimseServices['store'],
  onArrival: (sopInstanceUID: string) => void,
): DimseServices['store'] {
  return (request) => {
    const sink = store(request);
    return {
      write: (chunk) => sink.write(chunk),
      abort: () => sink.abort(),
      end: async () => {
        const answer = await sink.end();
        if (answer.status === 0) onArrival(request.sopInstanceUID);
        return answer;
      },
    };
  };
}
