/** A program begins to run, or ends: PS3.15 A.5.3.1. */
import type { AuditEntry } from './entry.ts';

export function ownDoing(
  user: 'edge' | 'hub',
  event: 'start' | 'stop',
  query: AuditEntry['query'] = {},
): AuditEntry {
  return {
    ...{ event, action: 'E', outcome: 0, code: null, user, role: 'system', what: user, query },
    ...{ trust: null, address: null, purpose: null, patients: [], studies: [], homes: [] },
  };
}
