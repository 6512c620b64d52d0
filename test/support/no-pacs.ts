/** A trust whose PACS holds nothing that the spool does not. */
import type { LocalPacs } from '../../edge/scp/query/local-pacs.ts';

export const noPacs: LocalPacs = {
  listing: { series: async () => undefined, instances: async () => undefined },
  isWanted: () => false,
  stand: () => undefined,
  bring: async () => ({ state: 'failed', missing: [], reason: null }),
};
