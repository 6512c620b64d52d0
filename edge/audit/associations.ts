/**
 * What an association did, in the trail: the studies it stored, what it asked for and was told, what it had sent.
 * PS3.15 A.5.3.
 *
 *   C-STORE ─► study of the object ───────┐
 *   C-FIND ─► keys, and whom it was told ─┼─► association-rows.ts ─► at its end
 *   C-MOVE, C-GET ─► keys ─► "begins" now ┘
 */
import { createHash } from 'node:crypto';
import type { AuditEnd, AuditNode } from '../../shared/audit/entry.ts';
import { decodeIdentifier } from '../dimse/identifier.ts';
import type {
  DataSetSink,
  DimseServices,
  OperationHandler,
  OperationLink,
  OperationReply,
  OperationRequest,
} from '../dimse/service.ts';
import type { AssociationEnd, AssociationPeer } from '../ul/association.ts';
import {
  AssociationRows,
  type Did,
  FROM_PEER,
  MAX_NAMED,
  nameIn,
  sentTo,
  type Verb,
} from './association-rows.ts';
import type { EdgeAudit } from './edge-audit.ts';
import type { Subjects } from './subject-of.ts';

/** A longer identifier is told without its bytes. */
const MAX_IDENTIFIER_BYTES = 4_096;
const MAX_VALUE = 200;

const Tag = {
  AccessionNumber: 0x0008_0050,
  PatientName: 0x0010_0010,
  PatientID: 0x0010_0020,
  PatientBirthDate: 0x0010_0030,
  StudyInstanceUID: 0x0020_000d,
} as const;
const ISSUER_OF_PATIENT_ID = 0x0010_0021;

export interface AuditedAssociation {
  readonly services: DimseServices;
  ended(end: AssociationEnd): void;
}

interface AuditedParts {
  readonly audit: Pick<EdgeAudit, 'soon'>;
  readonly subjects: Subjects;
  /** Who is called by an AE title; undefined: nobody known. */
  readonly nodeOf: (aeTitle: string) => AuditNode | undefined;
}

const VERBS: Readonly<Partial<Record<OperationRequest['kind'], Verb>>> = {
  find: 'C-FIND',
  move: 'C-MOVE',
  get: 'C-GET',
};

export function auditAssociation(
  peer: AssociationPeer,
  services: DimseServices,
  parts: AuditedParts,
): AuditedAssociation {
  const rows = new AssociationRows(peer);
  const { audit, subjects } = parts;
  const seen = { ...parts, rows };
  const byStudy = new Map<string, Did>();
  return {
    services: {
      store: (request) =>
        stored(services.store(request), { ...seen, byStudy, sopClassUID: request.sopClassUID }),
      ...(services.served === undefined
        ? {}
        : {
            served: services.served.map((one) => ({ ...one, handle: handled(one.handle, seen) })),
          }),
    },
    ended: () => {
      for (const row of rows.entries(subjects)) audit.soon(row);
    },
  };
}

type Seen = AuditedParts & { readonly rows: AssociationRows };

interface Storing extends Seen {
  readonly byStudy: Map<string, Did>;
  readonly sopClassUID: string;
}

function stored(sink: DataSetSink, storing: Storing): DataSetSink {
  return {
    write: (chunk) => sink.write(chunk),
    abort: () => sink.abort(),
    end: async () => {
      const status = await sink.end();
      const study = status.studyInstanceUID ?? '';
      const one = rowOfStudy(study, storing);
      one.count += 1;
      if (isFailure(status.status)) one.failed += 1;
      else if (one.studies.has(study)) {
        const classes = one.stored.get(study) ?? new Map<string, number>();
        classes.set(storing.sopClassUID, (classes.get(storing.sopClassUID) ?? 0) + 1);
        one.stored.set(study, classes);
      }
      return status;
    },
  };
}

function rowOfStudy(study: string, { byStudy, rows, subjects }: Storing): Did {
  const known = byStudy.get(study);
  if (known !== undefined) return known;
  const of = study === '' ? [] : subjects.ofStudy(study);
  const one = rows.of('C-STORE', of[0]?.patient ?? '', { moved: FROM_PEER });
  nameIn(one, of);
  byStudy.set(study, one);
  return one;
}

function handled(handle: OperationHandler, seen: Seen): OperationHandler {
  return async (request, link) => {
    const verb = VERBS[request.kind];
    if (verb === undefined) return handle(request, link);
    const asked = ask(verb, request, seen);
    const { one, study } = asked;
    const beginning = verb === 'C-FIND' ? undefined : seen.rows.beginning(one, study ?? '');
    if (beginning !== undefined) seen.audit.soon(beginning);
    one.count += 1;
    const over = verb === 'C-FIND' ? toldOver(link, one, request, seen) : link;
    const reply = await handle(request, over).catch((error: unknown) => {
      one.failed += 1;
      throw error;
    });
    count(one, study, reply);
    return reply;
  };
}

