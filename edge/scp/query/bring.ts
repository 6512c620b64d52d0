/**
 * Finds what a retrieve names, and brings what other trusts have into the spool first.
 *
 *   identifier ─► own study, else a copy that has all that is asked for ─► its objects
 *              ├► else, or what is missing, from the trust's own PACS ─► its objects
 *              └► else rpc fetch ─► … ─► filed as a copy ─► its objects
 */
import { sleep } from '../../../shared/backoff.ts';
import { codeOf } from '../../../shared/errors.ts';
import type { EdgeIndex } from '../../index/edge-index.ts';
import type { StoredInstance } from '../../index/types.ts';
import type { Identifier } from './identifier.ts';
import { QUERY_KEYS } from './keys.ts';
import type { LocalPacs } from './local-pacs.ts';
import type { LocalStudies } from './local-studies.ts';
import type { FetchStand, Network } from './network.ts';
import { isWhole } from './partial-copies.ts';

const LOOK_MS = 250;
/** A command that has not come by then does not come soon: the hub or the broker is away. */
const COMMAND_MS = 30_000;

export interface BringParts {
  readonly index: Pick<EdgeIndex, 'instancesOf' | 'trust'>;
  readonly local: LocalStudies;
  readonly network: Network | undefined;
  readonly pacs: LocalPacs;
  /** A fetch for a workstation that takes longer goes on without it. */
  readonly waitMs: number;
  /** … or of which nothing comes for so long, for a reason that it gives, such as that the source is away. */
  readonly stuckMs: number;
}

/** What is asked for; absent: all of it. */
export interface Wanted {
  readonly studyInstanceUIDs: readonly string[];
  readonly seriesInstanceUIDs?: readonly string[];
  readonly sopInstanceUIDs?: readonly string[];
}

export interface Brought {
  readonly instances: readonly StoredInstance[];
  /** SOP Instance UIDs that could not be brought. */
  readonly failed: readonly string[];
  /** Why something is missing, at most 64 characters. */
  readonly fault?: string;
}

export interface BringOptions {
  readonly callingAETitle: string;
  readonly signal: AbortSignal;
  /** How many objects are expected, while they are on their way. */
  readonly onWaiting: (expected: number) => Promise<void>;
}

/** @returns undefined for an identifier that names nothing */
export function wantedOf({ values }: Identifier, local: LocalStudies): Wanted | undefined {
  const uids = (keyword: string): string[] => {
    const key = QUERY_KEYS.find((one) => one.keyword === keyword);
    const text = values.get(key?.tag ?? 0)?.trim() ?? '';
    return text === '' ? [] : text.split('\\').map((uid) => uid.trim());
  };
  const [series, instances] = [uids('SeriesInstanceUID'), uids('SOPInstanceUID')];
  const studies = uids('StudyInstanceUID');
  // PATIENT level: what this trust has of the patient.
  const ofPatient = studies.length === 0 ? patientStudies(values, local) : studies;
  if (ofPatient.length === 0) return undefined;
  return {
    studyInstanceUIDs: ofPatient,
    ...(series.length === 0 ? {} : { seriesInstanceUIDs: series }),
    ...(instances.length === 0 ? {} : { sopInstanceUIDs: instances }),
  };
}

const PATIENT_ID = 0x0010_0020;

function patientStudies(values: ReadonlyMap<number, string>, local: LocalStudies): string[] {
  const patientId = values.get(PATIENT_ID)?.trim() ?? '';
  if (patientId === '' || /[*?]/.test(patientId)) return [];
  return [...local.candidates(new Map([[PATIENT_ID, patientId]]))]
    .flat()
    .map(({ studyInstanceUID }) => studyInstanceUID);
}

export async function bring(
  parts: BringParts,
  wanted: Wanted,
  options: BringOptions,
): Promise<Brought> {
  const all: Brought[] = [];
  for (const studyInstanceUID of new Set(wanted.studyInstanceUIDs)) {
    if (options.signal.aborted) break;
    all.push(await bringStudy(parts, { studyInstanceUID, wanted, options }));
  }
  const fault = all.find((one) => one.fault !== undefined)?.fault;
  return {
    instances: all.flatMap(({ instances }) => instances),
    failed: all.flatMap(({ failed }) => failed),
    ...(fault === undefined ? {} : { fault }),
  };
}

interface One {
  readonly studyInstanceUID: string;
  readonly wanted: Wanted;
  readonly options: BringOptions;
}

async function bringStudy(parts: BringParts, one: One): Promise<Brought> {
  if (parts.pacs.isWanted(one.studyInstanceUID)) return fromPacs(parts, one);
  const held = heldOf(parts, one);
  if (held?.isWhole === true) return { instances: held.instances, failed: [] };
  if (parts.network === undefined) return { instances: [], failed: [] };
  const ordered = await order(parts.network, one);
  if (ordered.kind === 'refused') return { instances: [], failed: [], fault: ordered.fault };
  if (ordered.kind === 'unknown' && held === undefined) return { instances: [], failed: [] };
  if (ordered.kind !== 'fetch')
    return { instances: held?.instances ?? [], failed: [], fault: ordered.fault };
  const stand = await followed(parts, ordered.fetchId, one.options);
  const instances = heldOf(parts, one)?.instances ?? [];
  const failed = stand?.failed ?? [];
  if (stand?.state === 'available') return { instances, failed };
  return { instances, failed, fault: faultOf(stand).slice(0, 64) };
}

