/**
 * QIDO-RS of what this trust holds. PS3.18 §10.6.
 *
 *   studies, series ─► index          instances ─► the series' metadata, any attribute of it
 *
 * Matching is that of C-FIND: edge/scp/query/match-value.ts.
 */
import { type JsonDataSet, tagName } from '../../shared/dicom/dicom-json.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import { acceptedJson } from '../../shared/dicomweb/accept.ts';
import {
  jsonOfTexts,
  moreResultsWarning,
  type QidoQuery,
  readQidoQuery,
} from '../../shared/dicomweb/query.ts';
import type { FoundStudy, Values } from '../scp/query/found-study.ts';
import type { LocalStudies } from '../scp/query/local-studies.ts';
import { matcherFor } from '../scp/query/match-value.ts';
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

/** `RetrieveURL` and `InstanceAvailability`. PS3.18 table 10.6.3-3. */
export const located = (
  path: string,
  availability: 'ONLINE' | 'NEARLINE' = 'ONLINE',
): JsonDataSet => ({
  '00080056': { vr: 'CS', Value: [availability] },
  '00081190': { vr: 'UR', Value: [path] },
});

export function searchStudies({ studies }: SearchParts, question: Question): WebAnswer {
  const { query, contentType } = readQuestion(question);
  const found: FoundStudy[] = [];
  for (const page of studies.candidates(query.filters))
    found.push(...page.filter(({ values }) => matches(values, query)));
  const all = found.map(
    ({ values, studyInstanceUID }): JsonDataSet => ({
      ...jsonOfTexts(values),
      ...located(`/dicom-web/studies/${studyInstanceUID}`),
    }),
  );
  return paged(all, query, contentType);
}

export function searchSeries(parts: SearchParts, scope: Scope, question: Question): WebAnswer {
  const { query, contentType } = readQuestion(question);
  const { studyInstanceUID, home } = scope;
  const asked = new Map([[0x0020_000d, studyInstanceUID]]);
  const [study] = [...parts.studies.candidates(asked)].flat().filter((one) => one.home === home);
  if (study === undefined) parts.held.series(scope);
  const all = (study?.series() ?? [])
    .filter(({ values }) => matches(values, query))
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
  const fields = fieldsOf(question.parameters['includefield']);
  const all: JsonDataSet[] = [];
  for (const series of parts.held.series(scope)) {
    const instances = parts.held.instances({ ...scope, ...series });
    const metadata = await readMetadata(await parts.metadata.of(series.seriesKey, instances));
    all.push(...metadata.filter((one) => matches(textsOf(one, query), query)));
  }
  const shown = all.map((one) => ({ ...picked(one, fields), ...located(pathOf(one)) }));
  return paged(shown, query, contentType);
}

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

/** Commas and backslashes both part the values of a list. PS3.18 §8.3.4.1. */
export function matches(values: Values, { filters }: QidoQuery): boolean {
  for (const [tag, text] of filters) {
    const vr = vrOfTag(tag);
    const key = vr === 'UI' || vr === 'CS' ? text.replaceAll(',', '\\') : text;
    const matcher = matcherFor(key, vr);
    if (matcher?.(values.get(tag) ?? '') === false) return false;
  }
  return true;
}

export function paged(
  all: readonly JsonDataSet[],
  { limit, offset }: QidoQuery,
  contentType: string,
): WebAnswer {
  const page = all.slice(offset, offset + limit);
  const remaining = all.length - offset - page.length;
  const headers: Record<string, string> =
    remaining > 0 ? { warning: moreResultsWarning(remaining) } : {};
  if (page.length === 0) return { status: 204, contentType, headers, body: '' };
  return { status: 200, contentType, headers, body: JSON.stringify(page) };
}

/** Of the attributes that are asked about. */
function textsOf(dataSet: JsonDataSet, { filters }: QidoQuery): Values {
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

const fieldsOf = (given: unknown): readonly string[] =>
  [given ?? []].flat().flatMap((text) => String(text).split(','));

function picked(dataSet: JsonDataSet, fields: readonly string[]): JsonDataSet {
  if (fields.includes('all')) return dataSet;
  const wanted = new Set([...INSTANCE_FIELDS, ...fields.map((field) => field.toUpperCase())]);
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