function count(one: Did, study: string | undefined, reply: OperationReply): void {
  const { completed = 0, warning = 0, failed = 0 } = reply.suboperations ?? {};
  if (isFailure(reply.status) || failed > 0) one.failed += 1;
  if (reply.suboperations !== undefined && study !== undefined)
    one.sent.set(study, (one.sent.get(study) ?? 0) + completed + warning);
}

/** Whom an answer names came into sight. */
function toldOver(
  link: OperationLink,
  one: Did,
  { transferSyntaxUID }: OperationRequest,
  { subjects }: Seen,
): OperationLink {
  return {
    ...link,
    pending: (reply: OperationReply) => {
      const keys = keysOf(transferSyntaxUID, reply.dataSet);
      const study = keys.get(Tag.StudyInstanceUID) ?? '';
      if (study === '' || !one.studies.has(study)) nameIn(one, toldOf(keys, study, subjects));
      return link.pending(reply);
    },
  };
}

/** Of a study that is not here, or not told, the number tells whose it is. */
function toldOf(
  keys: ReadonlyMap<number, string>,
  study: string,
  subjects: Subjects,
): { study?: string; home?: string; patient: string }[] {
  const of = study === '' ? [] : subjects.ofStudy(study);
  const number = keys.get(Tag.PatientID) ?? '';
  if (of.length > 0 || number === '') return of;
  const issuer = keys.get(ISSUER_OF_PATIENT_ID) ?? '';
  const known = issuer === '' ? subjects.withNumber(number) : [];
  const patients = known.length > 0 ? known : [`${number}^^^${issuer}`];
  return patients.map((patient) => (study === '' ? { patient } : { patient, study }));
}

function keysOf(transferSyntaxUID: string, dataSet: Buffer | undefined): Map<number, string> {
  try {
    return decodeIdentifier(transferSyntaxUID, dataSet ?? Buffer.alloc(0));
  } catch {
    // Whoever has to read it answers for what can't be read.
    return new Map();
  }
}

/** What is asked for, as it is asked. */
function ask(verb: Verb, request: OperationRequest, seen: Seen): { one: Did; study?: string } {
  const { transferSyntaxUID, dataSet, moveDestination } = request;
  const keys = keysOf(transferSyntaxUID, dataSet);
  const [study, ...others] = (keys.get(Tag.StudyInstanceUID) ?? '').split('\\').filter(Boolean);
  const studies = study === undefined ? [] : [study, ...others];
  const of = studies.flatMap((uid) => seen.subjects.ofStudy(uid));
  const number = keys.get(Tag.PatientID) ?? '';
  const patients = of.length > 0 || number === '' ? [] : seen.subjects.withNumber(number);
  const one =
    verb === 'C-FIND'
      ? seen.rows.of(verb, digestOf(request), question(request))
      : seen.rows.of(verb, `${moveDestination} ${of[0]?.patient ?? patients[0] ?? ''}`, {
          moved: sentTo(destinationOf(verb, request, seen)),
        });
  const asked = Object.entries(Tag).flatMap(([keyword, tag]) => {
    const value = keys.get(tag) ?? '';
    return value === '' ? [] : [[keyword, value.slice(0, MAX_VALUE)] as const];
  });
  const destination = moveDestination === '' ? {} : { moveDestination };
  if (one.asked.length < MAX_NAMED)
    one.asked.push({ ...Object.fromEntries(asked), ...destination });
  for (const uid of studies) if (one.studies.size < MAX_NAMED) one.studies.add(uid);
  nameIn(one, [...of, ...patients.map((patient) => ({ patient }))]);
  return { one, ...(study === undefined || others.length > 0 ? {} : { study }) };
}

function destinationOf(verb: Verb, { moveDestination }: OperationRequest, seen: Seen): AuditEnd {
  if (verb === 'C-GET') return 'user';
  const unknown = { kind: 'application-entity', id: moveDestination, address: null } as const;
  return seen.nodeOf(moveDestination) ?? unknown;
}

const digestOf = ({ sopClassUID, transferSyntaxUID, dataSet }: OperationRequest): string =>
  createHash('sha256').update(`${sopClassUID} ${transferSyntaxUID} `).update(dataSet).digest('hex');

function question({ sopClassUID, transferSyntaxUID, dataSet }: OperationRequest) {
  const isShort = dataSet.length <= MAX_IDENTIFIER_BYTES;
  const bytes = isShort ? dataSet.toString('base64') : '';
  return { moved: FROM_PEER, identifier: { sopClassUID, transferSyntaxUID, dataSet: bytes } };
}

/** PS3.7 Annex C: warnings and pending are none. */
const isFailure = (status: number): boolean =>
  (status & 0xf000) === 0xa000 || (status & 0xf000) === 0xc000 || (status & 0xff00) === 0x0100;
