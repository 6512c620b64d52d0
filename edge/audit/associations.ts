/**
 * One row of the trail for what an association did: the studies it stored, what it asked for, what it had sent.
 * PS3.15 A.5.3.
 *
 *   C-STORE ─► study of the object ─┐
 *   C-FIND, C-MOVE, C-GET ─► keys ──┴─► at its end: a row for each kind of it
 */
import type { AuditEntry, AuditEvent } from '../../shared/audit/entry.ts';
import { decodeIdentifier } from '../dimse/identifier.ts';
import type {
  DataSetSink,
  DimseServices,
  OperationHandler,
  OperationRequest,
} from '../dimse/service.ts';
import type { AssociationEnd, AssociationPeer } from '../ul/association.ts';
import type { EdgeAudit } from './edge-audit.ts';
import type { Subjects } from './subject-of.ts';

/** Of one association: more are counted, and not named. */
const MAX_NAMED = 1_000;

const Tag = {
  AccessionNumber: 0x0008_0050,
  PatientName: 0x0010_0010,
  PatientID: 0x0010_0020,
  PatientBirthDate: 0x0010_0030,
  StudyInstanceUID: 0x0020_000d,
} as const;

interface Did {
  readonly event: AuditEvent;
  readonly action: AuditEntry['action'];
  count: number;
  failed: number;
  readonly patients: Set<string>;
  readonly studies: Set<string>;
  readonly homes: Set<string>;
  readonly asked: object[];
}

export interface AuditedAssociation {
  readonly services: DimseServices;
  ended(end: AssociationEnd): void;
}

const KINDS: Readonly<Record<string, readonly [AuditEvent, AuditEntry['action']]>> = {
  'C-STORE': ['fetch', 'C'],
  'C-FIND': ['search', 'E'],
  'C-MOVE': ['fetch', 'R'],
  'C-GET': ['fetch', 'R'],
};

export function auditAssociation(
  peer: AssociationPeer,
  services: DimseServices,
  { audit, subjects }: { audit: Pick<EdgeAudit, 'soon'>; subjects: Subjects },
): AuditedAssociation {
  const did = new Map<string, Did>();
  const doing = (what: string): Did => {
    const [event, action] = KINDS[what] ?? ['fleet', 'E'];
    const known = did.get(what) ?? {
      ...{ event, action, count: 0, failed: 0, asked: [] },
      ...{ patients: new Set<string>(), studies: new Set<string>(), homes: new Set<string>() },
    };
    did.set(what, known);
    return known;
  };
  return {
    services: {
      store: (request) => stored(services.store(request), { doing, subjects }),
      ...(services.served === undefined
        ? {}
        : {
            served: services.served.map((one) => ({
              ...one,
              handle: handled(one.handle, { doing, subjects }),
            })),
          }),
    },
    ended: () => {
      for (const [what, one] of did) audit.soon(rowOf(peer, what, one));
    },
  };
}

interface Seen {
  readonly doing: (what: string) => Did;
  readonly subjects: Subjects;
}

function stored(sink: DataSetSink, { doing, subjects }: Seen): DataSetSink {
  return {
    write: (chunk) => sink.write(chunk),
    abort: () => sink.abort(),
    end: async () => {
      const status = await sink.end();
      const one = doing('C-STORE');
      one.count += 1;
      if (isFailure(status.status)) one.failed += 1;
      const study = status.studyInstanceUID;
      if (study !== undefined && !one.studies.has(study)) name(one, subjects.ofStudy(study));
      return status;
    },
  };
}

function handled(handle: OperationHandler, seen: Seen): OperationHandler {
  return async (request, link) => {
    const what = `C-${request.kind.toUpperCase()}`;
    if (!(what in KINDS)) return handle(request, link);
    const one = seen.doing(what);
    one.count += 1;
    ask(one, request, seen.subjects);
    const reply = await handle(request, link);
    if (isFailure(reply.status)) one.failed += 1;
    return reply;
  };
}

/** What was asked for, as it was asked; whoever could read it answers for what can't be read. */
function ask(one: Did, request: OperationRequest, subjects: Subjects): void {
  const { dataSet, transferSyntaxUID, moveDestination } = request;
  let keys: Map<number, string>;
  try {
    keys = decodeIdentifier(transferSyntaxUID, dataSet);
  } catch {
    return;
  }
  const asked = Object.entries(Tag).flatMap(([keyword, tag]) => {
    const value = keys.get(tag) ?? '';
    return value === '' ? [] : [[keyword, value.slice(0, 200)] as const];
  });
  const destination = moveDestination === '' ? {} : { moveDestination };
  if (one.asked.length < MAX_NAMED)
    one.asked.push({ ...Object.fromEntries(asked), ...destination });
  for (const uid of (keys.get(Tag.StudyInstanceUID) ?? '').split('\\').filter(Boolean)) {
    if (one.studies.size < MAX_NAMED) one.studies.add(uid);
    name(one, subjects.ofStudy(uid));
  }
}

function name(one: Did, subjects: readonly { study: string; home: string; patient: string }[]) {
  for (const { study, home, patient } of subjects) {
    if (one.studies.size < MAX_NAMED) one.studies.add(study);
    if (one.patients.size < MAX_NAMED) one.patients.add(patient);
    one.homes.add(home);
  }
}

/** PS3.7 Annex C: warnings and pending are none. */
const isFailure = (status: number): boolean =>
  (status & 0xf000) === 0xa000 || (status & 0xf000) === 0xc000 || (status & 0xff00) === 0x0100;

function rowOf(peer: AssociationPeer, what: string, one: Did): AuditEntry {
  const { event, action, count, failed, asked } = one;
  return {
    ...{ event, action, outcome: failed === 0 ? 0 : 4, code: null },
    ...{ user: peer.callingAETitle, role: 'DICOM', trust: null, address: peer.host, purpose: null },
    what: `${what} to ${peer.calledAETitle}`,
    query: { count, failed, ...(asked.length === 0 ? {} : { asked }) },
    ...{ patients: [...one.patients], studies: [...one.studies], homes: [...one.homes] },
  };
}
