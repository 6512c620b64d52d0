/**
 * What other trusts hold, by the hub. Asked only for a named patient or named studies.
 *
 *   keys ─► whom they mean here ─► rpc query, page by page ─► FoundStudy, under the local patient where it is one
 *
 * A Patient ID is a number of this trust: it means the network's patient only by the NHS number and birth
 * date of the local patient who has it. Else a number of the same digits elsewhere would be somebody else's.
 */
import type {
  AnsweredTrust,
  QueriedSeries,
  QueriedStudy,
  QueryRequest,
} from '../../../shared/contract/rpc.ts';
import { rangeOf } from '../../../shared/dicom/match-value.ts';
import { readNhsNumber } from '../../../shared/nhs-number.ts';
import type { EdgeIndex } from '../../index/edge-index.ts';
import type { LocalPatientRow } from '../../index/types.ts';
import type { FoundSeries, FoundStudy, Values } from './found-study.ts';
import { QUERY_KEYS } from './keys.ts';
import { foundSeries, valuesOf } from './local-studies.ts';
import type { Network } from './network.ts';

const PAGE = 200;
const MAX_STUDIES = 1_000;

export interface RemoteAnswer {
  readonly studies: readonly FoundStudy[];
  /** Trusts that the answer does not speak for, and why. */
  readonly silent: readonly Pick<AnsweredTrust, 'trust' | 'reason'>[];
  /** There are more than were asked for. */
  readonly isCut: boolean;
  /** Studies that match and that this trust may not be shown. */
  readonly withheld: number;
}

export interface RemoteParts {
  readonly trust: string;
  /** Of the local Patient IDs. */
  readonly namespace: string;
  readonly index: Pick<EdgeIndex, 'localPatient' | 'localPatientsByNhsNumber'>;
  readonly network: Pick<Network, 'query'>;
}

type Question = Omit<QueryRequest, 'limit' | 'offset' | 'withSeries'>;

/** @returns undefined when the keys name nobody and no study: that is not asked of the network @throws GatewayError */
export async function findRemote(
  parts: RemoteParts,
  keys: Values,
  withSeries: boolean,
): Promise<RemoteAnswer | undefined> {
  const question = questionOf(parts, keys);
  if (question === undefined) return undefined;
  const studies: FoundStudy[] = [];
  let silent: RemoteAnswer['silent'] = [];
  for (let offset = 0; ; ) {
    const reply = await parts.network.query({ ...question, withSeries, limit: PAGE, offset });
    if ('error' in reply) throw new Error(`the hub refused a query: ${reply.error.code}`);
    silent = reply.answered.filter(({ trust, ok }) => !ok && trust !== parts.trust);
    for (const study of reply.studies)
      if (study.home !== parts.trust) studies.push(foundStudy(parts, study, keys));
    offset += reply.studies.length;
    const isEnd = offset >= reply.total || reply.studies.length === 0;
    if (isEnd || offset >= MAX_STUDIES)
      return { studies, silent, isCut: offset < reply.total, withheld: reply.withheld ?? 0 };
  }
}

/** Studies of other trusts by their UIDs, with their series. @throws GatewayError */
export async function queriedStudies(
  parts: RemoteParts,
  studyInstanceUIDs: readonly string[],
): Promise<FoundStudy[]> {
  const reply = await parts.network.query({
    ...{ studyInstanceUIDs: [...studyInstanceUIDs], withSeries: true, limit: PAGE, offset: 0 },
  });
  if ('error' in reply) throw new Error(`the hub refused a query: ${reply.error.code}`);
  return reply.studies
    .filter(({ home }) => home !== parts.trust)
    .map((study) => foundStudy(parts, study, new Map()));
}

function questionOf(parts: RemoteParts, keys: Values): Question | undefined {
  const key = (keyword: string): string => keys.get(TAG[keyword] ?? 0)?.trim() ?? '';
  const exact = (keyword: string): string => (/[*?]/.test(key(keyword)) ? '' : key(keyword));
  const uids = key('StudyInstanceUID');
  if (uids !== '') return { studyInstanceUIDs: uids.split('\\').map((uid) => uid.trim()) };
  const dates = rangeOf(key('StudyDate'), 'DA');
  const modalities = exact('ModalitiesInStudy');
  const narrow = {
    ...(dates !== undefined && dates.from !== '' ? { from: dates.from } : {}),
    ...(dates !== undefined && dates.to !== '' ? { to: dates.to } : {}),
    ...(modalities === '' ? {} : { modalities: modalities.split('\\') }),
  };
  const patientId = exact('PatientID');
  if (patientId !== '')
    return { ...personOf(parts, patientId, exact('IssuerOfPatientID')), ...narrow };
  const patientName = key('PatientName');
  const birthDate = rangeOf(key('PatientBirthDate'), 'DA');
  // A name alone would list strangers.
  if (patientName === '' || birthDate === undefined || birthDate.from !== birthDate.to)
    return undefined;
  return { patientName: patientName.replace(/\*+$/, ''), birthDate: birthDate.from, ...narrow };
}

