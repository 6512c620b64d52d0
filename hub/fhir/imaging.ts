/**
 * Studies and reports of all trusts as FHIR R4: ImagingStudy, DiagnosticReport, along UK Core. Pixels are asked of the
 * endpoint that each study names.
 */
import type { ReportView } from '../reports/reports.ts';
import type { StudyView } from '../search/rows.ts';
import type { SeriesView } from '../search/study.ts';
import { fhirId } from './ids.ts';
import { type FhirResource, organization, patientIdentifier } from './resources.ts';

export const DICOM_UID_SYSTEM = 'urn:dicom:uid';
/** Of numbers that a trust, or an issuer, gives: its name stands behind. */
export const ACCESSION_SYSTEM = 'urn:cdip:accession:';
export const REPORT_SYSTEM = 'urn:cdip:report:';
const DCM_SYSTEM = 'http://dicom.nema.org/resources/ontology/DCM';
const IDENTIFIER_TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203';
const SERVICE_SECTIONS = 'http://terminology.hl7.org/CodeSystem/v2-0074';
const CONNECTION_TYPES = 'http://terminology.hl7.org/CodeSystem/endpoint-connection-type';
const MAX_ID = 64;

export interface NamedStudy extends StudyView {
  readonly trustName: string;
  /** Where one study is asked for. */
  readonly series?: readonly SeriesView[];
}

/** Two trusts may claim one UID as their own: its home stands behind, where an id has room for it. */
export function imagingStudyId({
  studyInstanceUID,
  home,
}: Pick<StudyView, 'studyInstanceUID' | 'home'>): string {
  const id = `${studyInstanceUID}-${home}`;
  return id.length > MAX_ID ? studyInstanceUID : id;
}

/** Null for what is no id of one. */
export function studyOfId(id: string): { uid: string; home: string | undefined } | null {
  const match = /^([\d.]+)(?:-([A-Za-z0-9]+))?$/.exec(id);
  return match?.[1] === undefined ? null : { uid: match[1], home: match[2] };
}

const uidIdentifier = (uid: string): object => ({
  ...{ system: DICOM_UID_SYSTEM, value: `urn:oid:${uid}` },
});

const modality = (code: string): object => ({ system: DCM_SYSTEM, code });

const given = (fields: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

/** @param dicomWeb address of the DICOMweb service that streams it */
export function imagingStudyResource(study: NamedStudy, dicomWeb: string): FhirResource {
  const { studyInstanceUID, home, accessionNumber, accessionIssuer, trustName } = study;
  const accession = {
    type: { coding: [{ system: IDENTIFIER_TYPES, code: 'ACSN' }] },
    ...{ system: `${ACCESSION_SYSTEM}${accessionIssuer ?? home}`, value: accessionNumber },
  };
  return {
    resourceType: 'ImagingStudy',
    id: imagingStudyId(study),
    meta: { versionId: study.setHash.slice(0, MAX_ID), lastUpdated: study.asOf },
    contained: [
      {
        ...{ resourceType: 'Endpoint', id: 'wado', status: 'active' },
        connectionType: { system: CONNECTION_TYPES, code: 'dicom-wado-rs' },
        payloadType: [{ text: 'DICOM WADO-RS' }],
        managingOrganization: { type: 'Organization', ...organization(home), display: trustName },
        address: dicomWeb,
      },
    ],
    identifier: [uidIdentifier(studyInstanceUID), ...(accessionNumber === null ? [] : [accession])],
    // Known of, while its home says that it is not complete.
    status: study.complete === false ? 'registered' : 'available',
    modality: study.modalities.map(modality),
    subject: subjectOf(study.patient),
    // A time of the day without a zone is no dateTime: the day stands alone.
    ...given({ started: study.studyDate, description: study.description }),
    ...(study.referringPhysician === null
      ? {}
      : { referrer: { display: study.referringPhysician } }),
    endpoint: [{ reference: '#wado' }],
    ...given({
      ...{ numberOfSeries: study.numberOfSeries, numberOfInstances: study.numberOfInstances },
    }),
    ...(study.institution === null ? {} : { location: { display: study.institution } }),
    ...(study.series === undefined ? {} : { series: study.series.map(seriesOf) }),
  };
}

const seriesOf = (series: SeriesView): object => ({
  uid: series.seriesInstanceUID,
  modality: modality(series.modality ?? 'OT'),
  ...given({ number: series.seriesNumber, description: series.description }),
  numberOfInstances: series.numberOfInstances,
  ...(series.bodyPart === null ? {} : { bodySite: { display: series.bodyPart } }),
});

const subjectOf = (patient: {
  readonly nhsNumber: string | null;
  readonly patientId: string;
  readonly issuer: string;
}): object => ({ type: 'Patient', identifier: patientIdentifier(patient) });

const REPORT_STATUS: Readonly<Record<ReportView['status'], string>> = {
  ...{ preliminary: 'preliminary', final: 'final', corrected: 'corrected' },
  withdrawn: 'entered-in-error',
};

export const reportStatus = (status: ReportView['status']): string => REPORT_STATUS[status];

export const diagnosticReportId = ({
  trust,
  reportId,
}: Pick<ReportView, 'trust' | 'reportId'>): string => fhirId(`${trust}.${reportId}`);

/** @param name of the id, as `nameOfFhirId` gives it */
export function reportOfName(name: string): { trust: string; reportId: string } | null {
  const at = name.indexOf('.');
  return at < 1 ? null : { trust: name.slice(0, at), reportId: name.slice(at + 1) };
}

/** The version in force; of one that was withdrawn no text. */
export function diagnosticReportResource(
  report: ReportView,
  nhsNumber: string | null,
): FhirResource {
  const { trust, reportId, patientId, issuer, title, author, text } = report;
  const accessions = report.accessionNumbers.map((value) => ({
    type: { coding: [{ system: IDENTIFIER_TYPES, code: 'ACSN' }] },
    ...{ system: `${ACCESSION_SYSTEM}${trust}`, value },
  }));
  return {
    resourceType: 'DiagnosticReport',
    id: diagnosticReportId(report),
    meta: { versionId: String(report.version) },
    identifier: [{ system: `${REPORT_SYSTEM}${trust}`, value: reportId }, ...accessions],
    status: REPORT_STATUS[report.status],
    category: [{ coding: [{ system: SERVICE_SECTIONS, code: 'RAD' }] }],
    code: { text: title ?? 'Imaging report' },
    subject: subjectOf({ nhsNumber, patientId, issuer }),
    issued: report.issuedAt,
    performer: [{ type: 'Organization', ...organization(trust) }],
    ...(author === null ? {} : { resultsInterpreter: [{ display: author }] }),
    ...(report.studyInstanceUIDs.length === 0
      ? {}
      : {
          imagingStudy: report.studyInstanceUIDs.map((uid) => ({
            ...{ type: 'ImagingStudy', identifier: uidIdentifier(uid) },
          })),
        }),
    ...(text === null
      ? {}
      : {
          presentedForm: [
            {
              ...{ contentType: 'text/plain; charset=utf-8', language: 'en-GB' },
              data: Buffer.from(text, 'utf8').toString('base64'),
              ...(report.isCut ? { title: 'The beginning of a longer report' } : {}),
            },
          ],
        }),
  };
}

/** Of a search set: whom it does not speak for, and what it may not show. Null: nothing is left out. */
export function leftOut(notes: readonly string[]): FhirResource | null {
  if (notes.length === 0) return null;
  return {
    resourceType: 'OperationOutcome',
    issue: notes.map((diagnostics) => ({
      ...{ severity: 'warning', code: 'incomplete', diagnostics },
    })),
  };
}
