/**
 * `/dicom-web/…`: DICOMweb of the network. PS3.18. Images stay where they are: what is asked of a study
 * streams through from the edge that holds it.
 *
 *   QIDO studies, series ─► hub/search          all else of a study ─► its edge, answer passed on
 *
 * Every answer carries a `Warning: 299` for each trust that it does not speak for.
 */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../shared/clock.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { Everywhere } from '../dicomweb/everywhere.ts';
import { seriesJson, studyJson } from '../dicomweb/qido.ts';
import { studySource } from '../dicomweb/study-source.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import { type AuditedRoute, audited, type RouteUse } from './audited.ts';
import {
  badQuery,
  baseUrl,
  type DicomWebAsked,
  homeAsked,
  isLiveBy,
  isOnline,
  locate,
  readQuestion,
  requireQuestion,
  sendDicomWeb,
} from './dicomweb-question.ts';
import type { HttpParts } from './parts.ts';
import { passOn } from './pass-on.ts';
import { answerAllInstances, answerAllSeries } from './routes-dicomweb-everywhere.ts';
import { requireStudies, studyAbsent } from './routes-studies.ts';

/** One who looks at a study is recorded again after so long. */
const VIEW_MS = 15 * 60_000;

export function serveDicomWeb(app: FastifyInstance, parts: HttpParts): void {
  const viewed = recentViews(parts.clock);
  const pixels = { action: 'view', audit: 'look', ...viewed, run: passOn } as const;
  const routes: readonly DicomWebRoute[] = [
    { path: '/dicom-web/studies', action: 'search', audit: 'search', run: answerStudies },
    { path: '/dicom-web/series', action: 'search', audit: 'search', run: answerAllSeries },
    { path: '/dicom-web/instances', action: 'search', audit: 'search', run: answerAllInstances },
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
  run(parts: HttpParts, asked: DicomWebAsked): unknown;
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
  { request, reply, principal, discloser, saw }: DicomWebAsked,
): string | undefined {
  const { query, contentType } = readQuestion(request);
  const found = requireQuestion(query, principal);
  const { limit, offset } = query;
  const asked = { ...found, page: { limit, offset } };
  const { studies, total, withheld } = findDisclosed(parts.projection.db, discloser, asked);
  saw(subjectsOfStudies(studies));
  const answered = parts.fleet.answered();
  const base = baseUrl(parts, request);
  const page = studies.map((study) => studyJson(study, locate(study, { base, answered })));
  const remaining = total - offset - page.length;
  const { remarks } = query;
  return sendDicomWeb(reply, { page, contentType, answered, remaining, withheld, remarks });
}

async function answerSeries(
  parts: HttpParts,
  { request, reply, discloser, saw }: DicomWebAsked,
): Promise<string | undefined> {
  const { query, contentType } = readQuestion(request);
  const { study: uid = '' } = request.params as { study?: string };
  const answered = parts.fleet.answered();
  const home = homeAsked(request);
  const source = studySource(parts.projection.db, { studyInstanceUID: uid, home }, () => true);
  if (source === undefined) throw studyAbsent(parts, uid);
  const [study] = requireStudies(parts, { discloser, saw }, uid, source.home);
  if (study === undefined) throw studyAbsent(parts, uid);
  const { db } = parts.projection;
  const everywhere = new Everywhere({ db, callEdge: parts.callEdge, isLive: isLiveBy(answered) });
  const found = await everywhere.series([study], { series: query.filters });
  if ('fault' in found) throw badQuery(found.fault);
  const { limit, offset } = query;
  const url = `${baseUrl(parts, request)}/dicom-web/studies/${uid}`;
  const located = { url, isOnline: isOnline(answered, source.trusts) };
  const page = found
    .slice(offset, offset + limit)
    .map(({ series }) => seriesJson(uid, series, located));
  const remaining = Math.max(0, found.length - offset - page.length);
  const remarks = [...query.remarks, ...everywhere.remarks()];
  return sendDicomWeb(reply, { page, contentType, answered, remaining, remarks });
}