function personOf(parts: RemoteParts, patientId: string, issuer: string): Question {
  const { index, namespace } = parts;
  const nhsNumber = /^(NHS|https:\/\/fhir\.nhs\.uk\/Id\/nhs-number)?$/.test(issuer)
    ? readNhsNumber(patientId)
    : null;
  const isLocal = issuer === '' || issuer === namespace;
  const local = isLocal ? index.localPatient(patientId, namespace) : undefined;
  if (local !== undefined) {
    if (local.nhsNumber !== null && local.birthDate !== null)
      return { nhsNumber: local.nhsNumber, birthDate: local.birthDate };
    return { patientId, issuer: namespace };
  }
  if (nhsNumber !== null) return { nhsNumber };
  return { patientId, ...(issuer === '' ? {} : { issuer }) };
}

function foundStudy(parts: RemoteParts, study: QueriedStudy, keys: Values): FoundStudy {
  const { studyInstanceUID, home, series } = study;
  return {
    ...{ studyInstanceUID, home, availability: 'NEARLINE' },
    values: valuesOf({
      ...patientOf(parts, study, keys),
      StudyInstanceUID: studyInstanceUID,
      StudyDate: study.studyDate,
      StudyTime: study.studyTime,
      StudyID: study.studyId,
      AccessionNumber: study.accessionNumber,
      ModalitiesInStudy: study.modalities.join('\\'),
      StudyDescription: study.description,
      ReferringPhysicianName: study.referringPhysician,
      InstitutionName: home,
      NumberOfStudyRelatedSeries: countText(study.numberOfSeries),
      NumberOfStudyRelatedInstances: countText(study.numberOfInstances),
    }),
    series: () => (series ?? []).map(queriedSeries),
    instances: () => undefined,
  };
}

/** As the hub tells of it. */
export const queriedSeries = (one: QueriedSeries): FoundSeries =>
  foundSeries({
    series_uid: one.seriesInstanceUID,
    modality: one.modality,
    series_number: one.seriesNumber,
    description: one.description,
    body_part: one.bodyPart,
    instances: one.numberOfInstances,
  });

const countText = (count: number | null): string => (count === null ? '' : String(count));

/**
 * Whom the study is answered under: the local patient, when exactly one has its NHS number and birth date;
 * under him it would be filed. Else whom its home says; with the home's code in front when the number is
 * somebody else's here.
 */
function patientOf(
  { index, namespace }: RemoteParts,
  { patient, home }: QueriedStudy,
  keys: Values,
): Record<string, string | null> {
  const { nhsNumber, birthDate } = patient;
  const same =
    nhsNumber !== null && birthDate !== null
      ? index.localPatientsByNhsNumber(nhsNumber, birthDate)
      : [];
  const [only, ...others] = same;
  const asked = same.find(({ patientId }) => patientId === keys.get(TAG['PatientID'] ?? 0)?.trim());
  const local = asked ?? (others.length === 0 ? only : undefined);
  if (local !== undefined) return localPatient(local, namespace);
  const isTaken = index.localPatient(patient.patientId, namespace) !== undefined;
  return {
    PatientID: isTaken ? `${home}-${patient.patientId}` : patient.patientId,
    IssuerOfPatientID: patient.issuer,
    PatientName: patient.name,
    PatientBirthDate: birthDate,
    PatientSex: patient.sex,
  };
}

function localPatient(local: LocalPatientRow, namespace: string): Record<string, string | null> {
  return {
    PatientID: local.patientId,
    IssuerOfPatientID: namespace,
    PatientName: local.patientName,
    PatientBirthDate: local.birthDate,
    PatientSex: local.sex,
  };
}

const TAG: Readonly<Record<string, number>> = Object.fromEntries(
  QUERY_KEYS.map(({ keyword, tag }) => [keyword, tag]),
);
