/**
 * What a result is of: the model that sent it, the jobs that sent the model its study, and, where that was
 * de-identified, what leads back. Of another project, or after a key is gone, nothing does.
 *
 *   calling AE title ─► models of the node ─┬─ their projects' keys ─► sealed pseudonyms ─► study
 *                                           └─ jobs of the study itself
 */
import { GatewayError } from '../../shared/errors.ts';
import type { EdgeConfig } from '../config.ts';
import type { Model, Project } from '../config-routes.ts';
import { readProjectKey, reidentificationKey } from '../deidentify/project-key.ts';
import { joinedMap, type PseudonymMap } from '../deidentify/pseudonym-map.ts';
import type { Reason } from '../deliver/delivery-queue.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import { type Sent, STUDY_NOT_SENT } from './check-result.ts';
import type { JobPseudonyms, PseudonymStore } from './pseudonym-store.ts';
import type { ResultInbox, ResultRow } from './result-inbox.ts';
import type { JobRow } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';

export interface Origin {
  readonly model: Model;
  readonly jobs: readonly JobRow[];
  /** As this trust knows it. */
  readonly studyInstanceUID: string;
  /** By the names that it was sent under; undefined: the study is not here any more. */
  readonly sent: Sent | undefined;
  /** The study went without its patient. */
  readonly pseudonyms?: PseudonymMap;
}

export interface OriginParts {
  readonly config: Pick<EdgeConfig, 'trust' | 'peers' | 'models' | 'projects'>;
  readonly store: RouteStore;
  readonly inbox: ResultInbox;
  readonly index: EdgeIndex;
  readonly pseudonyms: PseudonymStore;
}

/** @returns where a result comes from, or why that can't be told @throws RouteError */
export function originOf(
  parts: OriginParts,
  row: ResultRow,
): { readonly origin: Origin } | { readonly reason: Reason } {
  const { config } = parts;
  const node = config.peers.find(({ aeTitle }) => aeTitle === row.callingAETitle);
  const models = config.models.filter(({ peer }) => peer === node?.name);
  let erased: Reason | undefined;
  for (const project of deidentifiedFor(config.projects, models)) {
    const key = keyOf(project);
    if (key === undefined) erased ??= keyGone(project);
    const origin = key && pseudonymousOrigin(parts, row, { project, key });
    if (origin !== undefined) return { origin };
  }
  const origin = plainOrigin(parts, row, models);
  return origin === undefined ? { reason: erased ?? STUDY_NOT_SENT } : { origin };
}

const deidentifiedFor = (projects: readonly Project[], models: readonly Model[]): Project[] =>
  projects.filter(
    ({ profile, destination }) =>
      profile === 'basic' && models.some(({ name }) => name === destination),
  );

function keyOf({ keyFile = '', name }: Project): Buffer | undefined {
  try {
    return reidentificationKey(readProjectKey(keyFile, name));
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

/** A key that was away may be there again after a start. */
export const PROJECT_KEY_GONE = 'PROJECT_KEY_GONE';

const keyGone = ({ name }: Project): Reason => ({
  code: PROJECT_KEY_GONE,
  detail: `the key of the project ${name} can't be read: what was sent under it can't be told`,
});

function pseudonymousOrigin(
  { config, store, inbox, index, pseudonyms }: OriginParts,
  row: ResultRow,
  { project, key }: { project: Project; key: Buffer },
): Origin | undefined {
  const model = config.models.find(({ name }) => name === project.destination);
  const sendings = pseudonyms.ofStudy(key, row.studyInstanceUID).flatMap((sending) => {
    const job = store.job(sending.jobKey);
    const isSent = job?.project === project.name && job.sentAt !== null;
    return isSent ? [{ ...sending, job }] : [];
  });
  const [first] = sendings;
  const map = joinedMap(sendings.map((sending) => sending.map));
  if (model === undefined || first === undefined || map === undefined) return undefined;
  const { studyInstanceUID } = first;
  const now = index.studyState(studyInstanceUID, config.trust)?.patient;
  const isSame = sendings.every(({ patient }) => now !== undefined && isOne(patient, now));
  return {
    ...{ model, studyInstanceUID, pseudonyms: map, jobs: sendings.map(({ job }) => job) },
    sent: now && {
      studyInstanceUID: row.studyInstanceUID,
      // What names the study's patient of then is not his who has it now.
      patientId: isSame ? map.patient : '',
      birthDate: null,
      objects: new Set(sendings.flatMap(({ sent }) => sent)),
      results: new Set(inbox.uidsOf(row)),
    },
  };
}

const isOne = (then: JobPseudonyms['patient'], now: JobPseudonyms['patient']): boolean =>
  then.patientId === now.patientId &&
  then.issuer === now.issuer &&
  then.birthDate === now.birthDate;

function plainOrigin(
  { config, store, inbox, index }: OriginParts,
  row: ResultRow,
  models: readonly Model[],
): Origin | undefined {
  const { studyInstanceUID } = row;
  const sent = store.jobsOf(studyInstanceUID).filter((job) => job.sentAt !== null);
  // Of several models on a node, the one that got the study last; what went without its patient
  // does not come back with him.
  const last = sent.findLast(
    (job) =>
      !isPseudonymous(job, config.projects) && models.some(({ name }) => name === job.destination),
  );
  const model = models.find(({ name }) => name === last?.destination);
  if (model === undefined) return undefined;
  const jobs = sent.filter((job) => job.destination === model.name);
  const patient = index.studyState(studyInstanceUID, config.trust)?.patient;
  const objects = jobs.flatMap((job) => store.objectsOf(job));
  return {
    ...{ model, jobs, studyInstanceUID },
    sent: patient && {
      ...{ studyInstanceUID, patientId: patient.patientId, birthDate: patient.birthDate },
      objects: new Set(objects.map(({ sopInstanceUID }) => sopInstanceUID)),
      results: new Set(inbox.uidsOf(row)),
    },
  };
}

const isPseudonymous = ({ project }: JobRow, projects: readonly Project[]): boolean =>
  projects.some(({ name, profile }) => name === project && profile === 'basic');
