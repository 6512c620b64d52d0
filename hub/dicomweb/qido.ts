/**
 * QIDO-RS over the network: studies and series of all trusts. PS3.18 §10.6.
 *
 *   filters by tag ─► StudyQuery ─► hub/search ─► DICOM JSON
 *
 * Each trust has its own patient numbers, and the same number names other people elsewhere. So a patient
 * is named here by the NHS number, and without one by `number^^^issuer` (HL7 CX): whoever asks for all
 * studies of the PatientID that an answer gave gets this person's, of all trusts, and nobody else's.
 */
import { type JsonDataSet, tagName } from '../../shared/dicom/dicom-json.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import { type Matcher, matcherFor } from '../../shared/dicom/match-value.ts';
import { KeywordTag as T } from '../../shared/dicomweb/keywords.ts';
import { jsonOfTexts, type QidoQuery } from '../../shared/dicomweb/query.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { readDate } from '../search/dates.ts';
import type { StudyQuery } from '../search/query.ts';
import type { PatientView, StudyRow, StudyView } from '../search/rows.ts';
import type { SeriesView } from '../search/study.ts';

/** The issuer of NHS numbers, as objects name it. */
const NHS = 'NHS';

type Fault = { readonly fault: string };
type Asked = { -readonly [K in keyof StudyQuery]: StudyQuery[K] };

export interface StudyQuestion {
  readonly query: StudyQuery;
  /** The rest of it, matched study by study; absent: there is none. */
  readonly matches?: (row: StudyRow) => boolean;
}

/**
 * @param ownIssuer who issued a PatientID that comes without: the asker's own trust; null: nobody
 * @returns `fault`: why it can't be asked, in words
 */
export function studyQueryOf(
  { filters }: Pick<QidoQuery, 'filters'>,
  ownIssuer: string | null,
): StudyQuestion | Fault {
  const asked: Asked = {};
  const matchers: ((row: StudyRow) => boolean)[] = [];
  for (const [tag, text] of filters) {
    const read = READERS.get(tag);
    if (read?.(asked, text) === true) continue;
    const matches = matchesRow(tag, text);
    if (matches === undefined) return refused(tag);
    matchers.push(matches);
  }
  const fault = patientOf(asked, filters.get(T.IssuerOfPatientID) ?? ownIssuer);
  if (fault !== undefined) return fault;
  if (matchers.length === 0) return { query: asked };
  return { query: asked, matches: (row) => matchers.every((matches) => matches(row)) };
}

const refused = (tag: number): Fault => ({
  fault: `${tagName(tag)} can not be asked for in this way here`,
});

/** What no index helps with. */
const VALUE_OF_ROW: ReadonlyMap<number, (row: StudyRow) => string | null> = new Map([
  [T.StudyTime, ({ study_time }) => study_time],
  [T.StudyID, ({ study_id }) => study_id],
  [T.ReferringPhysicianName, ({ referring_physician }) => referring_physician],
  [T.StudyDescription, ({ description }) => description],
  [T.InstitutionName, ({ institution }) => institution],
  [T.PatientSex, ({ sex }) => sex],
  [T.PatientBirthDate, ({ birth_date }) => birth_date],
] satisfies [number, (row: StudyRow) => string | null][]);

function matchesRow(tag: number, text: string): ((row: StudyRow) => boolean) | undefined {
  const value = VALUE_OF_ROW.get(tag);
  const matcher = matcherFor(text, vrOfTag(tag));
  if (value === undefined || matcher === undefined) return undefined;
  return (row) => matcher(value(row) ?? '');
}

/** Matched against a study and its patient; what a modality says is of its series. */
export const isOfStudy = (tag: number): boolean =>
  tag !== T.Modality && (READERS.has(tag) || VALUE_OF_ROW.has(tag));
export const isOfSeries = (tag: number): boolean => VALUE_OF_SERIES.has(tag);

const READERS: ReadonlyMap<number, (asked: Asked, text: string) => boolean> = new Map([
  [T.PatientID, plain('patientId')],
  [T.IssuerOfPatientID, plain('issuer')],
  [T.AccessionNumber, plain('accessionNumber')],
  [T.StudyInstanceUID, uids],
  [T.PatientName, name],
  [T.PatientBirthDate, date('birthDate')],
  [T.ModalitiesInStudy, modalities],
  [T.Modality, modalities],
  [T.StudyDate, range],
]);

function name(asked: Asked, text: string): boolean {
  asked.patientName = text;
  return true;
}

function uids(asked: Asked, text: string): boolean {
  asked.studyInstanceUID = text;
  return true;
}

function plain(key: 'patientId' | 'issuer' | 'accessionNumber') {
  return (asked: Asked, text: string): boolean => {
    if (/[*?\\]/.test(text)) return false;
    asked[key] = text;
    return true;
  };
}

function date(key: 'birthDate' | 'from' | 'to') {
  return (asked: Asked, text: string): boolean => {
    const found = readDate(text);
    if (found !== null) asked[key] = found;
    return found !== null;
  };
}

function modalities(asked: Asked, text: string): boolean {
  asked.modality = text.toUpperCase().split(/[,\\]/);
  return !/[*?]/.test(text);
}

/** `a`, `a-b`, `a-`, `-b`. PS3.4 C.2.2.2.5. */
function range(asked: Asked, text: string): boolean {
  const [from = '', to = from] = text.split('-');
  const isFromRead = from === '' || date('from')(asked, from);
  return isFromRead && (to === '' || date('to')(asked, to));
}

