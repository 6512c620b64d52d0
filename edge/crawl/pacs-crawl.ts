/**
 * Keeps what one PACS holds in the index: a slice of the most urgent sweep at a time, then what that left open.
 *
 *   sweep's slice ─► askWholeSlice ─► studies, as they come ─► days compared ─► the sweep goes on
 *   glance: names alone ─► those that are not known asked by UID          patients in care ─► all of theirs
 *   not named any more ─► asked by UID ─► an hour later again ─► gone        counts missing ─► series asked
 *
 * Never gives up: what fails is tried again after a while, and the reason is shown.
 */
import { acquisitionDay } from '../../shared/acquisition-day.ts';
import { backoffMs, sleep } from '../../shared/backoff.ts';
import type { Clock } from '../../shared/clock.ts';
import { UNDATED } from '../../shared/contract/events.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { PacsStudy } from '../index/nearline.ts';
import type { ObjectReading } from '../scp/object-reading.ts';
import { type Named, readStudy, studyIdentifier } from './answers.ts';
import { type AnsweredSlice, type AskSliceParts, askWholeSlice } from './ask-slice.ts';
import { countStudy } from './count-study.ts';
import { type Answers, PacsFinder } from './pacs-finder.ts';
import { PacsKnowledge } from './pacs-knowledge.ts';
import { PacsStudies, readPacsCounts } from './pacs-studies.ts';
import { CARE_MS, PatientsInCare } from './patients-in-care.ts';
import { isAllDays, type Slice } from './slice.ts';
import { type SweepSlice, Sweeps } from './sweeps.ts';
import { Throttle } from './throttle.ts';

/** Between the two questions after which a study counts as gone. */
const GONE_AFTER_MS = 3_600_000;
/** A study of the last days whose counts the PACS does not say is counted again so often. */
const RECOUNT_MS = 3_600_000;
const RECOUNT_DAYS_MS = 7 * 86_400_000;
/** Studies that are looked at one by one between two slices. */
const ONE_BY_ONE = 10;
/** A PACS of more is not gone through for its studies without a date; that they are not known is said. */
const MAX_FOR_UNDATED = 10_000;
const RETRY_BACKOFF = { firstMs: 2_000, maxMs: 300_000 } as const;
const IDLE_MS = 1_000;
/** Studies recorded in one transaction; ingest has its turn between. */
const CHUNK = 200;

export interface PacsCrawlOptions {
  readonly peer: Peer;
  readonly config: Pick<EdgeConfig, 'crawl'>;
  readonly ownAETitle: string;
  readonly db: Sqlite;
  readonly index: EdgeIndex;
  readonly reading: Pick<ObjectReading, 'openReader'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Default {@link MAX_FOR_UNDATED}. */
  readonly maxForUndated?: number;
  /** A query was answered. */
  readonly onQuery: (end: Answers['end']) => void;
}

const isUndatedStudy = ({ attributes }: PacsStudy): boolean =>
  acquisitionDay(attributes.studyDate) === UNDATED;

interface TakenAnswers {
  readonly end: Answers['end'];
  readonly answers: number;
  /** Study Instance UIDs. */
  readonly named: ReadonlySet<string>;
  /** How many of them were not known. */
  readonly added: number;
}

export class PacsCrawl {
  readonly #options: PacsCrawlOptions;
  readonly #ending = new AbortController();
  readonly #finder: PacsFinder;
  readonly #throttle: Throttle;
  readonly #sweeps: Sweeps;
  readonly #studies: PacsStudies;
  readonly #knowledge: PacsKnowledge;
  readonly #inCare: PatientsInCare;
  #running: Promise<void> = Promise.resolve();
  #failures = 0;

  constructor(options: PacsCrawlOptions) {
    const { peer, ownAETitle, config, clock, db, index } = options;
    this.#options = options;
    this.#finder = new PacsFinder({ peer, ownAETitle, signal: this.#ending.signal });
    this.#throttle = new Throttle(config.crawl, clock);
    this.#sweeps = new Sweeps(db, { earliest: earliestDay(config) });
    this.#studies = new PacsStudies(db, index);
    this.#knowledge = new PacsKnowledge(db, peer.name);
    this.#knowledge.create();
    this.#inCare = new PatientsInCare(db, { peer: peer.name, trust: index.trust });
  }

  start(): void {
    this.#running = this.#run();
  }

