/**
 * Who may use this edge's DICOMweb: the hub with a ticket for the study, a client of the trust with its
 * key, and whoever works on this machine.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { EdgeConfig } from '../config.ts';
import type { DirectoryCache } from '../transfer/directory.ts';
import { openTicket, TicketError } from '../transfer/ticket.ts';
import type { UsedTickets } from '../transfer/used-tickets.ts';
import { tellAsker } from './audited.ts';
import { HttpProblem } from './problem.ts';
import { requireLocal } from './routes-local.ts';
import { presentedBy } from './routes-transfer.ts';

export interface DicomWebAccessParts {
  readonly config: Pick<EdgeConfig, 'dicomWeb' | 'trust'>;
  readonly directory: Pick<DirectoryCache, 'current'>;
  readonly usedTickets: UsedTickets;
  readonly clock: Clock;
  readonly certificateOf?: (request: FastifyRequest, reader: string) => void;
}

/** To all that the trust holds; or to one study of one home, or some series of it. */
export type DicomWebGrant =
  | { readonly kind: 'all'; readonly client: string }
  | {
      readonly kind: 'study';
      readonly studyInstanceUID: string;
      readonly home: string;
      readonly seriesInstanceUIDs: readonly string[] | undefined;
    };

const THIS_MACHINE: DicomWebGrant = { kind: 'all', client: 'STOW_LOCAL' };

/** @throws TicketError (401, 403) or HttpProblem `FORBIDDEN` */
export async function admitDicomWeb(
  request: FastifyRequest,
  { config, directory, usedTickets: used, clock, certificateOf }: DicomWebAccessParts,
): Promise<DicomWebGrant> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    requireLocal(request);
    return THIS_MACHINE;
  }
  const key = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
  const known = config.dicomWeb.clients.find((client) => isSame(client.key, key));
  if (known !== undefined) {
    tellAsker(request, { user: known.name, role: 'DICOMweb client' });
    return { kind: 'all', client: known.name };
  }
  const { study } = request.params as { study?: string };
  if (study === undefined) throw new TicketError('TICKET_MALFORMED', 'this is no key of this edge');
  const home = ODSCode.safeParse((request.query as { home?: unknown }).home);
  if (!home.success) throw new HttpProblem('MALFORMED_REQUEST', 'home: an ODS code is needed.');
  const asked = { trust: config.trust, studyInstanceUID: study, home: home.data };
  const { series: seriesInstanceUIDs, sub } = await openTicket(
    { ...presentedBy(request), ...asked },
    { directory: directory.current(), clock, used },
  );
  certificateOf?.(request, sub);
  tellAsker(request, { user: sub, role: 'edge', trust: sub });
  return { kind: 'study', studyInstanceUID: study, home: home.data, seriesInstanceUIDs };
}

/** @throws TicketError `TICKET_MISSING`: the other end of a relayed connection is the hub's, whoever asks */
export function requireTicket({ headers }: FastifyRequest): void {
  if (headers.authorization === undefined)
    throw new TicketError('TICKET_MISSING', 'a ticket is needed');
}

/** In a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
