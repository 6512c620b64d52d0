/**
 * Asks a PACS for all of a slice, in as many smaller ones as it takes until nothing shows that an answer was cut.
 *
 *   slice ─► ask ─► suspicious? ─► halves ─► ask … ─► what was learnt of the cap
 *
 * A PACS may cut silently. So more answers than were ever seen to be whole are believed only when the halves
 * name no other study; then so many are known to be no cap. Else the cap is known, and exactly so many are always
 * cut. Answers are what a cap counts: a study that the PACS names twice is two of them.
 */
import type { PacsStudy } from '../index/nearline.ts';
import { CrawlError } from './crawl-error.ts';
import type { Answers } from './pacs-finder.ts';
import { dayOfSlice, isAllDays, type Slice, type SplitOptions, splitSlice } from './slice.ts';

/** No PACS has a smaller cap. */
const LEAST_CAP = 20;

/** What is known of a PACS's cap; kept over restarts. */
export interface CapKnowledge {
  /** So many answers were whole. */
  readonly uncapped: number;
  /** Null: none was met. */
  readonly cap: number | null;
}

export interface AnsweredSlice {
  readonly end: Answers['end'];
  readonly status: number | undefined;
  readonly studies: readonly PacsStudy[];
  /** Answers, those that can't be read included. */
  readonly count: number;
}

export interface AskSliceParts {
  /** One query, when its turn has come; what it answered is recorded already. */
  ask(slice: Slice): Promise<AnsweredSlice>;
  cap(): CapKnowledge;
  learn(knowledge: CapKnowledge): void;
  readonly days: Pick<SplitOptions, 'earliest' | 'today'>;
  readonly signal: AbortSignal;
}

export interface WholeSlice {
  /** Study Instance UIDs. */
  readonly found: ReadonlySet<string>;
  /** Days of which the PACS has more than it would tell. */
  readonly cutDays: ReadonlySet<string>;
}

/** So many queries in a row that brought nothing: the PACS answers none. Days are halved to one in nine. */
const MAX_FAILURES = 16;

/** @throws CrawlError when the PACS answers nothing; UlError when it can't be reached */
export function askWholeSlice(parts: AskSliceParts, slice: Slice): Promise<WholeSlice> {
  return new Asking(parts).all(slice);
}

class Asking {
  readonly #parts: AskSliceParts;
  #ignoresTime = false;
  /** Studies without a StudyTime were among the answers. */
  #hasUntimed = false;
  #failures = 0;

  constructor(parts: AskSliceParts) {
    this.#parts = parts;
  }

  async all(slice: Slice): Promise<WholeSlice> {
    const { ask, signal, days } = this.#parts;
    if (signal.aborted) return { found: new Set(), cutDays: new Set([dayOfSlice(slice)]) };
    const answer = await ask(slice);
    this.#countFailure(answer);
    const found = new Set(answer.studies.map(({ attributes }) => attributes.studyInstanceUID));
    this.#ignoresTime ||= isTimeIgnored(slice, answer.studies);
    this.#hasUntimed ||= answer.studies.some(({ attributes }) => attributes.studyTime === null);
    const doubt = this.#doubtOf(answer);
    if (doubt === undefined || this.#isOfNobody(slice)) return { found, cutDays: NONE };
    const hasUntimed = this.#hasUntimed || isAllDays(slice);
    const smaller = splitSlice(slice, { ...days, hasUntimed, ignoresTime: this.#ignoresTime });
    if (smaller.length === 0)
      return { found, cutDays: doubt === 'cut' ? new Set([dayOfSlice(slice)]) : NONE };
    const parts = joined([{ found, cutDays: NONE }, await this.#allOf(slice, smaller)]);
    this.#learn(answer, { hasMore: parts.found.size > found.size, isCut: parts.cutDays.size > 0 });
    return parts;
  }

  /** All days' parts by modality are asked for studies without a time; of which there is no sign when they come. */
  #isOfNobody(slice: Slice): boolean {
    const isForUntimed = isAllDays(slice) && slice.modality !== undefined && !this.#ignoresTime;
    return isForUntimed && slice.time === undefined && !this.#hasUntimed;
  }

  async #allOf(slice: Slice, smaller: readonly Slice[]): Promise<WholeSlice> {
    const parts: WholeSlice[] = [];
    for (const part of smaller) {
      parts.push(await this.all(part));
      const isNoPart = this.#ignoresTime && part.time !== undefined && part.modality === undefined;
      if (isNoPart) return this.#byModality(slice, joined(parts).found);
    }
    return joined(parts);
  }

  /** The PACS does not tell parts of a day apart. */
  async #byModality(slice: Slice, found: ReadonlySet<string>): Promise<WholeSlice> {
    // Asked once, for the whole day.
    if (slice.time !== undefined) return { found, cutDays: new Set([dayOfSlice(slice)]) };
    const { days } = this.#parts;
    const modalities = splitSlice(slice, { ...days, hasUntimed: false, ignoresTime: true });
    return joined([{ found, cutDays: NONE }, await this.#allOf(slice, modalities)]);
  }

  #doubtOf({ end, count }: AnsweredSlice): 'cut' | 'unproven' | undefined {
    if (end !== 'whole') return 'cut';
    const { uncapped, cap } = this.#parts.cap();
    if (count === cap) return 'cut';
    return count >= LEAST_CAP && count > uncapped ? 'unproven' : undefined;
  }

  /** Of an answer that said it was whole. */
  #learn({ end, count }: AnsweredSlice, parts: { hasMore: boolean; isCut: boolean }): void {
    if (end !== 'whole') return;
    const { uncapped, cap } = this.#parts.cap();
    if (parts.hasMore) this.#parts.learn({ uncapped, cap: count });
    else if (!parts.isCut && count > uncapped)
      this.#parts.learn({ uncapped: count, cap: cap !== null && cap > count ? cap : null });
  }

  #countFailure(answer: AnsweredSlice): void {
    const hasFailed = answer.end === 'late' || answer.end === 'refused';
    this.#failures = hasFailed ? this.#failures + 1 : 0;
    if (this.#failures >= MAX_FAILURES) throw failureOf(answer);
  }
}

const NONE: ReadonlySet<string> = new Set();

const joined = (parts: readonly WholeSlice[]): WholeSlice => ({
  found: new Set(parts.flatMap(({ found }) => [...found])),
  cutDays: new Set(parts.flatMap(({ cutDays }) => [...cutDays])),
});

function failureOf({ status }: AnsweredSlice): CrawlError {
  if (status === undefined)
    return new CrawlError('FIND_UNANSWERED', 'the PACS ends queries without an answer');
  const code = status.toString(16).toUpperCase().padStart(4, '0');
  return new CrawlError('FIND_REFUSED', `the PACS answers queries with ${code}H: look at its log`);
}

/** True when it answered studies outside the part of the day that it was asked for. */
function isTimeIgnored({ time }: Slice, studies: readonly PacsStudy[]): boolean {
  if (time === undefined) return false;
  return studies.some(({ attributes: { studyTime } }) => {
    const digits = studyTime?.replaceAll(':', '') ?? '';
    if (!/^\d{6}/.test(digits)) return false;
    const [hours, minutes, seconds] = [digits.slice(0, 2), digits.slice(2, 4), digits.slice(4, 6)];
    const at = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    return at < time[0] || at > time[1];
  });
}
