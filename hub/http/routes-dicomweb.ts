/**
 * `/dicom-web/…`: DICOMweb of the network. PS3.18. Images stay where they are: what is asked of a study
 * streams through from the edge that holds it.
 *
 *   QIDO studies, series ─► hub/search          all else of a study ─► its edge, answer passed on
 *
 * Every answer carries a `Warning: 299` for each trust that it does not speak for.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { acceptedJson } from '../../shared/dicomweb/accept.ts';
import {
  moreResultsWarning,
  type QidoQuery,
  readQidoQuery,
  remarkWarning,
} from '../../shared/dicomweb/query.ts';
import { mayBrowse } from '../access/rules.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { seriesJson, seriesMatching, studyJson, studyQueryOf } from '../dicomweb/qido.ts';
import { studySource } from '../dicomweb/study-source.ts';
import type { Answered } from '../fleet/fleet.ts';
import type { WithheldNote } from '../relations/disclosure.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import { hasKey, NEEDS_KEY } from '../search/query.ts';
import { type AuditedRoute, audited, type RouteUse, type Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { passOn } from './pass-on.ts';
import { HttpProblem } from './problem.ts';
import { requireStudies, studyAbsent } from './routes-studies.ts';

/** One who looks at a study is recorded again after so long. */
const VIEW_MS = 15 * 60_000;

export function serveDicomWeb(app: FastifyInstance, parts: HttpParts): void {
  const viewed = recentViews(parts.clock);
  const pixels = { action: 'view', audit: 'look', ...viewed, run: passOn } as const;
  const routes: readonly DicomWebRoute[] = [
    { path: '/dicom-web/studies', action: 'search', audit: 'search', run: answerStudies },
    {
      path: '/dicom-web/studies/:study/series',
      action: 'search',
      audit: 'look',
      run: answerSeries,
    },
    { path: '/dicom-web/studies/:study', ...pixels },
    { path: '/dicom-web/studies/:study/*', ...pixels },
  ];
  for (const route of routes)
    app.get(route.path, (request, reply) =>
      audited(parts, request, { method: 'GET', ...route }, (sight) =>
        route.run(parts, { ...sight, request, reply }),
      ),
    );
}

interface DicomWebRoute extends Omit<AuditedRoute, 'method'> {
  run(parts: HttpParts, asked: Asked): unknown;
}

interface Asked extends Sight {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * A viewer asks for each image by itself: who looks at a study is recorded once in a while, not per image. What
 * failed does not stand for what succeeds later.
 */
export function recentViews(
  clock: Clock,
): Required<Pick<AuditedRoute, 'isRecorded' | 'onRecorded'>> {
  const until = new Map<string, number>();
  const keyOf = ({ request, principal, outcome }: RouteUse): string => {
    const { study = '' } = request.params as { study?: string };
    const { name, role, trust } = principal;
    return JSON.stringify([name, role, trust, request.ip, study, homeAsked(request), outcome]);
  };
  return {
    isRecorded: (use) => (until.get(keyOf(use)) ?? 0) <= clock.now(),
    onRecorded: (use) => {
      const now = clock.now();
      for (const [old, end] of until) if (end <= now) until.delete(old);
      until.set(keyOf(use), now + VIEW_MS);
    },
  };
}

function answerStudies(
  parts: HttpParts,
  { request, reply, principal, discloser, saw }: Asked,
): string | undefined {
  const { query, contentType } = readQuestion(request);
  const found = studyQueryOf(query, principal.trust);
  if ('fault' in found) throw badQuery(found.fault);
  if (!hasKey(found.query) && !mayBrowse(principal)) throw badQuery(NEEDS_KEY);
  const isByNameAlone = found.query.patientName !== undefined && !found.query.birthDate;
  if (isByNameAlone && !mayBrowse(principal))
    throw badQuery('PatientBirthDate is needed with PatientName');
  const { limit, offset } = query;
  const asked = { ...found, page: { limit, offset } };
  const { studies, total, withheld } = findDisclosed(parts.projection.db, discloser, asked);
  saw(subjectsOfStudies(studies));
  const answered = parts.fleet.answered();
  const base = baseUrl(parts, request);
  const page = studies.map((study) => {
    const url = `${base}/dicom-web/studies/${study.studyInstanceUID}`;
    const holders = [
      study.home,
      ...study.copies.filter((copy) => copy.complete).map(({ trust }) => trust),
    ];
    return studyJson(study, { url, isOnline: isOnline(answered, holders) });
  });
  const remaining = total - offset - page.length;
  const { remarks } = query;
  return sendDicomWeb(reply, { page, contentType, answered, remaining, withheld, remarks });
}

function answerSeries(
  parts: HttpParts,
  { request, reply, discloser, saw }: Asked,
): string | undefined {
  const { query, contentType } = readQuestion(request);
  const { study: uid = '' } = request.params as { study?: string };
  const answered = parts.fleet.answered();
  const home = homeAsked(request);
  const source = studySource(parts.projection.db, { studyInstanceUID: uid, home }, () => true);
  if (source === undefined) throw studyAbsent(parts, uid);
  const [study] = requireStudies(parts, { discloser, saw }, uid, source.home);
  if (study === undefined) throw studyAbsent(parts, uid);
  const found = seriesMatching(study.series, query);
  if ('fault' in found) throw badQuery(found.fault);
  const { limit, offset } = query;
  const url = `${baseUrl(parts, request)}/dicom-web/studies/${uid}`;
  const located = { url, isOnline: isOnline(answered, source.trusts) };
  const page = found.slice(offset, offset + limit).map((one) => seriesJson(uid, one, located));
  const remaining = found.length - offset - page.length;
  const { remarks } = query;
  return sendDicomWeb(reply, { page, contentType, answered, remaining, remarks });
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

const isOnline = (answered: readonly Answered[], trusts: readonly string[]): boolean =>
  answered.some(({ trust, ok }) => ok && trusts.includes(trust));

export function baseUrl({ config }: HttpParts, request: FastifyRequest): string {
  return config.http.publicUrl?.replace(/\/$/, '') ?? `${request.protocol}://${request.host}`;
}
