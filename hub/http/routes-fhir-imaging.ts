/**
 * FHIR R4 ImagingStudy and DiagnosticReport: what other systems, such as a shared care record, ask of a patient's
 * images. The same search and the same rules of who sees what as `/api/studies`; a set says what it leaves out.
 */
import * as z from 'zod';
import { auditedPatient } from '../../shared/audit/entry.ts';
import { subjectsOfStudies } from '../audit/subjects.ts';
import { nameOfFhirId } from '../fhir/ids.ts';
import {
  ACCESSION_SYSTEM,
  DICOM_UID_SYSTEM,
  diagnosticReportResource,
  imagingStudyResource,
  leftOut,
  type NamedStudy,
  reportOfName,
  reportStatus,
  studyOfId,
} from '../fhir/imaging.ts';
import { LOCAL_SYSTEM, NHS_NUMBER_SYSTEM } from '../fhir/resources.ts';
import { tokenOf } from '../fhir/search-parameters.ts';
import { findIdentity } from '../identity/identities.ts';
import type { WithheldNote } from '../relations/disclosure.ts';
import { disclosedTimeline } from '../relations/find-patient.ts';
import { findDisclosed } from '../relations/find-studies.ts';
import { findReport, type ReportView, reportsOf } from '../reports/reports.ts';
import { type StudyQuery, StudyQuerySchema } from '../search/query.ts';
import type { StudyView } from '../search/rows.ts';
import { type ApiRoute, apiRoute } from './api-route.ts';
import { baseUrlOf } from './base-url.ts';
import { requireShown, withheldJson } from './disclosed.ts';
import type { HttpParts } from './parts.ts';
import { HttpProblem } from './problem.ts';
import {
  FHIR_JSON,
  PageQuery,
  rangeOf,
  searchFault,
  sendOne,
  sendSet,
  Values,
} from './routes-fhir.ts';
import { requireStudies, trustName } from './routes-studies.ts';
import { NoQuery } from './schemas.ts';
import { validate } from './validate.ts';

const RESOURCE = { status: 200, schema: FHIR_JSON } as const;
const Token = z.string().trim().min(1).max(200).optional();
const PatientQuery = {
  patient: Token.describe('NHS number, or system|number'),
  'patient.identifier': Token,
};
const NO_REPORTS = { limit: 1, offset: 0 } as const;

export const imagingRoutes = (parts: HttpParts): ApiRoute[] => [
  studySearch(parts),
  studyRead(parts),
  reportSearch(parts),
  reportRead(parts),
];

function studySearch(parts: HttpParts): ApiRoute {
  const { db } = parts.projection;
  return apiRoute({
    method: 'GET',
    path: '/fhir/ImagingStudy',
    summary: 'Studies of all trusts, newest first',
    ...{ action: 'search', audit: 'search', answer: RESOURCE },
    query: z.strictObject({
      ...PatientQuery,
      identifier: Token.describe('urn:dicom:uid|urn:oid:UID, or an accession number'),
      modality: Values,
      started: Values,
      ...PageQuery,
    }),
    problems: ['VALIDATION_FAILED', 'INVALID_NHS_NUMBER'],
    run: ({ query, discloser, saw, reply, request }) => {
      const { _count: count, _offset: offset } = query;
      const asked = studyQuery(query);
      const page = { limit: count, offset };
      const { studies, total, withheld } = findDisclosed(db, discloser, { query: asked, page });
      saw(subjectsOfStudies(studies));
      const resources = studies.map((study) => resourceOf(parts, request, study));
      const outcome = leftOut(notesOf(parts, withheld));
      return sendSet(parts, { reply, request }, { resources, total, count, offset, outcome });
    },
  });
}

