/**
 * A PACS for what no real one of this machine can do: 20,000 studies at once, a cap on answers, faults of the
 * field. A real C-FIND SCP over the product's own Upper Layer and DIMSE; what it holds and how it matches is its
 * own. dcmqrscp and Orthanc are the PACS of every test that they can play.
 */
import { parseEdgeConfig } from '../../edge/config.ts';
import { decodeIdentifier, encodeIdentifier } from '../../edge/dimse/identifier.ts';
import { startDicomListener } from '../../edge/dimse/listener.ts';
import type { OperationHandler, ServedClass } from '../../edge/dimse/service.ts';
import { systemClock } from '../../shared/clock.ts';
import { vrOfTag } from '../../shared/dicom/dictionary.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';

export interface HeldStudy {
  readonly uid: string;
  /** YYYYMMDD. */
  readonly date: string;
  /** HHMMSS, or '' for none. */
  readonly time: string;
  readonly modality: string;
  readonly patientId: string;
  readonly name: string;
  readonly series: number;
  readonly instances: number;
}

export interface PacsFaults {
  /** More answers than this are cut … */
  cap: number;
  /** … with A700H, or with success as if that were all. */
  capIsSilent: boolean;
  ignoresTime: boolean;
  /** Does not return counts and modalities at STUDY level. */
  withoutCounts: boolean;
  /** Refuses keys that it does not have to know. */
  fewKeysOnly: boolean;
  /** Answers nothing, for ever. */
  hangs: boolean;
  /** Names each study twice. */
  namesTwice: boolean;
  /** Each so many-th query fails with C001H; 0: none. */
  failsEvery: number;
  /** Does not match on Study Instance UID. */
  ignoresUid: boolean;
  /** What it says of the series of a study can not be read. */
  garbledSeries: boolean;
}

export interface PacsStandIn {
  readonly port: number;
  readonly aeTitle: string;
  readonly studies: Map<string, HeldStudy>;
  readonly faults: PacsFaults;
  /** C-FIND requests so far. */
  queries(): number;
  stop(): Promise<void>;
}

const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const REQUIRED = new Set([
  ...[0x0008_0052, 0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0010_0010, 0x0010_0020],
  ...[0x0020_0010, 0x0020_000d],
]);

export async function startPacsStandIn(
  studies: readonly HeldStudy[],
  given: Partial<PacsFaults> = {},
): Promise<PacsStandIn> {
  const held = new Map(studies.map((study) => [study.uid, study]));
  const faults: PacsFaults = {
    ...{ cap: Number.POSITIVE_INFINITY, capIsSilent: false, ignoresTime: false },
    ...{ withoutCounts: false, fewKeysOnly: false, hangs: false, namesTwice: false },
    ...{ failsEvery: 0, ignoresUid: false, garbledSeries: false, ...given },
  };
  let queries = 0;
  const handle: OperationHandler = async ({ dataSet, transferSyntaxUID, signal }, link) => {
    queries += 1;
    const keys = decodeIdentifier(transferSyntaxUID, dataSet);
    if (faults.hangs)
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    const refusal = refusalOf(keys, faults, queries);
    if (refusal !== undefined) return { status: refusal };
    if (faults.garbledSeries && isOfSeries(keys)) {
      await link.pending({ status: 0xff00, dataSet: GARBLED });
      return { status: 0 };
    }
    const matches = matchesOf(held, keys, faults);
    const given = matches.slice(0, faults.cap);
    for (const values of given) {
      if (signal.aborted) return { status: 0xfe00 };
      const elements = [...values].map(([tag, value]) => ({ tag, vr: vrOfTag(tag), value }));
      const identifier = encodeIdentifier(transferSyntaxUID, elements);
      await link.pending({ status: 0xff00, dataSet: identifier });
    }
    const isCut = matches.length > given.length && !faults.capIsSilent;
    return { status: isCut ? 0xa700 : 0 };
  };
  const served: ServedClass = {
    ...{ name: 'Study Root Query', sopClassUID: STUDY_ROOT_FIND, kinds: ['find'], statuses: {} },
    handle,
  };
  const config = parseEdgeConfig({ trust: 'PACS', dataDirectory: '/nowhere', dicom: { port: 0 } });
  const store = (): never => {
    throw new Error('nothing is stored here');
  };
  const listener = await startDicomListener({
    ...{ config, services: { store, served: [served] }, log: silentLog },
    ...{ metrics: openMetrics({}), clock: systemClock },
  });
  return {
    ...{ port: listener.port, aeTitle: 'PACS', studies: held, faults },
    queries: () => queries,
    stop: () => listener.stop(),
  };
}

