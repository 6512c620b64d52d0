/**
 * What a study holds, in the order in which it is of use: what explains the images first, then the middle
 * of each series, then outward from there, so that the first image shows something.
 */
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import type { Manifest, ManifestInstance } from './protocol.ts';

/** A study as a ticket opens it. */
export interface ServedStudy {
  readonly studyInstanceUID: string;
  readonly home: string;
  /** Absent: the whole study. */
  readonly seriesInstanceUIDs?: readonly string[] | undefined;
}

/** @returns undefined when the study is not held, or nothing of it is within the scope */
export function manifestOf(
  { index }: { index: EdgeIndex },
  study: ServedStudy,
): Manifest | undefined {
  const state = index.studyState(study.studyInstanceUID, study.home);
  const instances = index.instancesOf(study);
  if (state === undefined || instances.length === 0) return undefined;
  const { studyInstanceUID, home } = study;
  const ordered = inOrderOfUse(instances).map(described);
  return { studyInstanceUID, home, patient: state.patient, instances: ordered };
}

/** An instance as manifest and frames name it. */
export function described(instance: StoredInstance): ManifestInstance {
  const { sopInstanceUID, sopClassUID, seriesInstanceUID, transferSyntaxUID } = instance;
  return {
    sopInstanceUID,
    sopClassUID,
    seriesInstanceUID,
    transferSyntaxUID,
    bytes: instance.dataSetBytes,
    digest: instance.contentDigest,
    homeDigest: instance.homeDigest,
  };
}

/** Structured reports and key object selections: PS3.4 Table B.5-1. Encapsulated documents are reports too. */
const EXPLAINS = /^1\.2\.840\.10008\.5\.1\.4\.1\.1\.(88|104)\./;

/** @param instances series by series, each in the order of its instance numbers */
export function inOrderOfUse<T extends Pick<StoredInstance, 'sopClassUID' | 'seriesInstanceUID'>>(
  instances: readonly T[],
): T[] {
  const explains = ({ sopClassUID }: T): boolean => EXPLAINS.test(sopClassUID);
  const images = instances.filter((instance) => !explains(instance));
  const series = [...Map.groupBy(images, ({ seriesInstanceUID }) => seriesInstanceUID).values()];
  const outward = series.map(fromTheMiddle);
  const [middles, rest] = [
    outward.flatMap((all) => all.slice(0, 1)),
    outward.flatMap((all) => all.slice(1)),
  ];
  return [...instances.filter(explains), ...middles, ...rest];
}

function fromTheMiddle<T>(all: readonly T[]): T[] {
  const middle = (all.length - 1) >> 1;
  return all
    .map((one, at) => ({ one, way: at > middle ? 2 * (at - middle) - 1 : 2 * (middle - at) }))
    .sort((a, b) => a.way - b.way)
    .map(({ one }) => one);
}
