/**
 * A QIDO-RS question. PS3.18 §8.3.4, §10.6.
 *
 *   ?PatientName=SMITH*&00080061=CT&includefield=all&limit=20 ─► readQidoQuery ─► filters by tag, paging
 *
 * A filter that is not understood is refused, never ignored: the answer would be of other studies.
 */
import { charsetOf } from '../dicom/character-set.ts';
import { type JsonDataSet, tagName } from '../dicom/dicom-json.ts';
import { vrOfTag } from '../dicom/dictionary.ts';
import { jsonValues } from '../dicom/json-values.ts';
import { keyFault } from '../dicom/key-fault.ts';
import { tagOfKeyword } from './keywords.ts';

/** More than a person looks through, less than what makes an answer slow. */
export const MAX_QIDO_RESULTS = 1_000;
const OWN_PARAMETERS = new Set([
  ...['limit', 'offset', 'includefield', 'fuzzymatching', 'home', 'listed'],
]);

export interface QidoQuery {
  /** Text by tag, as asked; empty ones match everything and are left out. */
  readonly filters: ReadonlyMap<number, string>;
  readonly limit: number;
  readonly offset: number;
  /** As 8 hexadecimal digits; `all`. */
  readonly fields: readonly string[];
  /** What the answer does not do as it was asked, in words. */
  readonly remarks: readonly string[];
}

/** PS3.18 §8.3.4.2 has it said so. */
const NOT_FUZZY =
  'The fuzzymatching parameter is not supported. Only literal matching has been performed.';

/**
 * @param parameters of the query string, each with its value or values
 * @returns `fault`: why it can't be answered, in words for whoever asked
 */
export function readQidoQuery(
  parameters: Readonly<Record<string, unknown>>,
): { readonly query: QidoQuery } | { readonly fault: string } {
  const filters = filtersOf(parameters);
  if ('fault' in filters) return filters;
  const limit = countOf(parameters['limit'], MAX_QIDO_RESULTS);
  const offset = countOf(parameters['offset'], 0);
  if (limit === undefined || offset === undefined)
    return { fault: 'limit and offset are whole numbers from 0' };
  const fuzzy = parameters['fuzzymatching'] ?? 'false';
  if (fuzzy !== 'true' && fuzzy !== 'false') return { fault: 'fuzzymatching is true or false' };
  const fields = fieldsOf(parameters['includefield']);
  const remarks = fuzzy === 'true' ? [NOT_FUZZY] : [];
  return { query: { filters, limit: Math.min(limit, MAX_QIDO_RESULTS), offset, fields, remarks } };
}

function filtersOf(
  parameters: Readonly<Record<string, unknown>>,
): ReadonlyMap<number, string> | { readonly fault: string } {
  const filters = new Map<number, string>();
  for (const [name, given] of Object.entries(parameters)) {
    if (OWN_PARAMETERS.has(name.toLowerCase())) continue;
    const tag = tagOfKeyword(name) ?? tagOf(name);
    if (tag === undefined) return { fault: `${name} is no attribute that can be asked for here` };
    const text = listOf([given].flat().map(String).join('\\').trim(), vrOfTag(tag));
    if (text === '' || text === '*') continue;
    const fault = keyFault(text, vrOfTag(tag));
    if (fault !== undefined) return { fault: `${name}: ${fault}` };
    filters.set(tag, text);
  }
  return filters;
}

/** Commas and backslashes both part the values of a list. PS3.18 §8.3.4.1. */
const listOf = (text: string, vr: string): string =>
  vr === 'UI' || vr === 'CS' ? text.replaceAll(',', '\\') : text;

/** By keyword or tag; what is neither is left out of the answer, as PS3.18 §8.3.4.3 allows. */
const fieldsOf = (given: unknown): readonly string[] =>
  [given ?? []]
    .flat()
    .flatMap((text) => String(text).split(','))
    .map((field) => {
      const tag = tagOfKeyword(field);
      if (tag !== undefined) return tagName(tag);
      return field === 'all' ? field : field.toUpperCase();
    });

function tagOf(name: string): number | undefined {
  return /^[0-9A-Fa-f]{8}$/.test(name) ? Number.parseInt(name, 16) : undefined;
}

function countOf(given: unknown, otherwise: number): number | undefined {
  if (given === undefined) return otherwise;
  return typeof given === 'string' && /^\d{1,9}$/.test(given) ? Number(given) : undefined;
}

const UTF8 = charsetOf('ISO_IR 192');

/** DICOM JSON of text by tag; what is empty stands without a value. PS3.18 §F.2.5. */
export function jsonOfTexts(values: Iterable<readonly [tag: number, text: string]>): JsonDataSet {
  const dataSet: JsonDataSet = {};
  const sorted = [...values].sort(([a], [b]) => a - b);
  for (const [tag, text] of sorted) {
    const vr = vrOfTag(tag);
    const found = jsonValues(vr, Buffer.from(text), { charset: UTF8, bigEndian: false });
    dataSet[tagName(tag)] = found.length === 0 ? { vr } : { vr, Value: found };
  }
  return dataSet;
}

export const remarkWarning = (remark: string): string => `299 cdip "${remark}"`;

/** What a page of results leaves out, as PS3.18 §8.3.4.4 has it said. */
export const moreResultsWarning = (remaining: number): string =>
  remarkWarning(`There are ${remaining} additional results that can be requested`);
