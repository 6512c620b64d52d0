/**
 * Deliveries, transfers, disclosures, removals and what an operator decides stand in the trail when they are told in
 * the log: each has exactly one such place, and its fields name what was done.
 */
import {
  type AuditContent,
  type AuditEvent,
  type AuditMove,
  type AuditNode,
  edgeOf,
} from '../../shared/audit/entry.ts';
import type { Log, LogEvents } from '../../shared/log.ts';
import { sentTo } from './association-rows.ts';
import type { EdgeAudit, EdgeEntry } from './edge-audit.ts';
import type { Nodes } from './nodes.ts';
import type { Subjects } from './subject-of.ts';

interface Context {
  readonly nodes: Nodes;
  readonly subjects: Subjects;
}

type Told = {
  readonly [E in keyof LogEvents]?: (
    fields: LogEvents[E],
    context: Context,
  ) => EdgeEntry | undefined;
};

const program = { user: 'edge', role: 'system' } as const;

const edgeNode = (trust: string): AuditNode => ({
  ...{ kind: 'program', id: edgeOf(trust), address: null },
});
const moveFrom = (from: AuditNode): AuditMove => ({ from, to: 'here' });

interface OfStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
}

/** Of a study whose UID may stand beside it. */
const studyOf = (
  { studyInstanceUID: study, home }: OfStudy,
  { subjects }: Context,
  counted?: number,
): { studies: string[]; contents: AuditContent[] } =>
  study === ''
    ? { studies: [], contents: [] }
    : { studies: [study], contents: [subjects.contentOf({ study, home }, counted)] };

/** What a fetch is in the trail when it reaches a state: all came over; it was filed; it came to nothing. */
const OF_FETCH: Readonly<Record<string, readonly [AuditEvent, 'C' | 'E', 0 | 4 | 12]>> = {
  coercing: ['transfer', 'C', 0],
  available: ['import', 'C', 0],
  partial: ['import', 'C', 4],
  failed: ['transfer', 'C', 12],
};

const TOLD: Told = {
  'delivery.begun': ({ deliveryId, peer, ...study }, context) => ({
    ...{ event: 'transfer-begun', action: 'E', ...program, what: `delivery to ${peer}` },
    ...{ moved: sentTo(context.nodes.named(peer)), query: { deliveryId } },
    ...studyOf(study, context),
  }),
  'delivery.ended': ({ deliveryId, peer, outcome, delivered, failed, ...study }, context) => ({
    ...{ event: 'transfer', action: 'R', ...program, what: `delivery to ${peer}` },
    ...{ outcome: failed === 0 ? 0 : 4, query: { deliveryId, outcome, delivered, failed } },
    ...{ moved: sentTo(context.nodes.named(peer)), ...studyOf(study, context, delivered) },
  }),
  'transfer.served': ({ reader, sent, failed, bytes, ...study }, context) => ({
    ...{ event: 'transfer', action: 'R', user: edgeOf(reader), role: 'edge', trust: reader },
    ...{ what: 'transfer', outcome: failed === 0 ? 0 : 4, moved: sentTo('user') },
    ...{ query: { sent, failed, bytes }, ...studyOf(study, context, sent) },
  }),
  'fetch.state': ({ fetchId, state, code, source, instances, ...study }, context) => {
    const [event, action, outcome] = OF_FETCH[state] ?? [];
    if (event === undefined || action === undefined) return undefined;
    // All of it was here before: nothing came over.
    if (event === 'transfer' && outcome === 0 && instances === 0) return undefined;
    return {
      ...{ event, action, ...program, what: `fetch from ${source}`, outcome: outcome ?? 0 },
      ...{ code: code === '' ? null : code, moved: moveFrom(edgeNode(source)), query: { fetchId } },
      ...studyOf(study, context, instances),
      patients: context.subjects.ofFetch(fetchId),
    };
  },
  'pacs-retrieve.ended': ({ peer, state, instances, code, studyInstanceUID }, context) => ({
    ...{ event: 'transfer', action: 'C', ...program, what: `retrieve from ${peer}` },
    ...{ outcome: code === '' ? 0 : 4, code: code === '' ? null : code },
    ...{ moved: moveFrom(context.nodes.named(peer)), query: { state, instances } },
    studies: [studyInstanceUID],
    contents: [{ study: studyInstanceUID, accession: null, instances: { '': instances } }],
  }),
  'copy.removed': ({ studyInstanceUID, home, files, why }) => ({
    ...{ event: 'deletion', action: 'D', ...program, what: `copy: ${why}`, query: { files } },
    ...{ studies: [studyInstanceUID], homes: [home] },
  }),
  'route.ended': ({ rule, destination, studyInstanceUID, outcome }, { nodes }) => ({
    ...{ event: 'fetch', action: 'R', ...program, what: `rule ${rule}` },
    ...{ query: { destination, outcome }, studies: [studyInstanceUID] },
    moved: sentTo(nodes.named(destination)),
  }),
  'route.disclosed': (fields, { nodes }) => {
    const { project, studyInstanceUID: study, objects, destination, isAnonymous } = fields;
    const content = { study, accession: null, instances: { '': objects } };
    return {
      ...{ event: 'export', action: 'R', ...program, what: `project ${project}` },
      ...{ moved: sentTo(nodes.named(destination)), query: { objects }, studies: [study] },
      contents: [isAnonymous ? { ...content, isAnonymous } : content],
    };
  },
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
  { audit, ...context }: Context & { audit: Pick<EdgeAudit, 'soon'> },
): Log {
  const told =
    (level: 'info' | 'warn' | 'error') =>
    <E extends keyof LogEvents>(event: E, fields: LogEvents[E]): void => {
      log[level](event, fields);
      const entry = TOLD[event]?.(fields, context);
      if (entry === undefined) return;
      const of = (entry.studies ?? []).flatMap((uid) => context.subjects.ofStudy(uid));
      const here = of.map(({ patient }) => patient);
      const patients = [...new Set(here.length > 0 ? here : entry.patients)];
      const homes = [...new Set([...(entry.homes ?? []), ...of.map(({ home }) => home)])];
      audit.soon({ ...entry, patients, homes });
    };
  return { info: told('info'), warn: told('warn'), error: told('error') };
}