  /** What is under way is asked again after the next start. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  /**
   * Whatever is due now: one slice, or studies one by one.
   *
   * @returns false when nothing is
   * @throws GatewayError when the PACS can't be asked
   */
  async step(): Promise<boolean> {
    const { peer, clock } = this.#options;
    const slice = this.#sweeps.next(peer.name, { now: clock.now(), today: this.#today() });
    if (slice !== undefined && isAllDays(slice.slice) && !this.#canAskForUndated())
      this.#passOver(slice);
    else if (slice?.sweep.name === 'glance') await this.#glance(slice);
    else if (slice !== undefined) await this.#sweep(slice);
    const looked = await this.#lookForMissed();
    const counted = await this.#countUncounted();
    const asked = await this.#askForPatients();
    return slice !== undefined || looked > 0 || counted > 0 || asked > 0;
  }

  async #run(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const hasWorked = await this.step();
        this.#failures = 0;
        if (!hasWorked) {
          await this.#finder.release();
          await sleep(IDLE_MS, signal);
        }
      } catch (error) {
        if (!signal.aborted) await this.#wait(error);
      }
    }
    await this.#finder.release();
  }

  async #wait(error: unknown): Promise<void> {
    const { peer, clock, log, random } = this.#options;
    const code = codeOf(error);
    const isExpected = error instanceof GatewayError;
    if (!isExpected && !code.startsWith('SQLITE_'))
      log.error('program.bug', { where: 'crawl', error });
    const waitMs = backoffMs(this.#failures, { ...RETRY_BACKOFF, random });
    this.#failures += 1;
    const waitSeconds = Math.round(waitMs / 1000);
    log.warn('crawl.waiting', { peer: peer.name, code, waitSeconds });
    const detail = isExpected ? error.message : 'an unexpected failure; see the log';
    if (!code.startsWith('SQLITE_')) this.#knowledge.standsStill({ code, detail }, clock.now());
    await sleep(waitMs, this.#ending.signal);
  }

  #canAskForUndated(): boolean {
    const { db, peer, maxForUndated = MAX_FOR_UNDATED } = this.#options;
    return readPacsCounts(db, peer.name).studies <= maxForUndated;
  }

  /** Where it has studies without a date, nobody knows how many. */
  #passOver(part: SweepSlice): void {
    const { clock, db, peer } = this.#options;
    const now = clock.now();
    db.transaction(() => {
      const pacs = this.#studies.ofDay(peer.name, UNDATED);
      if (pacs > 0) this.#knowledge.setDay(UNDATED, { pacs, isCut: true, now });
      const nothing = { studies: 0, added: 0, isCut: false };
      this.#sweeps.done(part, nothing, { now, today: this.#today() });
    }).immediate();
    this.#tellSwept(part);
  }

  async #sweep(part: SweepSlice): Promise<void> {
    const { peer, clock, db, log } = this.#options;
    const { slice } = part;
    const begunAt = clock.now();
    const today = this.#today();
    const isUndated = isAllDays(slice);
    const asked = isUndated ? { from: UNDATED, to: UNDATED } : slice;
    const days = new Map<string, number>(isUndated ? [[UNDATED, 0]] : []);
    let added = 0;
    const known = new Set<string>();
    const whole = await askWholeSlice(
      {
        ask: async (some) => {
          const answer = await this.#askSlice(some);
          const fresh = answer.studies.filter(
            ({ attributes }) => !known.has(attributes.studyInstanceUID),
          );
          for (const { attributes } of fresh) {
            known.add(attributes.studyInstanceUID);
            const day = acquisitionDay(attributes.studyDate);
            if (isUndated && day !== UNDATED) continue;
            days.set(day, (days.get(day) ?? 0) + 1);
          }
          added += await this.#take(isUndated ? fresh.filter(isUndatedStudy) : fresh);
          return answer;
        },
        ...this.#asking(),
      },
      slice,
    );
    if (this.#ending.signal.aborted) return;
    const isNone = isUndated && days.get(UNDATED) === 0;
    const isCut = whole.cutDays.size > 0 && !isNone;
    if (!isCut) await this.#lookForUnseen(asked, begunAt);
    const now = clock.now();
    db.transaction(() => {
      for (const [day, pacs] of days)
        this.#knowledge.setDay(day, { pacs, isCut: isCut && whole.cutDays.has(day), now });
      this.#knowledge.forgetDays(asked.from, asked.to, begunAt);
      const studies = isUndated ? (days.get(UNDATED) ?? 0) : whole.found.size;
      const outcome = { studies, added, isCut };
      this.#sweeps.done(part, outcome, { now, today });
    }).immediate();
    if (isCut) log.warn('crawl.cut', { peer: peer.name, from: slice.from, to: slice.to });
    this.#tellSwept(part);
  }

  /** What the PACS holds of these days and was not known to: by the names alone. */
  async #glance(part: SweepSlice): Promise<void> {
    const { peer, clock } = this.#options;
    const whole = await askWholeSlice(
      {
        ...this.#asking(),
        ask: (some) => this.#askSlice(some, { isBrief: true }),
      },
      part.slice,
    );
    if (this.#ending.signal.aborted) return;
    const unknown = this.#studies.unknown(peer.name, whole.found);
    if (unknown.length > ONE_BY_ONE) {
      this.#tellLate('glance', unknown.length);
      return this.#sweep(part);
    }
    const found: boolean[] = [];
    for (const uid of unknown) found.push((await this.#isThere(uid)) === true);
    const added = found.filter(Boolean).length;
    this.#tellLate('glance', added);
    const outcome = { studies: whole.found.size, added, isCut: whole.cutDays.size > 0 };
    this.#sweeps.done(part, outcome, { now: clock.now(), today: this.#today() });
    this.#tellSwept(part);
  }

  /** Not before the past was gone through once: it would be asked twice. */
  async #askForPatients(): Promise<number> {
    const { peer, clock } = this.#options;
    const history = this.#sweeps.list(peer.name).find(({ name }) => name === 'history');
    if (history?.lastResult == null) return 0;
    const now = clock.now();
    const due = this.#inCare.due({ now, sinceDay: dayOf(now - CARE_MS), limit: ONE_BY_ONE });
    let added = 0;
    for (const patientId of due) {
      if (this.#ending.signal.aborted) break;
      added += await this.#takeAll({ patientId }).then((all) => all.added);
      this.#inCare.asked(patientId, clock.now());
    }
    this.#tellLate('patient', added);
    return due.length;
  }

  #tellLate(by: 'patient' | 'glance', studies: number): void {
    const { log, peer } = this.#options;
    if (studies > 0) log.info('crawl.late', { peer: peer.name, by, studies });
  }

  #tellSwept(part: SweepSlice): void {
    const { log, peer } = this.#options;
    if (part.isLast)
      log.info('crawl.swept', { peer: peer.name, sweep: part.sweep.name, ...this.#lastOf(part) });
  }

  #asking(): Omit<AskSliceParts, 'ask'> {
    return {
      cap: () => this.#knowledge.cap(),
      learn: (knowledge) => this.#knowledge.learn(knowledge),
      days: { earliest: earliestDay(this.#options.config), today: this.#today() },
      signal: this.#ending.signal,
    };
  }

  #lastOf({ sweep: { peer, name } }: SweepSlice): { days: number; studies: number; added: number } {
    const row = this.#sweeps.list(peer).find((one) => one.name === name);
    return { days: row?.days ?? 0, studies: row?.studies ?? 0, added: row?.added ?? 0 };
  }

  /** @param options `isBrief`: without what costs a PACS most to answer, counts and modalities */
  async #askSlice(slice: Slice, { isBrief = false } = {}): Promise<AnsweredSlice> {
    const fewKeys = isBrief || this.#knowledge.hasFewKeys;
    const ask = (): Promise<Answers> =>
      this.#ask((transferSyntaxUID) => studyIdentifier(slice, { transferSyntaxUID, fewKeys }));
    const first = await ask();
    // What fails now and then is neither more than it would tell nor a key that it does not know.
    const answers = first.end === 'refused' ? await ask() : first;
    if (answers.end === 'refused' && !fewKeys && (await this.#takesFewKeys(slice)))
      return this.#askSlice(slice);
    const { end, status, identifiers } = answers;
    return { end, status, studies: await this.#read(answers), count: identifiers.length };
  }

  /** Some refuse a query for a key that they do not know. */
  async #takesFewKeys(slice: Slice): Promise<boolean> {
    const { end } = await this.#ask((transferSyntaxUID) =>
      studyIdentifier(slice, { transferSyntaxUID, fewKeys: true }),
    );
    if (end !== 'whole') return false;
    this.#knowledge.learnFewKeys();
    return true;
  }

  async #ask(identifierFor: (transferSyntaxUID: string) => Buffer): Promise<Answers> {
    const { clock, onQuery } = this.#options;
    if (this.#throttle.isResting) await this.#finder.release();
    await this.#throttle.turn(this.#ending.signal);
    const answers = await this.#finder.ask(identifierFor);
    onQuery(answers.end);
    if (answers.end === 'whole' || answers.end === 'cut') this.#knowledge.answered(clock.now());
    return answers;
  }

  async #read({ identifiers, transferSyntaxUID }: Answers): Promise<PacsStudy[]> {
    const { reading, peer, log } = this.#options;
    const { characterSet } = peer;
    const studies: PacsStudy[] = [];
    for (const identifier of identifiers) {
      const study = await readStudy(identifier, { transferSyntaxUID, reading, characterSet });
      if (study !== undefined) studies.push(study);
    }
    const unreadable = identifiers.length - studies.length;
    if (unreadable > 0) log.warn('crawl.unreadable', { peer: peer.name, answers: unreadable });
    return studies;
  }

  async #take(studies: readonly PacsStudy[]): Promise<number> {
    const { peer, clock } = this.#options;
    let added = 0;
    for (let at = 0; at < studies.length; at += CHUNK) {
      added += this.#studies.take(peer.name, studies.slice(at, at + CHUNK), clock.now());
      await new Promise((resolve) => setImmediate(resolve));
    }
    return added;
  }

  /** Of the slice's days, and not among the answers: it may have got another date. */
  async #lookForUnseen(slice: Slice, begunAt: number): Promise<void> {
    const { peer, clock } = this.#options;
    for (const uid of this.#studies.unseen(peer.name, slice, begunAt)) {
      if (this.#ending.signal.aborted) return;
      if ((await this.#isThere(uid)) === false) this.#studies.miss(peer.name, uid, clock.now());
    }
  }

  async #lookForMissed(): Promise<number> {
    const { peer, clock, log } = this.#options;
    const before = clock.now() - GONE_AFTER_MS;
    const missed = this.#studies.missedBefore(peer.name, before, ONE_BY_ONE);
    for (const studyInstanceUID of missed) {
      const isThere = await this.#isThere(studyInstanceUID);
      // Without an answer it is asked again, after as long.
      if (isThere === undefined) this.#studies.miss(peer.name, studyInstanceUID, clock.now());
      if (isThere !== false) continue;
      this.#studies.markGone(peer.name, studyInstanceUID, clock.now());
      log.info('crawl.gone', { peer: peer.name, studyInstanceUID });
    }
    return missed.length;
  }

  /** Asks for one study, and records it. @returns undefined when the answer is neither yes nor no */
  async #isThere(studyInstanceUID: string): Promise<boolean | undefined> {
    const { end, answers, named } = await this.#takeAll({ studyInstanceUID });
    if (end !== 'whole') return undefined;
    if (answers === 0) return false;
    // Others alone: it does not match on the UID.
    if (!named.has(studyInstanceUID)) return undefined;
    const { peer, clock } = this.#options;
    this.#studies.found(peer.name, studyInstanceUID, clock.now());
    return true;
  }

  /** All that the PACS names of these, recorded. */
  async #takeAll(of: Named): Promise<TakenAnswers> {
    const fewKeys = this.#knowledge.hasFewKeys;
    const answers = await this.#ask((transferSyntaxUID) =>
      studyIdentifier(of, { transferSyntaxUID, fewKeys }),
    );
    const { end, identifiers } = answers;
    const isPart = end === 'whole' || end === 'cut';
    const studies = isPart ? await this.#read(answers) : [];
    const named = new Set(studies.map(({ attributes }) => attributes.studyInstanceUID));
    return { end, answers: identifiers.length, named, added: await this.#take(studies) };
  }

  async #countUncounted(): Promise<number> {
    const { peer, clock } = this.#options;
    const now = clock.now();
    const studies = this.#studies.uncounted(peer.name, {
      recentDay: dayOf(now - RECOUNT_DAYS_MS),
      countedBefore: now - RECOUNT_MS,
      limit: ONE_BY_ONE,
    });
    for (const { studyInstanceUID } of studies) {
      const counted = await countStudy(
        (identifierFor) => this.#ask(identifierFor),
        studyInstanceUID,
      );
      this.#studies.count(peer.name, studyInstanceUID, { counted, now: clock.now() });
    }
    return studies.length;
  }

  #today(): string {
    return dayOf(this.#options.clock.now());
  }
}

const earliestDay = ({ crawl }: Pick<EdgeConfig, 'crawl'>): string => `${crawl.earliestYear}0101`;

const DAY = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/London', dateStyle: 'short' });

/** By the trust's wall clock. */
function dayOf(ms: number): string {
  return DAY.format(ms).replaceAll('-', '');
}
