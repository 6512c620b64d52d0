/**
 * A report of another trust as a Basic Text SR of the study that it is about. PS3.3 A.35.1; IS-24 of the domain
 * notes: never an original, its source, author and status stand before its text.
 *
 *   ReportCopy + the copy's own row ─► data set, Explicit VR Little Endian
 *
 * Pure. The same version gives the same object: UIDs are digests of whose report it is, and where.
 */
import type { CopiedReport } from '../../shared/contract/commands.ts';
import type { EventBody, ReportStatus, StudyEvent } from '../../shared/contract/events.ts';
import { type Entry, writeSmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import {
  code,
  dicomDate,
  dicomTime,
  EXPLICIT_LITTLE_ENDIAN,
  type MadeDocument,
  studyEntries,
  T,
  textItem,
  uidOf,
} from '../documents/document-parts.ts';

export const BASIC_TEXT_SR = '1.2.840.10008.5.1.4.1.1.88.11';
/** Behind whatever the study has itself. */
const SERIES_NUMBER = '9901';

const STATUS_WORDS: Readonly<Record<ReportStatus, string>> = {
  preliminary: 'PRELIMINARY, may change',
  final: 'final',
  corrected: 'CORRECTED, replaces earlier versions',
  withdrawn: 'WITHDRAWN by its author',
};

export interface DocumentFacts {
  readonly report: CopiedReport;
  /** The copy as it is filed here: whose, and under which accession number. */
  readonly study: EventBody<StudyEvent>;
  /** ODS code of the receiving trust. */
  readonly trust: string;
  /** RFC 3339: when the report came here. */
  readonly retrievedAt: string;
  /** Version that the trust was given before; null: none. */
  readonly replaces: number | null;
}

type ReportName = Pick<CopiedReport, 'trust' | 'reportId'>;
type Place = { readonly studyInstanceUID: string; readonly trust: string };

/** Of one version of a report, as the receiving trust has it. */
export const documentUID = (report: ReportName, version: number, place: Place): string =>
  uidOf([...nameOf(report, place), `${version}`]);

export function reportDocument(facts: DocumentFacts): MadeDocument {
  const { report, study, trust } = facts;
  const place = { studyInstanceUID: study.studyInstanceUID, trust };
  const sopInstanceUID = documentUID(report, report.version, place);
  const seriesInstanceUID = uidOf(nameOf(report, place));
  const entries: Entry[] = [
    ...studyEntries(study),
    [Tag.SOPClassUID, BASIC_TEXT_SR],
    [Tag.SOPInstanceUID, sopInstanceUID],
    [Tag.SeriesInstanceUID, seriesInstanceUID],
    [Tag.Modality, 'SR'],
    [Tag.SeriesNumber, SERIES_NUMBER],
    [Tag.InstanceNumber, `${report.version}`],
    [Tag.SeriesDescription, `Report of ${report.trust}, not an original`],
    [Tag.InstitutionName, report.trust],
    [T.Manufacturer, 'CDIP'],
    [T.ContentDate, dicomDate(report.issuedAt)],
    [T.ContentTime, dicomTime(report.issuedAt)],
    [T.ReferencedPerformedProcedureStepSequence, []],
    [T.PerformedProcedureCodeSequence, []],
    [T.CompletionFlag, report.status === 'preliminary' ? 'PARTIAL' : 'COMPLETE'],
    // Verified or not where it was written: here nobody has.
    [T.VerificationFlag, 'UNVERIFIED'],
    [T.ValueType, 'CONTAINER'],
    [T.ConceptNameCodeSequence, [code('18748-4', 'LN', 'Diagnostic imaging report')]],
    [T.ContinuityOfContent, 'SEPARATE'],
    [T.ContentSequence, [textItem('121106', 'Comment', headingOf(facts)), bodyOf(report)]],
    ...predecessor(facts, { place, seriesInstanceUID }),
  ];
  return {
    dataSet: writeSmallDataSet(EXPLICIT_LITTLE_ENDIAN, entries),
    sopClassUID: BASIC_TEXT_SR,
    sopInstanceUID,
    seriesInstanceUID,
  };
}

function headingOf({ report, retrievedAt, replaces }: DocumentFacts): string {
  const { trust, trustName, author, issuedAt, title, status, hasDocument, isCut } = report;
  return [
    'COPY OF A REPORT OF ANOTHER TRUST, not an original of this one.',
    `Source: ${trustName} (${trust})`,
    `Status: ${STATUS_WORDS[status]}`,
    `Author: ${author === null ? 'not told' : author.replace(/\^+/g, ' ').trim()}`,
    `Issued: ${issuedAt}`,
    `Retrieved: ${retrievedAt}`,
    ...(title === null ? [] : [`Examination: ${title}`]),
    ...(replaces === null ? [] : ['Replaces the version that was delivered before.']),
    ...(hasDocument ? ['A document came with it, which is at the source.'] : []),
    ...(isCut ? ['Only its beginning is here: the whole is at the source.'] : []),
  ].join('\r\n');
}

function bodyOf({ text, status }: CopiedReport): readonly Entry[] {
  const shown =
    status === 'withdrawn' || text === null
      ? 'This report was withdrawn by the trust that wrote it. Its text is not shown.'
      : text;
  return textItem('121071', 'Finding', shown === '' ? 'No text.' : crlf(shown));
}

/** Lines of UT and ST end with CR LF. PS3.5 §6.2. */
const crlf = (text: string): string => text.replace(/\r\n|\r|\n/g, '\r\n');

function predecessor(
  { report, replaces }: DocumentFacts,
  { place, seriesInstanceUID }: { place: Place; seriesInstanceUID: string },
): Entry[] {
  if (replaces === null) return [];
  const object: Entry[] = [
    [T.ReferencedSOPClassUID, BASIC_TEXT_SR],
    [T.ReferencedSOPInstanceUID, documentUID(report, replaces, place)],
  ];
  const series: Entry[] = [
    [Tag.SeriesInstanceUID, seriesInstanceUID],
    [T.ReferencedSOPSequence, [object]],
  ];
  const study: Entry[] = [
    [Tag.StudyInstanceUID, place.studyInstanceUID],
    [T.ReferencedSeriesSequence, [series]],
  ];
  return [[T.PredecessorDocumentsSequence, [study]]];
}

const nameOf = ({ trust, reportId }: ReportName, place: Place): string[] => [
  ...['report', place.trust, place.studyInstanceUID, trust, reportId],
];
