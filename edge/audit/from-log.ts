/**
 * Deliveries, disclosures and what an operator decides stand in the trail when their end is told in the log: each
 * has exactly one such place, and its fields name what was done.
 */
import type { Log, LogEvents } from '../../shared/log.ts';
import type { EdgeAudit, EdgeEntry } from './edge-audit.ts';
import type { Subjects } from './subject-of.ts';

type Told = { readonly [E in keyof LogEvents]?: (fields: LogEvents[E]) => EdgeEntry };

const program = { user: 'edge', role: 'system' } as const;

const TOLD: Told = {
  'delivery.ended': ({ deliveryId, peer, outcome, delivered, failed }) => ({
    ...{ event: 'fetch', action: 'R', ...program, what: `delivery to ${peer}` },
    ...{ outcome: failed === 0 ? 0 : 4, query: { deliveryId, outcome, delivered, failed } },
  }),
  'route.ended': ({ rule, destination, studyInstanceUID, outcome }) => ({
    ...{ event: 'fetch', action: 'R', ...program, what: `rule ${rule}` },
    ...{ query: { destination, outcome }, studies: [studyInstanceUID] },
  }),
  'route.disclosed': ({ project, studyInstanceUID, objects }) => ({
    ...{ event: 'export', action: 'R', ...program, what: `project ${project}` },
    ...{ query: { objects }, studies: [studyInstanceUID] },
  }),
  'configuration.pushed': ({ version, state, code }) => ({
    ...{ event: 'configuration', action: 'U', ...program, what: 'pushed by the hub' },
    query: { version, state, code },
  }),
  'configuration.returned': ({ code }) => ({
    ...{ event: 'configuration', action: 'U', ...program, what: 'returned' },
    ...{ outcome: 4, code, query: {} },
  }),
};

/** A log that writes to the trail what belongs there, too. */
export function alsoInTrail(
  log: Log,
  { audit, subjects }: { audit: Pick<EdgeAudit, 'soon'>; subjects: () => Subjects },
): Log {
  const told =
    (level: 'info' | 'warn' | 'error') =>
    <E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void => {
      log[level](event, fields);
      const entry = TOLD[event]?.(fields);
      if (entry === undefined) return;
      const of = (entry.studies ?? []).flatMap((uid) => subjects().ofStudy(uid));
      const patients = [...new Set(of.map(({ patient }) => patient))];
      audit.soon({ ...entry, patients, homes: [...new Set(of.map(({ home }) => home))] });
    };
  return { info: told('info'), warn: told('warn'), error: told('error') };
}
