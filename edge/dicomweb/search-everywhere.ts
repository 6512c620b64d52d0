/**
 * QIDO-RS of series and objects over all studies that this trust holds. PS3.18 §10.6, the relational questions.
 *
 *   filters by level ─► studies ─► their series: index, else as the PACS lists them ─► objects ─► the page that was asked for
 *
 * Nothing is brought here for a list. What could not be looked through is said beside the answer.
 */
import { setImmediate } from 'node:timers/promises';
import { type JsonDataSet, tagName } from '../../shared/dicom/dicom-json.ts';
import { jsonOfTexts, type QidoQuery } from '../../shared/dicomweb/query.ts';
import { seriesOf } from '../scp/query/contents.ts';
import type { FoundSeries, FoundStudy, Values } from '../scp/query/found-study.ts';
import { keyOf } from '../scp/query/keys.ts';
import type { PacsListing } from '../scp/query/local-pacs.ts';
import type { WebAnswer } from './answer.ts';
import { DicomWebError } from './dicomweb-error.ts';
import type { SeriesScope } from './held-studies.ts';
import { instancePath } from './object-head.ts';
import {
  answerPage,
  located,
  matches,
  type Question,
  readQuestion,
  type SearchParts,
  shownOf,
  textsOf,
} from './search.ts';
import { readMetadata } from './series-metadata.ts';

export interface EverywhereParts extends SearchParts {
  readonly trust: string;
  readonly listing: PacsListing;
}

/** Beyond them a question is too broad. */
const MAX_STUDIES = 5_000;
/** Of so many series the attributes of all objects are read for one question. */
const MAX_READ = 500;
/** Questions to the PACS for one of a client. */
const MAX_ASKED = 50;

const SOP_INSTANCE_UID = 0x0008_0018;
const STUDY_INSTANCE_UID = 0x0020_000d;
const SERIES_INSTANCE_UID = 0x0020_000e;

type Filters = QidoQuery['filters'];

/** The filters by what they are about. */
interface ByLevel {
  readonly study: Filters;
  readonly series: Filters;
  readonly instance: Filters;
}

function byLevel(filters: Filters): ByLevel {
  const of = (wanted: (level: string) => boolean): Filters =>
    new Map([...filters].filter(([tag]) => wanted(keyOf(tag)?.level ?? 'IMAGE')));
  return {
    study: of((level) => level === 'PATIENT' || level === 'STUDY'),
    series: of((level) => level === 'SERIES'),
    instance: of((level) => level === 'IMAGE'),
  };
}

/** A series that matches, of a study that does. */
interface Reached {
  readonly study: FoundStudy;
  readonly series: FoundSeries;
  /** Of both. */
  readonly values: Values;
}

export async function searchAllSeries(
  parts: EverywhereParts,
  question: Question,
): Promise<WebAnswer> {
  const { query, contentType } = readQuestion(question);
  const filters = byLevel(query.filters);
  const [other] = filters.instance.keys();
  if (other !== undefined)
    throw new DicomWebError('INVALID_QUERY', `${tagName(other)} can not be asked for here.`);
  const page = new Page(query);
  const walk = new Walk(parts, query, filters);
  for await (const { study, series, values } of walk.series())
    page.give(() => ({
      ...jsonOfTexts(values),
      ...located(
        `/dicom-web/studies/${study.studyInstanceUID}/series/${series.seriesInstanceUID}`,
        study.availability,
      ),
    }));
  return answerPage(
    page,
    { ...query, remarks: [...query.remarks, ...walk.remarks()] },
    contentType,
  );
}

export async function searchAllInstances(
  parts: EverywhereParts,
  question: Question,
): Promise<WebAnswer> {
  const { query, contentType } = readQuestion(question);
  const page = new Page(query);
  const walk = new Walk(parts, query, byLevel(query.filters));
  for await (const reached of walk.series()) await walk.instances(reached, page);
  return answerPage(
    page,
    { ...query, remarks: [...query.remarks, ...walk.remarks()] },
    contentType,
  );
}

/** What of all results the page shows, and how many there are. */
class Page {
  readonly shown: JsonDataSet[] = [];
  total = 0;
  readonly #offset: number;
  readonly #limit: number;

  constructor({ offset, limit }: Pick<QidoQuery, 'offset' | 'limit'>) {
    this.#offset = offset;
    this.#limit = limit;
  }