const isOfSeries = (keys: ReadonlyMap<number, string>): boolean =>
  keys.get(0x0008_0052) === 'SERIES';

/** QueryRetrieveLevel in explicit VR, cut off. */
const GARBLED = Buffer.from('0800520043530a00', 'hex');

function refusalOf(
  keys: ReadonlyMap<number, string>,
  faults: PacsFaults,
  query: number,
): number | undefined {
  if (faults.failsEvery > 0 && query % faults.failsEvery === 0) return 0xc001;
  if (!faults.fewKeysOnly) return undefined;
  return [...keys.keys()].some((tag) => !REQUIRED.has(tag)) ? 0xa900 : undefined;
}

function matchesOf(
  held: ReadonlyMap<string, HeldStudy>,
  keys: ReadonlyMap<number, string>,
  faults: PacsFaults,
): Map<number, string>[] {
  if (isOfSeries(keys)) {
    if (faults.ignoresUid) return [...held.values()].flatMap(seriesOf);
    return seriesOf(held.get(keys.get(0x0020_000d) ?? ''));
  }
  const matches = [...held.values()].filter((study) => isMatch(study, keys, faults));
  const times = faults.namesTwice ? 2 : 1;
  const answers = matches.flatMap((match) =>
    Array.from({ length: times }, () => studyValues(match)),
  );
  if (!faults.withoutCounts) return answers;
  for (const values of answers)
    for (const tag of [0x0008_0061, 0x0020_1206, 0x0020_1208]) values.delete(tag);
  return answers;
}

function isMatch(study: HeldStudy, keys: ReadonlyMap<number, string>, faults: PacsFaults): boolean {
  const uid = keys.get(0x0020_000d) ?? '';
  if (uid !== '' && !faults.ignoresUid) return study.uid === uid;
  const patientId = keys.get(0x0010_0020) ?? '';
  if (patientId !== '' && study.patientId !== patientId) return false;
  const modality = keys.get(0x0008_0061) ?? '';
  if (modality !== '' && study.modality !== modality) return false;
  if (!isWithin(study.date, keys.get(0x0008_0020) ?? '')) return false;
  const time = keys.get(0x0008_0030) ?? '';
  return faults.ignoresTime || isWithin(study.time, time);
}

function isWithin(value: string, key: string): boolean {
  if (key === '') return true;
  if (value === '') return false;
  const at = key.indexOf('-');
  if (at < 0) return value === key;
  const [from, to] = [key.slice(0, at), key.slice(at + 1)];
  return value >= from && (to === '' || value <= to);
}

function studyValues(study: HeldStudy): Map<number, string> {
  return new Map([
    [0x0008_0020, study.date],
    [0x0008_0030, study.time],
    [0x0008_0052, 'STUDY'],
    [0x0008_0061, study.modality],
    [0x0010_0010, study.name],
    [0x0010_0020, study.patientId],
    [0x0010_0030, '19700101'],
    [0x0020_000d, study.uid],
    [0x0020_0010, study.uid.slice(-8)],
    [0x0020_1206, String(study.series)],
    [0x0020_1208, String(study.instances)],
  ]);
}

function seriesOf(study: HeldStudy | undefined): Map<number, string>[] {
  if (study === undefined) return [];
  return Array.from({ length: study.series }, (_, at) => {
    const first = study.instances - (study.series - 1);
    return new Map([
      [0x0008_0052, 'SERIES'],
      [0x0008_0060, study.modality],
      [0x0020_000d, study.uid],
      [0x0020_000e, `${study.uid}.${at + 1}`],
      [0x0020_1209, String(at === 0 ? first : 1)],
    ]);
  });
}
