/**
 * A DICOMweb request for a study, carried to the edge that holds it; its answer streams back as it comes.
 *
 *   study ─► sources, best first ─► callEdge ─┬─ answer ─► client
 *                                             └─ none ───► 503, 504: which trust, and what to do
 */
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { codeOf } from '../../shared/errors.ts';
import { type EdgeAnswer, EdgeCallError, problemOfEdge } from '../dicomweb/call-edge.ts';
import { type StudySource, studySource } from '../dicomweb/study-source.ts';
import { findStudy } from '../search/study.ts';
import type { Sight } from './audited.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import { requireStudies, studyAbsent, trustName } from './routes-studies.ts';

/** Of the request, what the edge decides its answer by. */
const ASKED = ['accept', 'accept-encoding', 'range', 'if-range'];
/** Of the answer, what describes its body. */
const SAID = [
  ...['content-type', 'content-encoding', 'content-length', 'warning', 'vary'],
  ...['content-range', 'accept-ranges'],
];

interface Asked extends Pick<Sight, 'saw' | 'discloser'> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** @returns the answer's body; status and headers are set @throws HttpProblem, FetchError `HOME_AMBIGUOUS` */
export async function passOn(
  parts: HttpParts,
  { request, reply, discloser, saw }: Asked,
): Promise<Readable> {
  const { study: uid = '' } = request.params as { study?: string };
  const { home: asked } = request.query as { home?: string };
  const answered = parts.fleet.answered();
  const isLive = (ods: string): boolean => answered.some(({ trust, ok }) => ok && trust === ods);
  const db = parts.projection.db;
  const source = studySource(db, { studyInstanceUID: uid, home: asked }, isLive);
  if (source === undefined) throw studyAbsent(parts, uid);
  requireStudies(parts, { discloser, saw }, uid, source.home);
  const { pathname: path } = new URL(request.url, 'http://hub');
  const { trust, answer, body } = await askEdges(parts, { request, reply }, { uid, source, path });
  if (answer.status === 404) return refuseMissing(parts, { request, trust, answer, uid });
  return body();
}

/** Asks the edges that hold a study, the best first. @param path at the edge @throws HttpProblem */
export async function askEdges(
  parts: HttpParts,
  { request, reply }: Pick<Asked, 'request' | 'reply'>,
  of: { readonly uid: string; readonly source: StudySource; readonly path: string },
): Promise<{ trust: string; answer: EdgeAnswer; body: () => Readable }> {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  const { trust, answer } = await firstAnswer(parts, request, { ...of, signal: gone.signal });
  const streamed = (): Readable => {
    const headers = SAID.flatMap((name) => {
      const value = answer.headers[name];
      return value === undefined ? [] : [[name, value] as const];
    });
    const body = Readable.from(answer.body, { objectMode: false });
    body.once('error', (error) => {
      if (gone.signal.aborted) return;
      parts.log.warn('dicomweb.cut', { trust, studyInstanceUID: of.uid, code: codeOf(error) });
    });
    reply.status(answer.status).headers(Object.fromEntries(headers));
    return body;
  };
  return { trust, answer, body: streamed };
}

interface Wanted {
  readonly uid: string;
  readonly source: StudySource;
  readonly path: string;
  readonly signal: AbortSignal;
}

/** @throws HttpProblem `EDGE_UNREACHABLE` or `EDGE_SLOW`, of the best source */
async function firstAnswer(
  parts: HttpParts,
  request: FastifyRequest,
  { uid, source, path: pathname, signal }: Wanted,
): Promise<{ trust: string; answer: EdgeAnswer }> {
  const url = new URL(request.url, 'http://hub');
  url.searchParams.set('home', source.home);
  const headers = Object.fromEntries(
    ASKED.flatMap((name) => {
      const value = request.headers[name];
      return typeof value === 'string' ? [[name, value] as const] : [];
    }),
  );
  const path = `${pathname}${url.search}`;
  const failures: EdgeCallError[] = [];
  for (const trust of source.trusts) {
    try {
      const about = { trust, studyInstanceUID: uid, home: source.home };
      return { trust, answer: await parts.callEdge({ ...about, path, headers, signal }) };
    } catch (error) {
      if (!(error instanceof EdgeCallError)) throw error;
      failures.push(error);
    }
  }
  const [trust = source.home] = source.trusts;
  const code = failures[0]?.code ?? 'EDGE_UNREACHABLE';
  const name = trustName(parts, trust);
  const others = source.trusts.length > 1 ? ' Nor does an edge with a complete copy.' : '';
  if (code === 'SOURCE_RETRIEVING')
    throw new HttpProblem(code, `${name} (${trust}): ${failures[0]?.message ?? ''}`, {
      members: { trust, trustName: name },
    });
  const how = code === 'EDGE_SLOW' ? 'answers too slowly' : 'does not answer';
  const detail = `The edge of ${name} (${trust}), which holds this study, ${how} just now.${others} It is asked again when you try again.`;
  throw new HttpProblem(code, detail, { members: { trust, trustName: name } });
}

interface Missing {
  readonly request: FastifyRequest;
  readonly trust: string;
  readonly answer: EdgeAnswer;
  readonly uid: string;
}

/** What the hub was told of and the edge no longer has is gone; anything else was never there. PS3.18 §8.5. */
async function refuseMissing(parts: HttpParts, missing: Missing): Promise<never> {
  const { request, trust, answer, uid } = missing;
  const { code, detail } = await problemOfEdge(answer);
  const { '*': rest = '' } = request.params as Record<string, string>;
  const [, series] = /^series\/([^/]+)(?!.*\/instances)/.exec(rest) ?? [];
  const isWhole = !rest.startsWith('series/') || series !== undefined;
  const known = findStudy(parts.projection.db, uid).flatMap((study) => study.series);
  const isKnown = known.some((one) => (series ?? one.seriesInstanceUID) === one.seriesInstanceUID);
  const members = { trust };
  if (code === 'RESOURCE_NOT_FOUND' && isWhole && isKnown) {
    const gone = `${trustName(parts, trust)} (${trust}) no longer holds it.`;
    throw new HttpProblem('GONE_AT_SOURCE', gone, { members });
  }
  throw new HttpProblem('NOT_FOUND', detail ?? 'The study has no such part.', { members });
}
