/**
 * Decisions are written on what the rows say, with the head of their subject as the condition: who was
 * overtaken, by another hub or the RIS, decides again on what is so now. Architecture, rule 2.
 *
 *   rows ─► decide ─► append, expected last sequence ─► rows      conflict: once more, from the rows
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import { inTime } from '../fetch/in-time.ts';
import { LogError, type NetworkLog } from '../log/network-log.ts';
import { tokenOf } from './decisions.ts';
import { SchedulingError } from './scheduling-error.ts';

/** A decision that is overtaken all the time is given up after this. */
const PATIENCE_MS = 12_000;
/** What overtook a decision is in the rows after about so long. */
const CONFLICT_WAIT_MS = 15;

export const diarySubject = (resource: string, date: string): string =>
  hubSubject('diary', `${tokenOf(resource)}.${date}`);
export const requestSubject = (requestId: string): string =>
  hubSubject('request', tokenOf(requestId));
export const resourceSubject = (id: string): string => hubSubject('resource', tokenOf(id));
export const refillSubject = (refillId: string): string => hubSubject('refill', tokenOf(refillId));

export interface Deciding<T> {
  /** Null: nothing has to be written. */
  readonly body: object | null;
  readonly result: T;
}

export interface WriterOptions {
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly projection: { untilDecided(streamSeq: number): Promise<void> };
  readonly clock: Clock;
}

export class DecisionWriter {
  readonly #options: WriterOptions;
  /** Of each subject the newest decision that is under way: those of this hub don't overtake each other. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the decision stands in the log and in the rows.
   *
   * @param head sequence of the subject's last decision in the rows; 0: none
   * @param decide from the rows, now; it may be called again, and throws to refuse
   * @throws what `decide` throws; SchedulingError `DIARY_BUSY`; LogError `LOG_UNAVAILABLE`
   */
  async decide<T>(subject: string, head: () => number, decide: () => Deciding<T>): Promise<T> {
    const before = this.#underWay.get(subject) ?? Promise.resolve();
    const mine = before.then(
      () => this.#decide(subject, head, decide),
      () => this.#decide(subject, head, decide),
    );
    this.#underWay.set(subject, mine);
    const forget = (): void => {
      if (this.#underWay.get(subject) === mine) this.#underWay.delete(subject);
    };
    mine.then(forget, forget);
    return mine;
  }

  async #decide<T>(subject: string, head: () => number, decide: () => Deciding<T>): Promise<T> {
    const { networkLog, projection, clock } = this.#options;
    const until = clock.monotonicMs() + PATIENCE_MS;
    for (let conflicts = 0; ; conflicts += 1) {
      const expectedLastSeq = head();
      const { body, result } = decide();
      if (body === null) return result;
      try {
        // The id tells our own second try, after an answer that was lost, from another's decision.
        const options = { expectedLastSeq, messageId: randomUUID() };
        const streamSeq = await networkLog.append(subject, body, options);
        await inTime(projection.untilDecided(streamSeq), PATIENCE_MS, notApplied);
        return result;
      } catch (error) {
        if (codeOf(error) !== 'LOG_CONFLICT') throw error;
        if (clock.monotonicMs() > until)
          throw new SchedulingError('DIARY_BUSY', 'Others are writing the same. Try again.');
        await new Promise((resolve) =>
          setTimeout(resolve, CONFLICT_WAIT_MS * Math.min(conflicts + 1, 10)),
        );
      }
    }
  }
}

function notApplied(): never {
  throw new LogError(
    'LOG_UNAVAILABLE',
    'the decision is written and not read back yet: look again',
  );
}
