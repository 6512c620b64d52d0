/**
 * QIDO-RS of what this trust holds. PS3.18 §10.6.
 *
 *   studies, series ─► index          instances ─► the series' metadata, any attribute of it
 *
 * Matching is that of C-FIND: shared/dicom/match-value.ts.
 */
import { setImmediate } from 'node:timers/promises';
import { type JsonDataSet, tagName } from '../../shared/dicom/dicom-json.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import { matcherFor } from '../../shared/dicom/match-value.ts';
import { acceptedJson } from '../../shared/dicomweb/accept.ts';
import {
  jsonOfTexts,
  moreResultsWarning,
  type QidoQuery,
  readQidoQuery,
  remarkWarning,
} from '../../shared/dicomweb/query.ts';
import type { FoundStudy, Values } from '../scp/query/found-study.ts';
import { type Level, QUERY_KEYS } from '../scp/query/keys.ts';
import type { LocalStudies } from '../scp/query/local-studies.ts';
import type { WebAnswer } from './answer.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { HeldStudies, Scope } from './held-studies.ts';
import { instancePath } from './object-head.ts';
import { readMetadata, type SeriesMetadata } from './series-metadata.ts';

export interface SearchParts {
  readonly studies: LocalStudies;
  readonly held: HeldStudies;
  readonly metadata: SeriesMetadata;
}

export interface Question {
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly accept: string | undefined;
}

/** `RetrieveURL`, `InstanceAvailability`, and in what letters it is written. PS3.18 table 10.6.3-3. */
export const located = (
  path: string,
  availability: 'ONLINE' | 'NEARLINE' = 'ONLINE',
): JsonDataSet => ({
  '00080005': { vr: 'CS', Value: ['ISO_IR 192'] },
  '00080056': { vr: 'CS', Value: [availability] },
  '00081190': { vr: 'UR', Value: [path] },
});

export async function searchStudies(
  { studies }: SearchParts,
  question: Question,
): Promise<WebAnswer> {
  const { query: asked, contentType } = readQuestion(question);
  const query = { ...asked, filters: ofStudies(asked.filters) };
  refuseOthers(query, STUDY_TAGS);
  const found: FoundStudy[] = [];
  const pages = studies.candidates(query.filters);
  let page = pages.next();
  for (; !page.done; page = pages.next()) {
    found.push(...page.value.filter(({ values }) => matches(values, query.filters)));
    await setImmediate();
  }
  const remarks = page.value.isCut ? [...query.remarks, CUT] : query.remarks;
  const all = found.map(
    ({ values, studyInstanceUID }): JsonDataSet => ({
      ...jsonOfTexts(values),
      ...located(`/dicom-web/studies/${studyInstanceUID}`),
    }),
  );
  return paged(all, { ...query, remarks }, contentType);
}

const CUT = 'There is more than can be looked through: ask for dates, or a patient';

/** Of studies a modality can only be that of one of their series. */
function ofStudies(filters: QidoQuery['filters']): QidoQuery['filters'] {
  const [one, several] = [0x0008_0060, 0x0008_0061];
  return new Map([...filters].map(([tag, text]) => [tag === one ? several : tag, text]));
}

const tagsOf = (...levels: readonly Level[]): ReadonlySet<number> =>
  new Set(QUERY_KEYS.filter(({ level }) => levels.includes(level)).map(({ tag }) => tag));
const STUDY_TAGS = tagsOf('PATIENT', 'STUDY');
const SERIES_TAGS = tagsOf('PATIENT', 'STUDY', 'SERIES');

/** Nothing would match what the index does not know. @throws DicomWebError `INVALID_QUERY` */
function refuseOthers({ filters }: QidoQuery, known: ReadonlySet<number>): void {
  const other = [...filters.keys()].find((tag) => !known.has(tag));
  if (other !== undefined)
    throw new DicomWebError('INVALID_QUERY', `${tagName(other)} can not be asked for here.`);
}

export function searchSeries(parts: SearchParts, scope: Scope, question: Question): WebAnswer {
  const { query, contentType } = readQuestion(question);
  refuseOthers(query, SERIES_TAGS);
  const { studyInstanceUID, home } = scope;
  const asked = new Map([[0x0020_000d, studyInstanceUID]]);
  const [study] = [...parts.studies.candidates(asked)].flat().filter((one) => one.home === home);
  if (study === undefined) parts.held.series(scope);
  const all = (study?.series() ?? [])
    .filter(({ values }) => matches(new Map([...(study?.values ?? []), ...values]), query.filters))
    .map(
      ({ values, seriesInstanceUID }): JsonDataSet => ({
        ...jsonOfTexts([...values, [0x0020_000d, studyInstanceUID]]),
        ...located(`/dicom-web/studies/${studyInstanceUID}/series/${seriesInstanceUID}`),
      }),
    );
  return paged(all, query, contentType);
}

