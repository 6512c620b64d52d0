/**
 * Answers the `contents` of an edge: the series of a study of another trust, or the objects of one, asked of the
 * edge that holds it by QIDO-RS. What only a PACS holds its edge answers as the PACS lists it: a list must not bring images
 * into a spool.
 */
import {
  type ContentsReply,
  type ContentsRequest,
  ContentsRequestSchema,
  type QueriedSeries,
} from '../../shared/contract/rpc.ts';
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { findStudy } from '../search/study.ts';
import { type CallEdge, EdgeCallError } from './call-edge.ts';
import { studySource } from './study-source.ts';

/** Whoever asks waits less. */
const PATIENCE_MS = 8_000;
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

export class ContentsError extends GatewayError {
  override readonly name = 'ContentsError';
  readonly code: 'STUDY_UNKNOWN' | 'NOT_LISTED';
  readonly retry: Retry = 'safe';

  constructor(code: ContentsError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface ContentsParts {
  readonly db: Sqlite;
  readonly callEdge: CallEdge;
  readonly isLive: (ods: string) => boolean;
}

/** @throws ContentsError; EdgeCallError when no edge that holds it answers */
export async function listContents(parts: ContentsParts, raw: unknown): Promise<ContentsReply> {
  const request = ContentsRequestSchema.parse(raw);
  const found = await listJson(parts, request);
  return request.seriesInstanceUID === undefined
    ? { series: found.map(seriesOf) }
    : { instances: found.map(instanceOf) };
}

/**
 * The same as the edge answers it.
 *
 * @param question further parameters of the query, each behind an `&`
 * @throws as {@link listContents}
 */
export async function listJson(
  { db, callEdge, isLive }: ContentsParts,
  request: ContentsRequest,
  question = '',
): Promise<JsonDataSet[]> {
  const { studyInstanceUID, home } = request;
  const source = studySource(db, { studyInstanceUID, home }, isLive);
  if (source === undefined) throw new ContentsError('STUDY_UNKNOWN', 'no trust has told of it');
  const study = findStudy(db, studyInstanceUID).find((one) => one.home === home);
  const isAtEdge = study?.availability === 'ONLINE';
  let failure: EdgeCallError | ContentsError | undefined;
  for (const trust of source.trusts) {
    try {
      return await askAt(callEdge, { trust, isAtEdge, question }, request);
    } catch (error) {
      if (!(error instanceof EdgeCallError || error instanceof ContentsError)) throw error;
      failure ??= error;
    }
  }
  throw failure ?? new ContentsError('NOT_LISTED', 'no edge holds it');
}

async function askAt(
  callEdge: CallEdge,
  { trust, isAtEdge, question }: { trust: string; isAtEdge: boolean; question: string },
  { studyInstanceUID, home, seriesInstanceUID, limit, offset }: ContentsRequest,
): Promise<JsonDataSet[]> {
  const study = `studies/${encodeURIComponent(studyInstanceUID)}/series`;
  const within =
    seriesInstanceUID === undefined
      ? study
      : `${study}/${encodeURIComponent(seriesInstanceUID)}/instances`;
  // Edges that are older than this hub refuse the word.
  const listed = isAtEdge ? '' : 'listed&';
  const { status, body } = await callEdge({
    ...{ trust, studyInstanceUID, home },
    path: `/dicom-web/${within}?${listed}home=${home}&limit=${limit}&offset=${offset}${question}`,
    headers: { accept: 'application/dicom+json' },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const text = await textOf(body);
  if (status === 204) return [];
  if (status !== 200) throw new ContentsError('NOT_LISTED', `the edge of ${trust}: ${status}`);
  return JSON.parse(text) as JsonDataSet[];
}

type Instance = Extract<ContentsReply, { instances: unknown }>['instances'][number];

const instanceOf = (one: JsonDataSet): Instance => ({
  sopInstanceUID: firstOf(one, '00080018') ?? '',
  sopClassUID: firstOf(one, '00080016'),
  instanceNumber: firstOf(one, '00200013'),
});

export const seriesOf = (one: JsonDataSet): QueriedSeries => ({
  seriesInstanceUID: firstOf(one, '0020000E') ?? '',
  modality: firstOf(one, '00080060'),
  seriesNumber: countOf(one, '00200011'),
  description: firstOf(one, '0008103E'),
  bodyPart: firstOf(one, '00180015'),
  numberOfInstances: countOf(one, '00201209'),
});

function countOf(dataSet: JsonDataSet, tag: string): number | null {
  const text = firstOf(dataSet, tag);
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
}

function firstOf(dataSet: JsonDataSet, tag: string): string | null {
  const value = dataSet[tag]?.Value?.[0];
  return value === undefined || value === null ? null : String(value);
}

async function textOf(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) throw new ContentsError('NOT_LISTED', 'the list is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
