/**
 * What DICOMweb's paths name, among what this trust holds.
 *
 *   /studies/{study}/series/{series}/instances/{instance} ─► Scope ─► StoredInstance[]
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { StoredInstance } from '../index/types.ts';
import { DicomWebError } from './dicomweb-error.ts';

/** A study of one home, or a part of it. */
export interface Scope {
  readonly studyInstanceUID: string;
  readonly home: string;
  readonly seriesInstanceUID?: string | undefined;
  readonly sopInstanceUID?: string | undefined;
}

export interface SeriesScope extends Scope {
  readonly seriesInstanceUID: string;
}

export interface HeldSeries {
  readonly seriesKey: number;
  readonly seriesInstanceUID: string;
}

export class HeldStudies {
  readonly #index: EdgeIndex;
  readonly #homes;
  readonly #series;
  readonly #missing;
  readonly #gone;
  readonly #with;

  constructor(db: Sqlite, index: EdgeIndex) {
    this.#index = index;
    this.#homes = db
      .prepare<[uid: string, own: string], string>(
        'SELECT home FROM studies WHERE study_uid = ? AND instances > 0 ORDER BY home <> ?, home',
      )
      .pluck();
    this.#series = db.prepare<[uid: string, home: string], HeldSeries>(
      `SELECT series_key AS seriesKey, series_uid AS seriesInstanceUID
       FROM series JOIN studies USING (study_key)
       WHERE study_uid = ? AND home = ? AND series.instances > 0
       ORDER BY series_number IS NULL, series_number, series_uid`,
    );
    this.#missing = db
      .prepare<[uid: string, home: string, series: string | null], number>(
        `SELECT count(*) FROM instances i JOIN series s USING (series_key) JOIN studies t USING (study_key)
         WHERE t.study_uid = ? AND t.home = ? AND s.series_uid = coalesce(?, s.series_uid)
           AND i.missing_since IS NOT NULL`,
      )
      .pluck();
    this.#gone = db
      .prepare<{ study: string; home: string; uid: string }, string>(
        `SELECT 'Its home took this object back.' FROM rejections
         WHERE study_uid = @study AND home = @home AND sop_uid = @uid
         UNION ALL
         SELECT 'The file of this object is missing at this trust.' FROM instances i
           JOIN series USING (series_key) JOIN studies t USING (study_key)
         WHERE t.study_uid = @study AND i.home = @home AND i.sop_uid = @uid AND missing_since IS NOT NULL`,
      )
      .pluck();
    this.#with = db
      .prepare<{ series: string; instances: string }, string>(
        `SELECT study_uid FROM series s JOIN studies USING (study_key)
         WHERE s.series_uid IN (SELECT value FROM json_each(@series))
         UNION
         SELECT study_uid FROM instances i JOIN series USING (series_key) JOIN studies USING (study_key)
         WHERE i.sop_uid IN (SELECT value FROM json_each(@instances))`,
      )
      .pluck();
  }

  /** Study Instance UIDs of what holds one of these series, or objects. @param of UIDs, backslashes between */
  studiesWith(of: {
    readonly series: string | undefined;
    readonly instances: string | undefined;
  }): string[] {
    const listOf = (text: string | undefined): string => JSON.stringify(text?.split('\\') ?? []);
    return this.#with.all({ series: listOf(of.series), instances: listOf(of.instances) });
  }

  /** The trust's own study before a copy with the same UID. @throws DicomWebError `RESOURCE_NOT_FOUND` */
  homeOf(studyInstanceUID: string): string {
    return this.#homes.get(studyInstanceUID, this.#index.trust) ?? notHeld();
  }

  /** @throws DicomWebError `RESOURCE_NOT_FOUND` when there is none, `RESOURCE_GONE` when there was one */
  instances({ studyInstanceUID, home, ...part }: Scope): readonly StoredInstance[] {
    const found =
      part.sopInstanceUID === undefined
        ? this.#index.instancesOf({
            studyInstanceUID,
            home,
            seriesInstanceUIDs:
              part.seriesInstanceUID === undefined ? undefined : [part.seriesInstanceUID],
          })
        : [this.#index.findInstance(part.sopInstanceUID, home)].filter(
            (one) =>
              one?.studyInstanceUID === studyInstanceUID &&
              (part.seriesInstanceUID ?? one.seriesInstanceUID) === one.seriesInstanceUID,
          );
    const held = found.filter((one) => one !== undefined);
    if (held.length > 0) return held;
    const uid = part.sopInstanceUID;
    const gone = uid && this.#gone.get({ study: studyInstanceUID, home, uid });
    if (gone) throw new DicomWebError('RESOURCE_GONE', gone);
    return notHeld();
  }

  series({ studyInstanceUID, home, seriesInstanceUID }: Scope): readonly HeldSeries[] {
    const wanted = seriesInstanceUID;
    const all = this.#series.all(studyInstanceUID, home);
    const found = all.filter((one) => (wanted ?? one.seriesInstanceUID) === one.seriesInstanceUID);
    return found.length > 0 ? found : notHeld();
  }

  /** Objects of the scope whose file is gone. */
  missing({ studyInstanceUID, home, seriesInstanceUID, sopInstanceUID }: Scope): number {
    if (sopInstanceUID !== undefined) return 0;
    return this.#missing.get(studyInstanceUID, home, seriesInstanceUID ?? null) ?? 0;
  }
}

function notHeld(): never {
  throw new DicomWebError('RESOURCE_NOT_FOUND', 'This trust holds nothing under this address.');
}