/** Resolves PatientID in place. */
function patientOf(asked: Asked, issuer: string | null): Fault | undefined {
  const given = asked.patientId;
  if (given === undefined) {
    if (asked.accessionNumber === undefined) delete asked.issuer;
    return undefined;
  }
  const [number = '', namedIssuer] = given.split('^^^');
  const by = namedIssuer ?? issuer;
  const nhsNumber = namedIssuer === undefined ? readNhsNumber(number) : null;
  if (nhsNumber !== null && (asked.issuer === undefined || asked.issuer === NHS)) {
    delete asked.patientId;
    delete asked.issuer;
    asked.nhsNumber = nhsNumber;
    return undefined;
  }
  if (by === null)
    return {
      fault:
        'IssuerOfPatientID is needed with a PatientID that is no NHS number: the same number names other people elsewhere',
    };
  asked.patientId = number;
  asked.issuer = by;
  return undefined;
}

/** How this network names a patient to DICOMweb. */
function patientNumber({ nhsNumber, patientId, issuer }: PatientView): [string, string] {
  return nhsNumber === null ? [`${patientId}^^^${issuer}`, issuer] : [nhsNumber, NHS];
}

/** A series as a list shows it, told to the hub or listed by an edge. */
export interface ListedSeries
  extends Pick<
    SeriesView,
    'seriesInstanceUID' | 'modality' | 'seriesNumber' | 'description' | 'bodyPart'
  > {
  /** Null: not known. */
  readonly numberOfInstances: number | null;
}

export interface Located {
  /** Absolute URL of the study. */
  readonly url: string;
  /** Its home, or an equal copy, answers. */
  readonly isOnline: boolean;
}

export function studyJson(study: StudyView, { url, isOnline }: Located): JsonDataSet {
  const { patient } = study;
  const [patientId, issuer] = patientNumber(patient);
  return jsonOfTexts([
    [0x0008_0005, 'ISO_IR 192'],
    [T.StudyDate, stored(study.studyDate)],
    [T.StudyTime, stored(study.studyTime)],
    [T.AccessionNumber, study.accessionNumber ?? ''],
    [T.InstanceAvailability, isOnline ? study.availability : 'OFFLINE'],
    [T.ModalitiesInStudy, study.modalities.join('\\')],
    [T.InstitutionName, study.institution ?? study.home],
    [T.ReferringPhysicianName, study.referringPhysician ?? ''],
    [T.StudyDescription, study.description ?? ''],
    [T.RetrieveURL, url],
    [T.PatientName, patient.name ?? ''],
    [T.PatientID, patientId],
    [T.IssuerOfPatientID, issuer],
    [T.PatientBirthDate, stored(patient.birthDate)],
    [T.PatientSex, patient.sex ?? ''],
    [T.StudyInstanceUID, study.studyInstanceUID],
    [T.StudyID, study.studyId ?? ''],
    [T.NumberOfStudyRelatedSeries, countText(study.numberOfSeries)],
    [T.NumberOfStudyRelatedInstances, countText(study.numberOfInstances)],
  ]);
}

const countText = (count: number | null): string => (count === null ? '' : String(count));

export function seriesJson(
  studyInstanceUID: string,
  series: ListedSeries,
  { url, isOnline }: Located,
): JsonDataSet {
  return jsonOfTexts([
    [0x0008_0005, 'ISO_IR 192'],
    [T.InstanceAvailability, isOnline ? 'ONLINE' : 'OFFLINE'],
    [T.Modality, series.modality ?? ''],
    [T.SeriesDescription, series.description ?? ''],
    [T.RetrieveURL, `${url}/series/${series.seriesInstanceUID}`],
    [T.BodyPartExamined, series.bodyPart ?? ''],
    [T.StudyInstanceUID, studyInstanceUID],
    [T.SeriesInstanceUID, series.seriesInstanceUID],
    [T.SeriesNumber, series.seriesNumber === null ? '' : String(series.seriesNumber)],
    [T.NumberOfSeriesRelatedInstances, countText(series.numberOfInstances)],
  ]);
}

/** Series of a study that match. */
export function seriesMatching<S extends ListedSeries>(
  series: readonly S[],
  { filters }: Pick<QidoQuery, 'filters'>,
): readonly S[] | Fault {
  const matchers: [value: (series: ListedSeries) => string, matcher: Matcher][] = [];
  for (const [tag, text] of filters) {
    const value = VALUE_OF_SERIES.get(tag);
    const matcher = matcherFor(text, vrOfTag(tag));
    if (value === undefined || matcher === undefined) return refused(tag);
    matchers.push([value, matcher]);
  }
  return series.filter((one) => matchers.every(([value, matcher]) => matcher(value(one))));
}

const VALUE_OF_SERIES: ReadonlyMap<number, (series: ListedSeries) => string> = new Map([
  [T.Modality, (series) => series.modality ?? ''],
  [T.SeriesNumber, (series) => String(series.seriesNumber ?? '')],
  [T.SeriesInstanceUID, (series) => series.seriesInstanceUID],
  [T.SeriesDescription, (series) => series.description ?? ''],
  [T.BodyPartExamined, (series) => series.bodyPart ?? ''],
]);

/** As DICOM writes dates and times: without punctuation. */
const stored = (iso: string | null): string => iso?.replace(/[-:]/g, '') ?? '';
