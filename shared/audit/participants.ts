/**
 * Who took part in an event, and as what. PS3.15 A.5.3: one source and one destination of whatever goes from one to
 * the other, who wanted it, and the application that did it.
 *
 *   user, moved ─► participants ─► ActiveParticipant of a DICOM audit message │ agent of a FHIR AuditEvent
 */
import { isIP } from 'node:net';
import { type Code, MEDIA, ROLE } from './dicom-codes.ts';
import {
  type AuditEnd,
  type AuditEntry,
  type AuditMove,
  type AuditNode,
  edgeOf,
  OWN_USERS,
} from './entry.ts';
import type { AuditedEvent } from './trail.ts';

/** The program that keeps the trail. */
export interface AuditSource {
  /** `HUB`, or the ODS code of the edge's trust. */
  readonly of: string;
  readonly hostname: string;
  readonly pid: number;
  /** Of an edge. */
  readonly aeTitle?: string;
}

/** Kinds of network access points: machine name, IP address, e-mail address, URI. PS3.15 A.5.2. */
export type AccessPointType = '1' | '2' | '4' | '5';

export interface Participant {
  readonly id: string;
  /** As {@link id}, in another naming: PS3.15 A.5.2.3 has the AE titles here. Null: none. */
  readonly alternativeId: string | null;
  /** The trust whose person or machine it is; null: of none. */
  readonly trust: string | null;
  readonly isRequestor: boolean;
  /** CID 402. */
  readonly roles: readonly Code[];
  /** What they are here: clinician, edge; '' nothing. */
  readonly localRole: string;
  readonly network: { readonly address: string; readonly type: AccessPointType } | null;
  /** What it was written to. CID 405. */
  readonly media: Code | null;
}

/** Who is asked for what, where an event does not say it itself. */
const USUAL: Partial<Readonly<Record<AuditEntry['event'], AuditMove>>> = {
  search: { from: 'user', to: 'here' },
  export: { from: 'here', to: 'user' },
};

/** The user first, then the program that keeps the trail, then others. */
export function participantsOf(event: AuditedEvent, source: AuditSource): Participant[] {
  const moved = event.moved ?? USUAL[event.event];
  const ends = moved === undefined ? [] : [moved.from, moved.to];
  const rolesOf = (end: AuditEnd): Code[] => [
    ...(moved?.from === end ? [ROLE.source] : []),
    ...(moved?.to === end ? [ROLE.destination] : []),
  ];
  const isOwnDoing = event.role === 'system' && OWN_USERS.has(event.user);
  const program = programParticipant(source, {
    isRequestor: isOwnDoing,
    roles: ends.includes('here') ? rolesOf('here') : [ROLE.application],
  });
  return [
    ...(isOwnDoing ? [] : [userParticipant(event, rolesOf('user'))]),
    program,
    ...ends
      .filter((end): end is AuditNode => typeof end === 'object')
      .flatMap((node) => nodeParticipants(node, rolesOf(node))),
  ];
}

function userParticipant(event: AuditedEvent, roles: readonly Code[]): Participant {
  const { user, role, trust, address } = event;
  return {
    // Whoever is not known still takes part.
    id: user.trim() === '' ? 'unknown' : user,
    ...{ alternativeId: role === 'DICOM' ? aeTitles(user) : null, trust, isRequestor: true, roles },
    ...{ localRole: role, network: accessPoint(address, 'program'), media: null },
  };
}

function programParticipant(
  { of, hostname, aeTitle }: AuditSource,
  as: Pick<Participant, 'isRequestor' | 'roles'>,
): Participant {
  return {
    ...{ id: of === 'HUB' ? 'hub' : edgeOf(of), trust: of === 'HUB' ? null : of, ...as },
    alternativeId: aeTitle === undefined ? null : aeTitles(aeTitle),
    ...{ localRole: '', network: accessPoint(hostname, 'program'), media: null },
  };
}

function nodeParticipants({ kind, id, address }: AuditNode, roles: readonly Code[]): Participant[] {
  const node: Participant = {
    ...{ id, trust: null, isRequestor: false, roles, localRole: '', media: null },
    alternativeId: kind === 'application-entity' ? aeTitles(id) : null,
    network: accessPoint(address, kind),
  };
  const media = kind === 'email' || kind === 'folder' ? MEDIA[kind] : null;
  // A.5.3.4: what it was written to is a participant of its own.
  return media === null ? [node] : [node, { ...node, roles: [ROLE.destinationMedia], media }];
}

/** PS3.15 A.5.2.3. */
const aeTitles = (title: string): string => `AETITLES=${title}`;

function accessPoint(address: string | null, kind: AuditNode['kind']): Participant['network'] {
  if (address === null || address === '') return null;
  if (kind === 'email') return { address, type: '4' };
  if (kind === 'folder' || kind === 'web') return { address, type: '5' };
  return { address, type: isIP(address) === 0 ? '1' : '2' };
}
