/**
 * What DICOMweb's questions to the hub have in common: how they are read, who may ask what, and how they are
 * answered, with a `Warning: 299` for each trust that an answer does not speak for. PS3.18 §8.3.4, §8.5.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { acceptedJson } from '../../shared/dicomweb/accept.ts';
import {
  moreResultsWarning,
  type QidoQuery,
  readQidoQuery,
  remarkWarning,
} from '../../shared/dicomweb/query.ts';
import { mayBrowse, type Principal } from '../access/rules.ts';
import { type Located, type StudyQuestion, studyQueryOf } from '../dicomweb/qido.ts';
import type { Answered } from '../fleet/fleet.ts';
import type { WithheldNote } from '../relations/disclosure.ts';
import { hasKey, NEEDS_KEY } from '../search/query.ts';
import type { StudyView } from '../search/rows.ts';
import type { Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';

export interface DicomWebAsked extends Sight {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Of studies and their patients. @throws HttpProblem for what can't be asked, or not by this asker */
export function requireQuestion(
  query: Pick<QidoQuery, 'filters'>,
  principal: Principal,
): StudyQuestion {
  const found = studyQueryOf(query, principal.trust);
  if ('fault' in found) throw badQuery(found.fault);
  if (!hasKey(found.query) && !mayBrowse(principal)) throw badQuery(NEEDS_KEY);
  const isByNameAlone = found.query.patientName !== undefined && !found.query.birthDate;
  if (isByNameAlone && !mayBrowse(principal))
    throw badQuery('PatientBirthDate is needed with PatientName');
  return found;
}

/** Where a study is found, and whether somebody who holds all of it answers. */
export function locate(
  study: StudyView,
  { base, answered }: { readonly base: string; readonly answered: readonly Answered[] },
): Located {
  const complete = study.copies.filter((copy) => copy.complete).map(({ trust }) => trust);
  const url = `${base}/dicom-web/studies/${study.studyInstanceUID}`;
  return { url, isOnline: isOnline(answered, [study.home, ...complete]) };
}

export interface DicomWebAnswer {
  readonly page: readonly JsonDataSet[];
  readonly contentType: string;
  readonly answered: readonly Answered[];
  /** Results behind this page. */
  readonly remaining: number;
  readonly withheld?: WithheldNote;
  /** What it does not do as it was asked. */
  readonly remarks: readonly string[];
}

export function sendDicomWeb(
  reply: FastifyReply,
  { page, contentType, answered, remaining, withheld, remarks }: DicomWebAnswer,
): string | undefined {
  const warnings = [...silentWarnings(answered), ...remarks.map(remarkWarning)];
  if (remaining > 0) warnings.push(moreResultsWarning(remaining));
  const hidden = (withheld?.unrelated ?? 0) + (withheld?.restricted.length ?? 0);
  if (hidden > 0) warnings.push(`299 cdip "${hidden} withheld: see the hub's page of the search"`);
  if (warnings.length > 0) reply.header('warning', warnings.join(', '));
  if (page.length > 0) {
    reply.type(contentType);
    return JSON.stringify(page);
  }
  reply.status(204);
  return undefined;
}

/** RFC 7234 §5.5: the text is in quotes, in ASCII. */
function silentWarnings(answered: readonly Answered[]): string[] {
  return answered
    .filter(({ ok }) => !ok)
    .map(({ trust, reason, asOf }) => {
      const asKnown = asOf === null ? 'nothing of it is known' : `shown as of ${asOf}`;
      return `299 cdip "${trust}: ${reason ?? 'no answer'}; ${asKnown}"`;
    });
}

export function readQuestion(request: FastifyRequest): { query: QidoQuery; contentType: string } {
  const { accept, ...parameters } = request.query as Record<string, unknown>;
  const contentType = acceptedJson(typeof accept === 'string' ? accept : request.headers.accept);
  if (contentType === undefined)
    throw new HttpProblem('NOT_ACCEPTABLE', 'This is answered as application/dicom+json.');
  const read = readQidoQuery(parameters);
  if ('fault' in read) throw badQuery(read.fault);
  return { query: read.query, contentType };
}

export const badQuery = (why: string): HttpProblem =>
  new HttpProblem('VALIDATION_FAILED', `${why}.`);

export function homeAsked(request: FastifyRequest): string | undefined {
  const { home } = request.query as { home?: unknown };
  return typeof home === 'string' ? home : undefined;
}

export const isOnline = (answered: readonly Answered[], trusts: readonly string[]): boolean =>
  answered.some(({ trust, ok }) => ok && trusts.includes(trust));

export function baseUrl({ config }: HttpParts, request: FastifyRequest): string {
  return config.http.publicUrl?.replace(/\/$/, '') ?? `${request.protocol}://${request.host}`;
}

export const isLiveBy =
  (answered: readonly Answered[]) =>
  (ods: string): boolean =>
    answered.some(({ trust, ok }) => ok && trust === ods);
