/**
 * Answers the `query` of an edge: studies that the network knows of, for a workstation of that trust.
 * What the edge holds itself it knows better; it leaves out what it has.
 */
import {
  type QueriedStudy,
  type QueryReply,
  type QueryRequest,
  QueryRequestSchema,
} from '../../shared/contract/rpc.ts';
import { GatewayError, type Retry } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Page, StudyQuery } from './query.ts';
import type { StudyView } from './rows.ts';
import { findStudy } from './study.ts';

export class QueryError extends GatewayError {
  override readonly name = 'QueryError';
  readonly code = 'QUERY_TOO_BROAD' as const;
  readonly retry: Retry = 'never';
}

/** A reply stays well below the broker's limit of 1 MB. */
const MAX_STUDIES = 200;

interface Asked {
  readonly db: Sqlite;
  /** What the trust that asks may be shown of a search, and of a study. */
  readonly search: (query: StudyQuery, page: Page) => Found;
  readonly isShown: (study: StudyView) => boolean;
  readonly answered: () => readonly {
    readonly trust: string;
    readonly ok: boolean;
    readonly asOf: string | null;
    readonly reason?: string;
  }[];
}

/** @throws QueryError for a question that names neither a patient nor a study */
export function answerQuery(asked: Asked, raw: unknown): QueryReply {
  const { db, answered } = asked;
  const request = QueryRequestSchema.parse(raw);
  const { studies, total, withheld } = request.studyInstanceUIDs
    ? namedStudies(asked, request)
    : searchedStudies(asked, request);
  return {
    ...(withheld === 0 ? {} : { withheld }),
    studies: studies.map((study) => queried(db, study, request.withSeries)),
    total,
    answered: answered().map(({ trust, ok, asOf, reason }) => ({
      ...{ trust, ok, asOf },
      ...(reason === undefined ? {} : { reason }),
    })),
  };
}

interface Found {
  readonly studies: readonly StudyView[];
  readonly total: number;
  readonly withheld: number;
}

/** Whoever names a study that may not be shown is not told that there is one. */
function namedStudies(
  { db, isShown }: Asked,
  { studyInstanceUIDs = [], limit, offset }: QueryRequest,
): Found {
  const named = [...new Set(studyInstanceUIDs)].flatMap((uid) => findStudy(db, uid));
  const all = named.filter(isShown);
  const end = offset + Math.min(limit, MAX_STUDIES);
  return { studies: all.slice(offset, end), total: all.length, withheld: 0 };
}

function searchedStudies({ search }: Asked, request: QueryRequest): Found {
  const { nhsNumber, patientId, issuer, patientName, birthDate, modalities, from, to } = request;
  if (nhsNumber === undefined && patientId === undefined && patientName === undefined)
    throw new QueryError('a query over the network names a patient or a study');
  const query: StudyQuery = Object.fromEntries(
    Object.entries({
      ...{ nhsNumber, patientId, issuer, patientName, birthDate, from, to },
      modality: modalities,
    }).filter(([, value]) => value !== undefined),
  );
  return search(query, {
    limit: Math.min(request.limit, MAX_STUDIES),
    offset: request.offset,
  });
}

function queried(db: Sqlite, study: StudyView, withSeries: boolean): QueriedStudy {
  const { studyInstanceUID, home } = study;
  const detail = withSeries
    ? findStudy(db, studyInstanceUID).find((one) => one.home === home)
    : undefined;
  const { patient, studyId, accessionNumber, description, referringPhysician } = study;
  const { institution, modalities, numberOfSeries, numberOfInstances } = study;
  return {
    ...{ studyInstanceUID, home, studyId, accessionNumber, description, referringPhysician },
    ...{ institution, numberOfSeries, numberOfInstances, modalities: [...modalities] },
    patient: { ...patient, birthDate: stored(patient.birthDate) },
    studyDate: stored(study.studyDate),
    studyTime: stored(study.studyTime),
    ...(detail === undefined
      ? {}
      : {
          series: detail.series.map((series) => ({
            seriesInstanceUID: series.seriesInstanceUID,
            modality: series.modality,
            seriesNumber: series.seriesNumber,
            description: series.description,
            bodyPart: series.bodyPart,
            numberOfInstances: series.numberOfInstances,
          })),
        }),
  };
}

/** As DICOM writes dates and times: without punctuation. */
const stored = (iso: string | null): string | null => iso?.replace(/[-:]/g, '') ?? null;
