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

/** Attributes that may be named by keyword; by tag any may. */
const TAG_OF_KEYWORD: Readonly<Record<string, number>> = {
  StudyDate: 0x0008_0020,
  StudyTime: 0x0008_0030,
  AccessionNumber: 0x0008_0050,
  Modality: 0x0008_0060,
  ModalitiesInStudy: 0x0008_0061,
  InstitutionName: 0x0008_0080,
  ReferringPhysicianName: 0x0008_0090,
  StudyDescription: 0x0008_1030,
  SeriesDescription: 0x0008_103e,
  SOPClassUID: 0x0008_0016,
  SOPInstanceUID: 0x0008_0018,
  PatientName: 0x0010_0010,
  PatientID: 0x0010_0020,
  IssuerOfPatientID: 0x0010_0021,
  PatientBirthDate: 0x0010_0030,
  PatientSex: 0x0010_0040,
  BodyPartExamined: 0x0018_0015,
  StudyInstanceUID: 0x0020_000d,
  SeriesInstanceUID: 0x0020_000e,
  StudyID: 0x0020_0010,
  SeriesNumber: 0x0020_0011,
  InstanceNumber: 0x0020_0013,
};

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
}

/**
 * @param parameters of the query string, each with its value or values
 * @returns `fault`: why it can't be answered, in words for whoever asked
 */
export function readQidoQuery(
  parameters: Readonly<Record<string, unknown>>,
): { readonly query: QidoQuery } | { readonly fault: string } {
  const filters = new Map<number, string>();
  for (const [name, given] of Object.entries(parameters)) {
    if (OWN_PARAMETERS.has(name.toLowerCase())) continue;
    const tag = TAG_OF_KEYWORD[name] ?? tagOf(name);
    if (tag === undefined) return { fault: `${name} is no attribute that can be asked for here` };
    const text = [given].flat().map(String).join('\\').trim();
    if (text !== '' && text !== '*') filters.set(tag, text);
  }
  const limit = countOf(parameters['limit'], MAX_QIDO_RESULTS);
  const offset = countOf(parameters['offset'], 0);
  if (limit === undefined || offset === undefined)
    return { fault: 'limit and offset are whole numbers from 0' };
  return { query: { filters, limit: Math.min(limit, MAX_QIDO_RESULTS), offset } };
}

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

/** What a page of results leaves out, as PS3.18 §8.3.4.4 has it said. */
export const moreResultsWarning = (remaining: number): string =>
  `299 cdip "There are ${remaining} additional results that can be requested"`;
