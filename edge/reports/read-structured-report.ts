/**
 * Reports that came as DICOM objects, read as what a RIS would have told: structured reports of text and documents.
 * PS3.3 A.35.1 to A.35.3 and A.35.13 (SR), A.45.1 (Encapsulated PDF). Pure.
 *
 *   data set ─► content tree as lines │ the PDF ─► status by completion and verification ─► ReportFacts
 */
import type { ReportStatus } from '../../shared/contract/events.ts';
import type { SmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { Tag } from '../../shared/dicom/tag.ts';
import type { ReportFacts } from '../index/records/types.ts';

const ENCAPSULATED_PDF = '1.2.840.10008.5.1.4.1.1.104.1';
/** Basic Text, Enhanced, Comprehensive, Comprehensive 3D. Dose, CAD and key objects are no reports. */
const STRUCTURED = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.88\.(11|22|33|34)$/;

export const isReportClass = (sopClassUID: string): boolean =>
  sopClassUID === ENCAPSULATED_PDF || STRUCTURED.test(sopClassUID);

const T = {
  ContentDate: 0x0008_0023,
  ContentTime: 0x0008_0033,
  CodeMeaning: 0x0008_0104,
  ReferencedSeriesSequence: 0x0008_1115,
  ReferencedSOPSequence: 0x0008_1199,
  ReferencedSOPInstanceUID: 0x0008_1155,
  MeasurementUnitsCodeSequence: 0x0040_08ea,
  ValueType: 0x0040_a040,
  ConceptNameCodeSequence: 0x0040_a043,
  VerifyingObserverSequence: 0x0040_a073,
  VerifyingObserverName: 0x0040_a075,
  AuthorObserverSequence: 0x0040_a078,
  PersonNameOfObserver: 0x0040_a123,
  TextValue: 0x0040_a160,
  ConceptCodeSequence: 0x0040_a168,
  MeasuredValueSequence: 0x0040_a300,
  NumericValue: 0x0040_a30a,
  PredecessorDocumentsSequence: 0x0040_a360,
  CompletionFlag: 0x0040_a491,
  VerificationFlag: 0x0040_a493,
  ContentSequence: 0x0040_a730,
  DocumentTitle: 0x0042_0010,
  EncapsulatedDocument: 0x0042_0011,
} as const;

/** Nested deeper than this nobody reads it. */
const MAX_DEPTH = 20;

export interface ReadObject {
  readonly dataSet: SmallDataSet;
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  /** Local date and time as RFC 3339 in UTC; null for none that is valid. */
  readonly toUTC: (date: string, time: string) => string | null;
  readonly receivedAt: string;
  /** Which report the object with this UID is a version of; undefined: it is not here. */
  readonly reportOf: (sopInstanceUID: string) => string | undefined;
}

/** @returns undefined for a document without any text */
export function readObjectReport(read: ReadObject): ReportFacts | undefined {
  const { dataSet, sopClassUID, sopInstanceUID } = read;
  const isPdf = sopClassUID === ENCAPSULATED_PDF;
  const text = isPdf ? '' : linesOf(dataSet, 0).join('\n').trim();
  const pdf = isPdf ? dataSet.bytes(T.EncapsulatedDocument) : undefined;
  if (text === '' && (pdf === undefined || pdf.length === 0)) return undefined;
  const predecessors = predecessorsOf(dataSet);
  const known = predecessors.map(read.reportOf).find((id) => id !== undefined);
  const at = read.toUTC(dataSet.text(T.ContentDate) ?? '', dataSet.text(T.ContentTime) ?? '');
  const accession = dataSet.text(Tag.AccessionNumber) ?? '';
  return {
    reportId: known ?? `DICOM ${predecessors[0] ?? sopInstanceUID}`,
    accessionNumbers: accession === '' ? [] : [accession],
    studyInstanceUIDs: [dataSet.text(Tag.StudyInstanceUID) ?? ''],
    status: statusOf(dataSet, { isPdf, isLater: predecessors.length > 0 }),
    issuedAt: at ?? read.receivedAt,
    title:
      dataSet.text(T.DocumentTitle) ||
      meaningOf(dataSet, T.ConceptNameCodeSequence) ||
      dataSet.text(Tag.StudyDescription) ||
      null,
    author: authorOf(dataSet),
    ...{ authorOrganisation: null, startedAt: null, endedAt: null },
    text,
    document: pdf === undefined ? null : { mediaType: 'application/pdf', bytes: pdf },
    isAddendum: false,
  };
}

/** What nobody has verified is preliminary, however complete its author calls it. A PDF says nothing of it. */
function statusOf(
  dataSet: SmallDataSet,
  { isPdf, isLater }: { isPdf: boolean; isLater: boolean },
): ReportStatus {
  if (isPdf) return 'final';
  const isComplete = dataSet.text(T.CompletionFlag) !== 'PARTIAL';
  if (!isComplete || dataSet.text(T.VerificationFlag) !== 'VERIFIED') return 'preliminary';
  return isLater ? 'corrected' : 'final';
}

function predecessorsOf(dataSet: SmallDataSet): string[] {
  return dataSet
    .items(T.PredecessorDocumentsSequence)
    .flatMap((study) => study.items(T.ReferencedSeriesSequence))
    .flatMap((series) => series.items(T.ReferencedSOPSequence))
    .map((object) => object.text(T.ReferencedSOPInstanceUID) ?? '')
    .filter((uid) => uid !== '');
}

function authorOf(dataSet: SmallDataSet): string | null {
  const [verifier] = dataSet.items(T.VerifyingObserverSequence);
  const [author] = dataSet.items(T.AuthorObserverSequence);
  return verifier?.text(T.VerifyingObserverName) || author?.text(T.PersonNameOfObserver) || null;
}

/** A container's items, each behind its name; PS3.3 C.17.3. */
function linesOf(item: SmallDataSet, depth: number): string[] {
  if (depth > MAX_DEPTH) return [];
  return item.items(T.ContentSequence).flatMap((child) => {
    const name = meaningOf(child, T.ConceptNameCodeSequence);
    const value = textOfItem(child);
    const below = linesOf(child, depth + 1);
    if (child.text(T.ValueType) === 'CONTAINER')
      return below.length === 0 ? [] : [...(name === '' ? [] : ['', name]), ...below];
    if (value === '') return below;
    return [name === '' ? value : `${name}: ${value}`, ...below];
  });
}

function textOfItem(item: SmallDataSet): string {
  switch (item.text(T.ValueType)) {
    case 'TEXT':
      return (item.text(T.TextValue) ?? '').replace(/\r\n?/g, '\n').trim();
    case 'CODE':
      return meaningOf(item, T.ConceptCodeSequence);
    case 'NUM': {
      const [measured] = item.items(T.MeasuredValueSequence);
      const unit = measured && meaningOf(measured, T.MeasurementUnitsCodeSequence);
      return [measured?.text(T.NumericValue) ?? '', unit ?? ''].filter(Boolean).join(' ');
    }
    default:
      return '';
  }
}

const meaningOf = (item: SmallDataSet, tag: number): string =>
  item.items(tag)[0]?.text(T.CodeMeaning) ?? '';
