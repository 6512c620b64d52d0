/**
 * QIDO-RS over the network: studies and series of all trusts. PS3.18 §10.6.
 *
 *   filters by tag ─► StudyQuery ─► hub/search ─► DICOM JSON
 *
 * Each trust has its own patient numbers, and the same number names other people elsewhere. So a patient
 * is named here by the NHS number, and without one by `number^^^issuer` (HL7 CX): whoever asks for all
 * studies of the PatientID that an answer gave gets this person's, of all trusts, and nobody else's.
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { jsonOfTexts, type QidoQuery } from '../../shared/dicomweb/query.ts';
import { readNhsNumber } from '../../shared/nhs-number.ts';
import { readDate } from '../search/dates.ts';
import type { StudyQuery } from '../search/query.ts';
import type { PatientView, StudyView } from '../search/rows.ts';
import type { SeriesView } from '../search/study.ts';

const T = {
  StudyDate: 0x0008_0020,
  StudyTime: 0x0008_0030,
  AccessionNumber: 0x0008_0050,
  InstanceAvailability: 0x0008_0056,
  Modality: 0x0008_0060,
  ModalitiesInStudy: 0x0008_0061,
  InstitutionName: 0x0008_0080,
  ReferringPhysicianName: 0x0008_0090,
  StudyDescription: 0x0008_1030,
  SeriesDescription: 0x0008_103e,
  RetrieveURL: 0x0008_1190,
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
  NumberOfStudyRelatedSeries: 0x0020_1206,
  NumberOfStudyRelatedInstances: 0x0020_1208,
  NumberOfSeriesRelatedInstances: 0x0020_1209,
} as const;

/** The issuer of NHS numbers, as objects name it. */
const NHS = 'NHS';

type Fault = { readonly fault: string };
type Asked = { -readonly [K in keyof StudyQuery]: StudyQuery[K] };

/**
 * @param ownIssuer who issued a PatientID that comes without: the asker's own trust; null: nobody
 * @returns `fault`: why it can't be asked, in words
 */
export function studyQueryOf(
  { filters }: QidoQuery,
  ownIssuer: string | null,
): { readonly query: StudyQuery } | Fault {
  const asked: Asked = {};
  for (const [tag, text] of filters) {
    const read = READERS.get(tag);
    if (read === undefined || !read(asked, text))
      return {
        fault: `${tag.toString(16).padStart(8, '0')} can not be asked for in this way here`,
      };
  }
  const patient = patientOf(asked, filters.get(T.IssuerOfPatientID) ?? ownIssuer);
  return patient ?? { query: asked };
}

const READERS: ReadonlyMap<number, (asked: Asked, text: string) => boolean> = new Map([
  [T.PatientID, plain('patientId')],
  [T.IssuerOfPatientID, plain('issuer')],
  [T.AccessionNumber, plain('accessionNumber')],
  [T.StudyInstanceUID, plain('studyInstanceUID')],
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

function plain(key: 'patientId' | 'issuer' | 'accessionNumber' | 'studyInstanceUID') {
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
  series: SeriesView,
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
    [T.NumberOfSeriesRelatedInstances, String(series.numberOfInstances)],
  ]);
}

/** Series of a study that match; Modality, SeriesNumber, SeriesInstanceUID may be asked for. */
export function seriesMatching(
  series: readonly SeriesView[],
  { filters }: QidoQuery,
): readonly SeriesView[] | Fault {
  let found = series;
  for (const [tag, text] of filters) {
    const value = VALUE_OF_SERIES.get(tag);
    if (value === undefined)
      return {
        fault: `${tag.toString(16).padStart(8, '0')} can not be asked for in this way here`,
      };
    const wanted = text.split(/[,\\]/);
    found = found.filter((one) => wanted.includes(value(one)));
  }
  return found;
}

const VALUE_OF_SERIES: ReadonlyMap<number, (series: SeriesView) => string> = new Map([
  [T.Modality, (series) => series.modality ?? ''],
  [T.SeriesNumber, (series) => String(series.seriesNumber ?? '')],
  [T.SeriesInstanceUID, (series) => series.seriesInstanceUID],
  [T.BodyPartExamined, (series) => series.bodyPart ?? ''],
]);

/** As DICOM writes dates and times: without punctuation. */
const stored = (iso: string | null): string => iso?.replace(/[-:]/g, '') ?? '';
