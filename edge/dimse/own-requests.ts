/**
 * Requests of ours over an association that the peer opened and holds open: results that it waits for.
 * PS3.7 §10.1.1, PS3.4 §J.3.3.
 *
 *   request() ─► command, data set ─► … the peer's own requests go on … ─► take(response) ─► status
 *
 * A peer that does not answer keeps its association: it may be in the middle of an object.
 */
import type { Association } from '../ul/association.ts';
import { pdvsOf } from './command-pdvs.ts';
import { type CommandFields, type CommandSet, DimseError, encodeCommand } from './command-set.ts';

const ANSWER_MS = 15_000;

export interface OwnRequest {
  readonly contextId: number;
  readonly fields: CommandFields;
  readonly dataSet: Buffer;
}

interface Waiting {
  answer(status: number): void;
  fail(error: DimseError): void;
}

export class OwnRequests {
  readonly #association: Association;
  readonly #answerMs: number;
  /** Those without an answer yet; undefined: it is no longer waited for. */
  readonly #open = new Map<number, Waiting | undefined>();
  #messageId = 0;
  #hasEnded = false;

  constructor(association: Association, answerMs = ANSWER_MS) {
    this.#association = association;
    this.#answerMs = answerMs;
  }

  /** @returns the status of the response @throws DimseError when there is none */
  request({ contextId, fields, dataSet }: OwnRequest): Promise<number> {
    if (this.#hasEnded) return Promise.reject(ended());
    this.#messageId = (this.#messageId % 65_535) + 1;
    const messageId = this.#messageId;
    const { maxPdvBytes } = this.#association;
    const command = encodeCommand({ ...fields, MessageID: messageId }, true);
    void this.#association.write([
      ...pdvsOf({ contextId, isCommand: true, bytes: command }, maxPdvBytes),
      ...pdvsOf({ contextId, isCommand: false, bytes: dataSet }, maxPdvBytes),
    ]);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#open.set(messageId, undefined);
        reject(new DimseError('RESPONSE_TIMEOUT', 'the peer did not answer in time'));
      }, this.#answerMs);
      const settle = (): void => clearTimeout(timer);
      this.#open.set(messageId, {
        answer(status) {
          settle();
          resolve(status);
        },
        fail(error) {
          settle();
          reject(error);
        },
      });
    });
  }

  /** @returns false for a response to nothing that was asked here */
  take(command: CommandSet): boolean {
    const messageId = command.number('MessageIDBeingRespondedTo') ?? -1;
    if (!this.#open.has(messageId) || command.hasDataSet) return false;
    this.#open.get(messageId)?.answer(command.number('Status') ?? 0);
    this.#open.delete(messageId);
    return true;
  }

  /** The association is over. */
  end(): void {
    this.#hasEnded = true;
    for (const waiting of this.#open.values()) waiting?.fail(ended());
    this.#open.clear();
  }
}

const ended = (): DimseError => new DimseError('ASSOCIATION_ENDED', 'the association ended');
