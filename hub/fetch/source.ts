/**
 * Which study is meant, and from which trust it is brought: its home, or a copy that holds exactly the
 * home's objects when the home's edge is silent.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Holder } from '../search/study.ts';
import { FetchError } from './fetch-error.ts';

export interface Expected {
  readonly instances: number;
  readonly bytes: number;
}

/** @throws FetchError `STUDY_UNKNOWN`, `HOME_AMBIGUOUS` */
export function homeOf(rows: readonly Holder[], given: string | undefined): string {
  const homes = [...new Set(rows.map(({ home }) => home))];
  if (given !== undefined) {
    if (homes.includes(given)) return given;
    throw new FetchError(
      'STUDY_UNKNOWN',
      `No study with this UID whose home is ${given} is known.`,
    );
  }
  const [home, ...others] = homes;
  if (home === undefined)
    throw new FetchError('STUDY_UNKNOWN', 'No trust has told of a study with this UID.');
  if (others.length > 0)
    throw new FetchError(
      'HOME_AMBIGUOUS',
      `Several trusts hold a study of their own with this UID: ${homes.join(', ')}. Say which by "home".`,
    );
  return home;
}

/** @param isLive whether a trust's edge answers @throws FetchError `NO_SOURCE` */
export function sourceOf(
  rows: readonly Holder[],
  { home, to }: { home: string; to: string },
  isLive: (ods: string) => boolean,
): string {
  const own = rows.find((row) => row.trust === home && row.home === home);
  if (own !== undefined && isLive(home)) return home;
  const copies = rows.filter(
    (row) => row.home === home && row.trust !== home && row.trust !== to && isSame(row, own),
  );
  const source = copies.find(({ trust }) => isLive(trust)) ?? own ?? copies[0];
  if (source !== undefined) return source.trust;
  throw new FetchError(
    'NO_SOURCE',
    `${home} no longer holds the study, and the only copy is at ${to}.`,
  );
}

/** Where the home no longer holds the study, any copy is better than none. */
const isSame = (copy: Holder, own: Holder | undefined): boolean =>
  own === undefined || copy.setHash === own.setHash;

/** What is to come. @throws FetchError `SERIES_UNKNOWN` */
export function expectedOf(
  db: Sqlite,
  study: { trust: string; studyInstanceUID: string; home: string },
  seriesInstanceUIDs: readonly string[] | undefined,
): Expected {
  const series = db
    .prepare<[string, string, string], { uid: string; instances: number; bytes: number }>(
      `SELECT series_uid AS uid, instances, bytes FROM series
       WHERE trust = ? AND study_uid = ? AND home = ?`,
    )
    .all(study.trust, study.studyInstanceUID, study.home);
  const nearline = db
    .prepare<[string, string, string], { instances: number }>(
      `SELECT instances FROM studies
       WHERE trust = ? AND study_uid = ? AND home = ? AND nearline_modalities IS NOT NULL`,
    )
    .get(study.trust, study.studyInstanceUID, study.home);
  const unknown = seriesInstanceUIDs?.find((uid) => !series.some((one) => one.uid === uid));
  // Of what only a PACS holds the series are not known here.
  if (nearline !== undefined && (unknown !== undefined || seriesInstanceUIDs === undefined))
    return { instances: seriesInstanceUIDs ? 0 : nearline.instances, bytes: 0 };
  if (unknown !== undefined)
    throw new FetchError('SERIES_UNKNOWN', `The study has no series ${unknown}.`);
  const wanted = series.filter(({ uid }) => seriesInstanceUIDs?.includes(uid) ?? true);
  return {
    instances: wanted.reduce((sum, { instances }) => sum + instances, 0),
    bytes: wanted.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