/** What the trust's own PACS holds of it, and the spool does not. */
async function fromPacs(parts: BringParts, one: One): Promise<Brought> {
  const { pacs } = parts;
  const { studyInstanceUID, options } = one;
  const bringing = pacs.bring(studyInstanceUID, options.signal);
  let isOver = false;
  const over = bringing.finally(() => {
    isOver = true;
  });
  while (!isOver && !options.signal.aborted) {
    await options.onWaiting(pacs.stand(studyInstanceUID)?.expected ?? 0);
    await Promise.race([over, sleep(LOOK_MS, options.signal)]);
  }
  const { missing, reason } = await bringing;
  const instances = heldOf(parts, one)?.instances ?? [];
  if (reason === null) return { instances, failed: [] };
  const { sopInstanceUIDs, seriesInstanceUIDs } = one.wanted;
  // Of part of a study only that part counts.
  const failed = missing.filter((uid) => sopInstanceUIDs?.includes(uid) ?? true);
  const isPart = sopInstanceUIDs !== undefined && failed.length === 0 && instances.length > 0;
  if (isPart) return { instances, failed: [] };
  const fault = `from the PACS: ${reason.code}`.slice(0, 64);
  return { instances, failed: seriesInstanceUIDs === undefined ? failed : [], fault };
}

interface Held {
  readonly instances: readonly StoredInstance[];
  /** All that is asked for of the study, as far as this trust can know. */
  readonly isWhole: boolean;
}

/** Of the trust's own study, else of a copy. @returns undefined when there is none */
function heldOf(
  { index, local, network }: BringParts,
  { studyInstanceUID, wanted }: One,
): Held | undefined {
  const tag = QUERY_KEYS.find(({ keyword }) => keyword === 'StudyInstanceUID')?.tag ?? 0;
  const studies = [...local.candidates(new Map([[tag, studyInstanceUID]]))].flat();
  const study = studies.find(({ home }) => home === index.trust) ?? studies[0];
  if (study === undefined) return undefined;
  const { seriesInstanceUIDs, sopInstanceUIDs } = wanted;
  const key = { studyInstanceUID, home: study.home };
  const all = index.instancesOf({ ...key, seriesInstanceUIDs });
  const uids = sopInstanceUIDs === undefined ? undefined : new Set(sopInstanceUIDs);
  const instances = all.filter(({ sopInstanceUID }) => uids?.has(sopInstanceUID) ?? true);
  const isWholeCopy = network === undefined || isWhole(network, key, seriesInstanceUIDs);
  const hasEach = uids !== undefined && instances.length === uids.size;
  return { instances, isWhole: study.home === index.trust || isWholeCopy || hasEach };
}

type Ordered =
  | { readonly kind: 'fetch'; readonly fetchId: string }
  | { readonly kind: 'refused'; readonly fault: string }
  /** Nobody knows it, or could be asked: what is here of a copy is all that can be had now. */
  | { readonly kind: 'unknown' | 'unanswered'; readonly fault: string };

/** Why nothing more can be had, which is no reason to keep back what is here. All else may be: who may not see it. */
const KINDS_OF_NONE: ReadonlyMap<string, 'unknown' | 'unanswered'> = new Map([
  ['STUDY_UNKNOWN', 'unknown'],
  ['SERIES_UNKNOWN', 'unanswered'],
  ['NO_SOURCE', 'unanswered'],
  ['HOME_AMBIGUOUS', 'unanswered'],
  ['EDGE_NOT_ENROLLED', 'unanswered'],
]);

async function order(
  network: Network,
  { studyInstanceUID, wanted, options }: One,
): Promise<Ordered> {
  const { seriesInstanceUIDs } = wanted;
  try {
    const reply = await network.orderFetch({
      ...{ studyInstanceUID, requestedBy: options.callingAETitle },
      ...(seriesInstanceUIDs === undefined ? {} : { seriesInstanceUIDs: [...seriesInstanceUIDs] }),
    });
    if ('fetchId' in reply) return { kind: 'fetch', fetchId: reply.fetchId };
    const { code } = reply.error;
    return { kind: KINDS_OF_NONE.get(code) ?? 'refused', fault: `not brought: ${code}` };
  } catch (error) {
    return { kind: 'unanswered', fault: `the network can not be asked: ${codeOf(error)}` };
  }
}

async function followed(
  { network, waitMs, stuckMs }: BringParts,
  fetchId: string,
  { signal, onWaiting }: BringOptions,
): Promise<FetchStand | undefined> {
  const begunAt = performance.now();
  let [came, cameAt] = ['', begunAt];
  for (;;) {
    const stand = network?.fetchStand(fetchId);
    const now = performance.now();
    if (came !== comesOf(stand)) [came, cameAt] = [comesOf(stand), now];
    const isLate = now - begunAt > (stand === undefined ? COMMAND_MS : waitMs);
    const isStuck = stand?.reason != null && !isAtSource(stand) && now - cameAt > stuckMs;
    const isOver = stand?.isOver === true || stand?.state === 'held';
    if (isOver || isLate || isStuck || signal.aborted) return stand;
    await onWaiting(stand?.instancesExpected ?? 0);
    await sleep(LOOK_MS, signal);
  }
}

/** Changes with whatever comes of a fetch. */
const comesOf = (stand: FetchStand | undefined): string =>
  `${stand?.state} ${stand?.instancesDone} ${stand !== undefined && isAtSource(stand)}`;

/** Its source is there, and brings it from its PACS first: that has time-outs of its own. */
const isAtSource = ({ reason }: FetchStand): boolean => reason?.code === 'SOURCE_RETRIEVING';

function faultOf(stand: FetchStand | undefined): string {
  if (stand === undefined) return 'ordered at the hub; not begun yet';
  if (stand.state === 'held') return 'held: name the local patient on the hub page';
  const why = stand.reason === null ? '' : `: ${stand.reason.code}`;
  return stand.isOver ? `${stand.state}${why}` : `still ${stand.state}${why}`;
}