/** What a list of images shows; further ones by `includefield`. PS3.18 table 10.6.3-5. */
const INSTANCE_FIELDS = [
  ...['00080005', '00080016', '00080018', '0020000D', '0020000E', '00200013', '00280008'],
  ...['00280010', '00280011', '00280100'],
];

export async function searchInstances(
  parts: SearchParts,
  scope: Scope,
  question: Question,
): Promise<WebAnswer> {
  const { query, contentType } = readQuestion(question);
  const all: JsonDataSet[] = [];
  for (const series of parts.held.series(scope)) {
    const instances = parts.held.instances({ ...scope, ...series });
    const metadata = await readMetadata(await parts.metadata.of(series.seriesKey, instances));
    const { filters } = query;
    all.push(...metadata.filter((one) => matches(textsOf(one, filters), filters)));
  }
  const shown = all.map((one) => shownOf(one, query));
  return paged(shown, query, contentType);
}

/** An object as a list shows it. */
export const shownOf = (one: JsonDataSet, { fields }: Pick<QidoQuery, 'fields'>): JsonDataSet => ({
  ...picked(one, fields),
  ...located(pathOf(one)),
});

/** @throws DicomWebError `NOT_ACCEPTABLE`, `INVALID_QUERY` */
export function readQuestion({ parameters, accept }: Question): {
  query: QidoQuery;
  contentType: string;
} {
  const contentType = acceptedJson(accept);
  if (contentType === undefined)
    throw new DicomWebError('NOT_ACCEPTABLE', 'This is answered as application/dicom+json.');
  const found = readQidoQuery(parameters);
  if ('fault' in found) throw new DicomWebError('INVALID_QUERY', `${found.fault}.`);
  return { query: found.query, contentType };
}

export function matches(values: Values, filters: QidoQuery['filters']): boolean {
  for (const [tag, text] of filters) {
    const matcher = matcherFor(text, vrOfTag(tag));
    if (matcher?.(values.get(tag) ?? '') === false) return false;
  }
  return true;
}

export function paged(
  all: readonly JsonDataSet[],
  query: QidoQuery,
  contentType: string,
): WebAnswer {
  const { limit, offset } = query;
  const shown = all.slice(offset, offset + limit);
  return answerPage({ shown, remaining: all.length - offset - shown.length }, query, contentType);
}

export function answerPage(
  { shown: page, remaining }: { shown: readonly JsonDataSet[]; remaining: number },
  { remarks }: Pick<QidoQuery, 'remarks'>,
  contentType: string,
): WebAnswer {
  const warnings = remarks.map(remarkWarning);
  if (remaining > 0) warnings.push(moreResultsWarning(remaining));
  const headers: Record<string, string> =
    warnings.length > 0 ? { warning: warnings.join(', ') } : {};
  if (page.length === 0) return { status: 204, contentType, headers, body: '' };
  return { status: 200, contentType, headers, body: JSON.stringify(page) };
}

/** Of the attributes that are asked about. */
export function textsOf(dataSet: JsonDataSet, filters: QidoQuery['filters']): Values {
  const texts = [...filters.keys()].map((tag): [number, string] => {
    const values = dataSet[tagName(tag)]?.Value ?? [];
    return [tag, values.map(textOf).join('\\')];
  });
  return new Map(texts);
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  return String((value as { Alphabetic?: unknown }).Alphabetic ?? '');
}

function picked(dataSet: JsonDataSet, fields: readonly string[]): JsonDataSet {
  if (fields.includes('all')) return dataSet;
  const wanted = new Set([...INSTANCE_FIELDS, ...fields]);
  return Object.fromEntries(Object.entries(dataSet).filter(([tag]) => wanted.has(tag)));
}

function pathOf(dataSet: JsonDataSet): string {
  const uid = (tag: string): string => String(dataSet[tag]?.Value?.[0] ?? '');
  return instancePath({
    studyInstanceUID: uid('0020000D'),
    seriesInstanceUID: uid('0020000E'),
    sopInstanceUID: uid('00080018'),
  });
}
