/**
 * `/dicom-web/series`, `/dicom-web/instances`: series and objects of the studies of all trusts. PS3.18 §10.6.
 * By the same rules of who sees what as studies are; each result carries what stands above it.
 */
import { type JsonDataSet, tagName } from '../../shared/dicom/dicom-json.ts';
import { KeywordTag as T } from '../../shared/dicomweb/keywords.ts';
import type { QidoQuery } from '../../shared/dicomweb/query.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { byLevel, Everywhere, MAX_STUDIES, type Reached } from '../dicomweb/everywhere.ts';
import { seriesJson, studyJson } from '../dicomweb/qido.ts';
import type { Answered } from '../fleet/fleet.ts';
import type { WithheldNote } from '../relations/disclosure.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import { hasKey } from '../search/query.ts';
import {
  badQuery,
  baseUrl,
  type DicomWebAsked,
  isLiveBy,
  locate,
  readQuestion,
  requireQuestion,
  sendDicomWeb,
} from './dicomweb-question.ts';
import type { HttpParts } from './parts.ts';

/** Answered, never asked for. */
const ANSWERED_ALONE: ReadonlySet<number> = new Set([
  ...[T.InstanceAvailability, T.RetrieveURL, T.NumberOfStudyRelatedSeries],
  ...[T.NumberOfStudyRelatedInstances, T.NumberOfSeriesRelatedInstances],
]);
/** Whose they are no index tells. */
const BELOW_STUDY = [T.SeriesInstanceUID, T.SOPInstanceUID];

export async function answerAllSeries(
  parts: HttpParts,
  asked: DicomWebAsked,
): Promise<string | undefined> {
  const { query, contentType } = readQuestion(asked.request);
  const { instance } = byLevel(query.filters);
  refuseTags([...instance.keys()]);
  const looked = await lookThrough(parts, asked, query);
  const { limit, offset } = query;
  const page = looked.reached.slice(offset, offset + limit);
  asked.saw(subjectsOfStudies(page.map(({ study }) => study)));
  return sendDicomWeb(asked.reply, {
    ...looked,
    page: page.map((one) => seriesOf(one, looked)),
    contentType,
    remaining: Math.max(0, looked.reached.length - offset - page.length),
    remarks: [...query.remarks, ...looked.remarks()],
  });
}

export async function answerAllInstances(
  parts: HttpParts,
  asked: DicomWebAsked,
): Promise<string | undefined> {
  const { query, contentType } = readQuestion(asked.request);
  const { instance: filters } = byLevel(query.filters);
  refuseTags([...filters.keys()].filter((tag) => ANSWERED_ALONE.has(tag)));
  const looked = await lookThrough(parts, asked, query);
  const { limit, offset, fields } = query;
  const question = questionOf(filters, fields);
  const isFiltered = filters.size > 0;
  const found = await looked.everywhere.instances(looked.reached, {
    ...{ limit, offset, question, isFiltered },
  });
  asked.saw(subjectsOfStudies(found.page.map(({ study }) => study)));
  return sendDicomWeb(asked.reply, {
    ...looked,
    page: found.page.map((one) => instanceOf(one, looked)),
    contentType,
    remaining: Math.max(0, found.total - offset - found.page.length),
    remarks: [...query.remarks, ...looked.remarks()],
  });
}

function refuseTags([tag]: readonly number[]): void {
  if (tag !== undefined) throw badQuery(`${tagName(tag)} can not be asked for in this way here`);
}

interface Looked {
  readonly everywhere: Everywhere;
  readonly reached: readonly Reached[];
  readonly answered: readonly Answered[];
  readonly base: string;
  readonly withheld: WithheldNote;
  remarks(): string[];
}

/** The series that match, of the studies that match and that the asker may see. @throws HttpProblem */
async function lookThrough(
  parts: HttpParts,
  { request, principal, discloser }: DicomWebAsked,
  query: QidoQuery,
): Promise<Looked> {
  const filters = byLevel(query.filters);
  const question = requireQuestion({ filters: filters.study }, principal);
  const isBelow = BELOW_STUDY.some((tag) => query.filters.has(tag));
  if (isBelow && !hasKey(question.query))
    throw badQuery('A study or a patient is needed with the UID of a series or an object');
  const { db } = parts.projection;
  const page = { limit: MAX_STUDIES, offset: 0 };
  const { studies, total, withheld } = findDisclosed(db, discloser, { ...question, page });
  const answered = parts.fleet.answered();
  const everywhere = new Everywhere({ db, callEdge: parts.callEdge, isLive: isLiveBy(answered) });
  const reached = await everywhere.series(studies, filters);
  if ('fault' in reached) throw badQuery(reached.fault);
  const cut = `The newest ${MAX_STUDIES} of ${total} studies were looked through: ask for a patient, or dates`;
  return {
    ...{ everywhere, reached, answered, base: baseUrl(parts, request), withheld },
    remarks: () => [...(total > MAX_STUDIES ? [cut] : []), ...everywhere.remarks()],
  };
}

/** What an edge is asked: the filters of the objects, and which of their attributes are wanted. */
function questionOf(filters: QidoQuery['filters'], fields: QidoQuery['fields']): string {
  const asked = new URLSearchParams();
  for (const [tag, text] of filters) asked.append(tagName(tag), text);
  for (const field of fields) asked.append('includefield', field);
  const text = asked.toString();
  return text === '' ? '' : `&${text}`;
}

function seriesOf({ study, series }: Reached, looked: Looked): JsonDataSet {
  const located = locate(study, looked);
  return {
    ...studyJson(study, located),
    ...seriesJson(study.studyInstanceUID, series, located),
  };
}

/** The patient is named as everywhere at the hub, whatever number the object holds. */
function instanceOf(one: Reached & { instance: JsonDataSet }, looked: Looked): JsonDataSet {
  const { instance, study, series } = one;
  const uid = String(instance['00080018']?.Value?.[0] ?? '');
  const { url } = locate(study, looked);
  const path = `${url}/series/${series.seriesInstanceUID}/instances/${uid}`;
  return {
    ...instance,
    ...seriesOf(one, looked),
    '00081190': { vr: 'UR', Value: [path] },
    ...(instance['00080056'] === undefined ? {} : { '00080056': instance['00080056'] }),
  };
}
