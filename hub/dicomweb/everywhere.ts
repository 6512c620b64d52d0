/**
 * QIDO-RS of series and objects over the studies of all trusts. PS3.18 §10.6, the relational questions.
 *
 *   filters by level ─► studies that the asker may see ─► their series ─┬─ as told to the hub
 *                                                                       └─ of what only a PACS holds: asked of its edge
 *   objects: asked of the edges, series by series, only as far as the page needs them
 *
 * What an edge did not list is said by trust. An edge that does not answer is not waited for twice.
 */
import type { JsonDataSet } from '../../shared/dicom/dicom-json.ts';
import { KeywordTag as T } from '../../shared/dicomweb/keywords.ts';
import type { QidoQuery } from '../../shared/dicomweb/query.ts';
import type { StudyView } from '../search/rows.ts';
import { findStudy } from '../search/study.ts';
import { EdgeCallError } from './call-edge.ts';
import { ContentsError, type ContentsParts, listJson, seriesOf } from './list-contents.ts';
import { isOfSeries, isOfStudy, type ListedSeries, seriesMatching } from './qido.ts';

/** The newest of so many studies are looked through. */
export const MAX_STUDIES = 500;
/** Series of which the objects are asked for one question. */
const MAX_ASKED = 300;
/** Questions to edges at a time. */
const AT_ONCE = 8;
/** Rows of one answer of an edge. */
const ROWS = 1_000;

type Filters = QidoQuery['filters'];

/** The filters by what they are about. */
export interface ByLevel {
  readonly study: Filters;
  readonly series: Filters;
  readonly instance: Filters;
}

export function byLevel(filters: Filters): ByLevel {
  const of = (wanted: (tag: number) => boolean): Filters =>
    new Map([...filters].filter(([tag]) => wanted(tag)));
  const study = new Map(of(isOfStudy));
  // A study without such a series need not be looked through.
  const modality = filters.get(T.Modality);
  if (modality !== undefined && !/[*?]/.test(modality) && !study.has(T.ModalitiesInStudy))
    study.set(T.ModalitiesInStudy, modality);
  return {
    study,
    series: of(isOfSeries),
    instance: of((tag) => !isOfStudy(tag) && !isOfSeries(tag)),
  };
}

export interface Reached {
  readonly study: StudyView;
  readonly series: ListedSeries;
}

/** Which trusts did not list what they hold, and of how many studies. */
export type Unlisted = Map<string, Set<string>>;

export class Everywhere {
  readonly #parts: ContentsParts;
  readonly #unlisted: Unlisted = new Map();
  readonly #silent = new Set<string>();
  #unasked = 0;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  /** @returns `fault`: why it can't be asked, in words */
  async series(
    studies: readonly StudyView[],
    { series: filters }: Pick<ByLevel, 'series'>,
  ): Promise<readonly Reached[] | { readonly fault: string }> {
    const listed = await inTurns(studies, (study) => this.#seriesOf(study));
    const reached: Reached[] = [];
    for (const [at, study] of studies.entries()) {
      const found = seriesMatching(listed[at] ?? [], { filters });
      if ('fault' in found) return found;
      reached.push(...found.map((series) => ({ study, series })));
    }
    return reached;
  }

  /**
   * The objects of a page, each with its series, and how many there are in all.
   *
   * @param question filters and fields as an edge takes them, each behind an `&`
   */
  async instances(
    reached: readonly Reached[],
    { limit, offset, question, isFiltered }: InstancesAsked,
  ): Promise<{ page: readonly (Reached & { instance: JsonDataSet })[]; total: number }> {
    const counts = reached.map(({ series }) => series.numberOfInstances);
    const isCounted = !isFiltered && !counts.includes(null);
    let position = 0;
    const wanted = reached.map((_, at) => {
      const start = position;
      position += counts[at] ?? 0;
      return !isCounted || (position > offset && start < offset + limit);
    });
    const some = reached.map((one, at) => ({ ...one, isWanted: wanted[at] === true }));
    const lists = await inTurns(some, (one) => this.#instancesOf(one, question));
    const page: (Reached & { instance: JsonDataSet })[] = [];
    let total = 0;
    for (const [at, one] of reached.entries()) {
      const list = lists[at] ?? [];
      const from = Math.max(0, offset - total);
      const left = limit - page.length;
      page.push(...list.slice(from, from + left).map((instance) => ({ ...one, instance })));
      total += isCounted ? (counts[at] ?? 0) : list.length;
    }
    return { page, total };
  }

  /** What is not in the answer, in words. */
  remarks(): string[] {
    const remarks = [...this.#unlisted].map(
      ([trust, studies]) =>
        `${trust}: what is in ${studies.size} of its studies was not listed, and is not in this answer`,
    );
    if (this.#unasked > 0)
      remarks.push(`${this.#unasked} series were not looked through: ask for a study, or dates`);
    return remarks;
  }

  async #seriesOf(study: StudyView): Promise<readonly ListedSeries[]> {
    const { studyInstanceUID, home } = study;
    const told = findStudy(this.#parts.db, studyInstanceUID).find((one) => one.home === home);
    if (study.availability === 'ONLINE') return told?.series ?? [];
    const listed = await this.#ask(study, undefined, '');
    return listed === undefined ? (told?.series ?? []) : listed.map(seriesOf);
  }

  async #instancesOf(
    { study, series, isWanted }: Reached & { readonly isWanted: boolean },
    question: string,
  ): Promise<readonly JsonDataSet[]> {
    if (!isWanted) return [];
    return (await this.#ask(study, series.seriesInstanceUID, question)) ?? [];
  }

  #asked = 0;

  async #ask(
    { studyInstanceUID, home }: StudyView,
    seriesInstanceUID: string | undefined,
    question: string,
  ): Promise<JsonDataSet[] | undefined> {
    this.#asked += 1;
    if (this.#asked > MAX_ASKED) {
      this.#unasked += 1;
      return undefined;
    }
    if (this.#silent.has(home)) return this.#missing(home, studyInstanceUID);
    const all: JsonDataSet[] = [];
    try {
      for (let offset = 0; ; offset += ROWS) {
        const of = { studyInstanceUID, home, seriesInstanceUID, limit: ROWS, offset };
        const rows = await listJson(this.#parts, of, question);
        all.push(...rows);
        if (rows.length < ROWS) return all;
      }
    } catch (error) {
      if (!(error instanceof EdgeCallError || error instanceof ContentsError)) throw error;
      if (error instanceof EdgeCallError) this.#silent.add(home);
      return this.#missing(home, studyInstanceUID);
    }
  }

  #missing(home: string, studyInstanceUID: string): undefined {
    const studies = this.#unlisted.get(home) ?? new Set();
    this.#unlisted.set(home, studies.add(studyInstanceUID));
    return undefined;
  }
}

export interface InstancesAsked {
  readonly limit: number;
  readonly offset: number;
  readonly question: string;
  /** Some filter is about the objects: how many match only the edges can tell. */
  readonly isFiltered: boolean;
}

/** A few at a time, in order. */
async function inTurns<T, R>(all: readonly T[], run: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += AT_ONCE)
    results.push(...(await Promise.all(all.slice(at, at + AT_ONCE).map(run))));
  return results;
}