function studyRead(parts: HttpParts): ApiRoute {
  return apiRoute({
    method: 'GET',
    path: '/fhir/ImagingStudy/:id',
    summary: 'One study with its series',
    ...{ action: 'search', audit: 'look', answer: RESOURCE, query: NoQuery },
    problems: ['STUDY_UNKNOWN', 'STUDY_WITHDRAWN', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
    run: ({ path: { id = '' }, discloser, saw, reply, request }) => {
      const asked = studyOfId(id);
      const uid = asked?.uid ?? '';
      const [study] = requireStudies(parts, { discloser, saw }, uid, asked?.home);
      return sendOne(reply, resourceOf(parts, request, study as StudyView));
    },
  });
}

function reportSearch(parts: HttpParts): ApiRoute {
  const { db } = parts.projection;
  return apiRoute({
    method: 'GET',
    path: '/fhir/DiagnosticReport',
    summary: "A patient's reports of all trusts, the version in force of each, newest first",
    ...{ action: 'view', audit: 'search', answer: RESOURCE },
    query: z.strictObject({
      ...PatientQuery,
      status: Token,
      issued: Values,
      ...PageQuery,
    }),
    problems: ['VALIDATION_FAILED', 'INVALID_NHS_NUMBER'],
    run: ({ query, discloser, saw, reply, request }) => {
      const { _count: count, _offset: offset, status } = query;
      const { from, to } = rangeOf('issued', query.issued);
      const patient = patientOf(query);
      if (patient === undefined) throw searchFault('patient', 'is needed');
      const { reports, withheld } = reportsFor(parts, discloser, patient);
      const found = reports.filter(
        (report) =>
          (status === undefined || reportStatus(report.status) === status) &&
          (from === null || Date.parse(report.issuedAt) >= Date.parse(from)) &&
          (to === null || Date.parse(report.issuedAt) < Date.parse(to)),
      );
      const shown = found.slice(offset, offset + count);
      saw(subjectsOfReports(db, shown));
      const resources = shown.map((report) =>
        diagnosticReportResource(report, nhsNumberOf(db, report)),
      );
      const outcome = leftOut(notesOf(parts, withheld));
      const total = found.length;
      return sendSet(parts, { reply, request }, { resources, total, count, offset, outcome });
    },
  });
}

function reportRead(parts: HttpParts): ApiRoute {
  const { db } = parts.projection;
  return apiRoute({
    method: 'GET',
    path: '/fhir/DiagnosticReport/:id',
    summary: 'One report, the version in force',
    ...{ action: 'view', audit: 'look', answer: RESOURCE, query: NoQuery },
    problems: ['REPORT_UNKNOWN', 'RELATIONSHIP_NEEDED', 'RESTRICTED'],
    run: ({ path: { id = '' }, discloser, saw, reply }) => {
      const asked = reportOfName(nameOfFhirId(id));
      const report = asked === null ? undefined : findReport(db, asked.trust, asked.reportId);
      const absent = (): HttpProblem =>
        new HttpProblem('REPORT_UNKNOWN', 'No trust has told of this report.');
      if (report === undefined) throw absent();
      saw(subjectsOfReports(db, [report]));
      requireShown(discloser.report(report), discloser.asker, absent);
      return sendOne(reply, diagnosticReportResource(report, nhsNumberOf(db, report)));
    },
  });
}

type Db = HttpParts['projection']['db'];
type Asked = { readonly [K in keyof typeof PatientQuery]?: string | undefined };
type Patient = Pick<StudyQuery, 'nhsNumber' | 'patientId' | 'issuer'>;

function reportsFor(
  { projection: { db }, config: { trusts } }: HttpParts,
  discloser: Parameters<typeof disclosedTimeline>[1],
  { nhsNumber, patientId = '', issuer = '' }: Patient,
): { reports: readonly ReportView[]; withheld: WithheldNote } {
  if (nhsNumber !== undefined)
    return disclosedTimeline(db, discloser, { nhsNumber, page: NO_REPORTS });
  // Whoever files the number: an issuer is no trust.
  const reports = reportsOf(
    db,
    trusts.map(({ ods: trust }) => ({ trust, patientId, issuer })),
  );
  const decided = reports.map((report) => ({ report, decision: discloser.report(report) }));
  const shown = decided.filter(({ decision }) => decision.kind === 'shown');
  const unrelated = decided.filter(
    ({ decision }) => decision.kind === 'withheld' && decision.why === 'relationship',
  );
  return {
    reports: shown.map(({ report }) => report),
    withheld: { unrelated: unrelated.length, restricted: [] },
  };
}

function resourceOf(
  parts: HttpParts,
  request: Parameters<typeof baseUrlOf>[1],
  study: StudyView,
): ReturnType<typeof imagingStudyResource> {
  const named: NamedStudy = { ...study, trustName: trustName(parts, study.home) };
  return imagingStudyResource(named, `${baseUrlOf(parts, request)}/dicom-web`);
}

/** Trusts that are silent, and what the asker may not see. */
function notesOf({ fleet }: HttpParts, withheld: WithheldNote): string[] {
  const silent = fleet.answered().filter(({ ok }) => !ok);
  return [
    ...silent.map(({ name, trust, asOf, reason }) => {
      const since = asOf === null ? 'nothing was ever heard of it' : `as of ${asOf}`;
      return `${name} (${trust}) does not answer${reason === undefined ? '' : ` (${reason})`}: ${since}`;
    }),
    ...withheldJson(withheld).map((one) => `withheld: ${JSON.stringify(one)}`),
  ];
}

const nhsNumberOf = (db: Db, report: ReportView): string | null =>
  findIdentity(db, report)?.nhsNumber ?? null;

/** By the number that finds all that was seen of somebody. */
function subjectsOfReports(db: Db, reports: readonly ReportView[]) {
  return {
    patients: reports.map((report) =>
      auditedPatient({ ...report, nhsNumber: nhsNumberOf(db, report) }),
    ),
    studies: reports.flatMap(({ studyInstanceUIDs }) => studyInstanceUIDs),
    homes: reports.map(({ trust }) => trust),
  };
}

interface StudyAsked extends Asked {
  readonly identifier?: string | undefined;
  readonly modality?: string | string[] | undefined;
  readonly started?: string | string[] | undefined;
}

/** @throws HttpProblem `VALIDATION_FAILED`, `INVALID_NHS_NUMBER` */
function studyQuery(query: StudyAsked): StudyQuery {
  const { from, to } = rangeOf('started', query.started);
  const day = (time: string): string => time.slice(0, 10);
  const patient = patientOf(query);
  const identifier = identifierOf(query.identifier);
  if (patient === undefined && identifier === undefined)
    throw searchFault('patient', 'is needed, or identifier');
  if (patient?.issuer !== undefined && (identifier?.issuer ?? patient.issuer) !== patient.issuer)
    throw searchFault('identifier', 'has to be of the issuer of the patient, or without one');
  return validate(
    StudyQuerySchema,
    {
      ...patient,
      ...identifier,
      ...(query.modality === undefined ? {} : { modality: codesOf(query.modality) }),
      ...(from === null ? {} : { from: day(from) }),
      ...(to === null ? {} : { to: day(new Date(Date.parse(to) - 1).toISOString()) }),
    },
    'query',
  );
}

const codesOf = (tokens: string | string[]): string[] =>
  [tokens].flat().flatMap((text) => text.split(',').map((token) => tokenOf(token).value));

/** @throws HttpProblem `VALIDATION_FAILED`, `INVALID_NHS_NUMBER` */
function patientOf(query: Asked): Patient | undefined {
  const token = query.patient ?? query['patient.identifier'];
  if (token === undefined) return undefined;
  const { system, value } = tokenOf(token);
  const number = value.replace(/^Patient\//, '');
  if (system?.startsWith(LOCAL_SYSTEM))
    return { patientId: number, issuer: system.slice(LOCAL_SYSTEM.length) };
  if (system !== null && system !== NHS_NUMBER_SYSTEM)
    throw searchFault(
      'patient',
      `a number, ${NHS_NUMBER_SYSTEM}|number, or ${LOCAL_SYSTEM}ISSUER|number`,
    );
  return validate(StudyQuerySchema, { nhsNumber: number }, 'query');
}

/** @throws HttpProblem `VALIDATION_FAILED` */
function identifierOf(token: string | undefined): Partial<StudyQuery> | undefined {
  if (token === undefined) return undefined;
  const { system, value } = tokenOf(token);
  if (system === DICOM_UID_SYSTEM) return { studyInstanceUID: value.replace(/^urn:oid:/, '') };
  if (system === null) return { accessionNumber: value };
  if (!system.startsWith(ACCESSION_SYSTEM))
    throw searchFault(
      'identifier',
      `${DICOM_UID_SYSTEM}|urn:oid:UID, or ${ACCESSION_SYSTEM}ISSUER|number`,
    );
  return { accessionNumber: value, issuer: system.slice(ACCESSION_SYSTEM.length) };
}