  get remaining(): number {
    return Math.max(0, this.total - this.#offset - this.shown.length);
  }

  give(make: () => JsonDataSet): void {
    if (this.total >= this.#offset && this.shown.length < this.#limit) this.shown.push(make());
    this.total += 1;
  }

  /** True: none of the next so many is shown; they are counted. */
  passes(count: number): boolean {
    const isPassed = this.total + count <= this.#offset || this.shown.length >= this.#limit;
    if (isPassed) this.total += count;
    return isPassed;
  }
}

/** One walk over what matches; what it had to leave out. */
class Walk {
  readonly #parts: EverywhereParts;
  readonly #query: QidoQuery;
  readonly #filters: ByLevel;
  #isCut = false;
  #read = 0;
  #asked = 0;
  #unread = 0;
  readonly #unlisted = new Set<string>();
  readonly #unmatched = new Set<number>();
  #isSeriesAlone = false;

  constructor(parts: EverywhereParts, query: QidoQuery, filters: ByLevel) {
    this.#parts = parts;
    this.#query = query;
    this.#filters = filters;
  }

  async *series(): AsyncGenerator<Reached> {
    const { study: ofStudy, series: ofSeries } = this.#filters;
    let looked = 0;
    for (const study of this.#candidates()) {
      if (!matches(study.values, ofStudy)) continue;
      looked += 1;
      this.#isCut = looked > MAX_STUDIES;
      if (this.#isCut) return;
      for (const series of await this.#seriesOf(study)) {
        const values = new Map([...study.values, ...series.values]);
        if (matches(values, ofSeries)) yield { study, series, values };
      }
      // Ingest has its turn between two studies.
      await setImmediate();
    }
  }

  async instances(reached: Reached, page: Page): Promise<void> {
    const { study, values, series } = reached;
    if (study.availability === 'NEARLINE' && study.home === this.#parts.trust)
      return this.#listed(reached, page);
    const { studyInstanceUID, home } = study;
    const { seriesInstanceUID } = series;
    const held = this.#heldSeries({ studyInstanceUID, home, seriesInstanceUID });
    if (held === undefined || !this.#mayMatch(study, seriesInstanceUID)) return;
    if (this.#filters.instance.size === 0 && page.passes(held.instances.length)) return;
    if (this.#read >= MAX_READ) {
      this.#unread += 1;
      return;
    }
    this.#read += 1;
    const metadata = await this.#parts.metadata.of(held.seriesKey, held.instances);
    const above = jsonOfTexts(values);
    for (const one of await readMetadata(metadata)) {
      if (!matches(textsOf(one, this.#filters.instance), this.#filters.instance)) continue;
      page.give(() => ({ ...above, ...shownOf(one, this.#query) }));
    }
  }

  remarks(): string[] {
    const more = 'ask for dates, or a patient';
    const tags = [...this.#unmatched].map(tagName).join(', ');
    return [
      this.#isCut ? `Only ${MAX_STUDIES} studies were looked through: ${more}` : '',
      this.#unread > 0 ? `${this.#unread} series were not looked through: ${more}` : '',
      this.#unlisted.size > 0
        ? `What is in ${this.#unlisted.size} studies that the PACS holds is not listed here: ask for each study`
        : '',
      tags === '' ? '' : `Objects that only the PACS holds can not be matched by ${tags}`,
      this.#isSeriesAlone
        ? 'Without a study or patient only what is at the edge is looked through, not what only the PACS holds'
        : '',
    ].filter((remark) => remark !== '');
  }

  *#candidates(): Generator<FoundStudy> {
    const { held, studies } = this.#parts;
    const keys = new Map(this.#filters.study);
    const series = this.#filters.series.get(SERIES_INSTANCE_UID);
    const instances = this.#filters.instance.get(SOP_INSTANCE_UID);
    // Whose study it is only the index of the objects knows.
    if (keys.size === 0 && (series !== undefined || instances !== undefined)) {
      this.#isSeriesAlone = this.#parts.studies.hasNearline();
      keys.set(STUDY_INSTANCE_UID, held.studiesWith({ series, instances }).join('\\'));
      if (keys.get(STUDY_INSTANCE_UID) === '') return;
    }
    const pages = studies.candidates(keys);
    let page = pages.next();
    for (; !page.done; page = pages.next()) yield* page.value;
    this.#isCut ||= page.value.isCut;
  }

  /** As a workstation is answered: of what only the PACS holds, as it lists it. */
  async #seriesOf(study: FoundStudy): Promise<readonly FoundSeries[]> {
    const isAsked = study.availability === 'NEARLINE' && study.home === this.#parts.trust;
    if (!isAsked) return study.series();
    if (!this.#mayAsk(study)) return study.series();
    const listed = await seriesOf({ ...this.#parts, askNetwork: undefined }, study);
    if (listed === undefined) this.#unlisted.add(study.studyInstanceUID);
    return listed ?? study.series();
  }

  #mayAsk({ studyInstanceUID }: FoundStudy): boolean {
    this.#asked += 1;
    if (this.#asked > MAX_ASKED) this.#unlisted.add(studyInstanceUID);
    return this.#asked <= MAX_ASKED;
  }

  async #listed({ study, series, values }: Reached, page: Page): Promise<void> {
    const { studyInstanceUID } = study;
    const { seriesInstanceUID } = series;
    const filters = this.#filters.instance;
    const unknown = [...filters.keys()].filter((tag) => keyOf(tag) === undefined);
    for (const tag of unknown) this.#unmatched.add(tag);
    if (unknown.length > 0 || !this.#mayAsk(study)) return;
    const listed = await this.#parts.listing.instances(studyInstanceUID, seriesInstanceUID);
    if (listed === undefined) this.#unlisted.add(studyInstanceUID);
    for (const instance of listed ?? []) {
      if (!matches(instance, filters)) continue;
      const sopInstanceUID = instance.get(SOP_INSTANCE_UID) ?? '';
      const path = instancePath({ studyInstanceUID, seriesInstanceUID, sopInstanceUID });
      page.give(() => ({
        ...jsonOfTexts([...values, ...instance]),
        ...located(path, 'NEARLINE'),
      }));
    }
  }

  /** By what the index knows of its objects: their files need not be read for it. */
  #mayMatch(study: FoundStudy, seriesInstanceUID: string): boolean {
    const known = new Map([...this.#filters.instance].filter(([tag]) => keyOf(tag) !== undefined));
    if (known.size === 0) return true;
    return (study.instances(seriesInstanceUID) ?? []).some((one) => matches(one, known));
  }

  #heldSeries(scope: SeriesScope) {
    const { held } = this.#parts;
    try {
      const [series] = held.series(scope);
      const instances = held.instances(scope);
      return series === undefined ? undefined : { seriesKey: series.seriesKey, instances };
    } catch (error) {
      // It went while the others were looked through.
      if (error instanceof DicomWebError) return undefined;
      throw error;
    }
  }
}
