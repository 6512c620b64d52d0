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
import { TicketError, verifyTicket } from '../transfer/ticket.ts';
import { HttpProblem } from './problem.ts';
import { requireLocal } from './routes-local.ts';

export interface DicomWebAccessParts {
  readonly config: Pick<EdgeConfig, 'dicomWeb' | 'trust'>;
  readonly directory: Pick<DirectoryCache, 'current'>;
  readonly clock: Clock;
}

/** Null: to all that the trust holds; else to one study of one home, or some series of it. */
export type DicomWebGrant = {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly seriesInstanceUIDs: readonly string[] | undefined;
} | null;

/** @throws TicketError (401, 403) or HttpProblem `FORBIDDEN` */
export async function admitDicomWeb(
  request: FastifyRequest,
  { config, directory, clock }: DicomWebAccessParts,
): Promise<DicomWebGrant> {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    requireLocal(request);
    return null;
  }
  const key = /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? '';
  if (config.dicomWeb.clients.some((client) => isSame(client.key, key))) return null;
  const { study } = request.params as { study?: string };
  if (study === undefined)
    throw new TicketError('TICKET_OTHER_STUDY', 'a ticket opens the study that it is for');
  const home = ODSCode.safeParse((request.query as { home?: unknown }).home);
  if (!home.success) throw new HttpProblem('MALFORMED_REQUEST', 'home: an ODS code is needed.');
  const use = { authorization, trust: config.trust, studyInstanceUID: study, home: home.data };
  const claims = await verifyTicket(use, { directory: directory.current(), clock });
  return { studyInstanceUID: study, home: home.data, seriesInstanceUIDs: claims.series };
}

/** In a time that tells nothing of where they differ. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
