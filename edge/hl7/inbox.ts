/**
 * Messages made durable with their effect, then answered. Rule 1 of the architecture.
 *
 *   take(frame) ─► queue ─► one synced transaction for all that wait: raw, records, outbox ─► answers
 *
 * In the order in which they came, over all connections. A fault of content is a dead letter and the next
 * message goes on; a database that does not take it is AR, and nothing is kept.
 */
import { createHash, randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { commitDurably, type Sqlite } from '../../shared/sqlite/open.ts';
import { zoneOf } from '../../shared/time-zone.ts';
import type { Records } from '../index/records/records.ts';
import { type Answer, acknowledge, inOneFrame, type Verdict } from './acknowledge.ts';
import { decodeMessage } from './decode.ts';
import { Hl7Error } from './hl7-error.ts';
import { type Message, readMessage, splitBatch } from './message.ts';
import { MessageLog, type MessageState } from './message-log.ts';
import { readChanges } from './read-changes.ts';
import { readingFor, type SiteConfig } from './reading.ts';
import { sourceOf } from './source.ts';

/** So many messages are committed together at most: others of the program get their turn. */
const MAX_TOGETHER = 200;
const FORGET_EVERY_MS = 600_000;
const FORGET_CHUNK = 500;

export interface InboxOptions {
  readonly config: SiteConfig;
  readonly db: Sqlite;
  readonly records: Records;
  readonly clock: Clock;
  readonly log: Log;
  /** Of each message that was answered. */
  readonly onOutcome: (outcome: Outcome['state'] | 'repeated') => void;
}

/** A whole frame, or the beginning of one that can't be taken. */
export interface Incoming {
  readonly bytes: Buffer;
  readonly host: string;
  readonly fault?: Hl7Error;
}

export interface Outcome {
  readonly state: MessageState | 'refused';
  readonly code: string | null;
  readonly detail: string | null;
}

interface Waiting {
  readonly incoming: Incoming;
  readonly resolve: (answers: readonly string[]) => void;
}

interface Processed {
  readonly message: Message | undefined;
  readonly outcome: Outcome;
  readonly isRepeated: boolean;
}

/** No application answers for what has no header, or is of a kind that is not spoken here. */
const REJECTED: ReadonlySet<string> = new Set([
  'HL7_NOT_A_MESSAGE',
  'HL7_VERSION',
  'HL7_TYPE_MISSING',
  'HL7_TOO_LARGE',
]);

export class Hl7Inbox {
  readonly log: MessageLog;
  readonly #options: InboxOptions;
  readonly #zone;
  #waiting: Waiting[] = [];
  #isDraining = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
    this.log = new MessageLog(options.db);
    this.#zone = zoneOf(options.config.hl7.timeZone);
  }

  /** Begins to forget messages that are older than `hl7.retentionDays`. */
  start(): void {
    this.#timer = setInterval(() => this.#forget(), FORGET_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @returns the messages to answer with, once all is durable; none where no answer is wanted */
  take(incoming: Incoming): Promise<readonly string[]> {
    return new Promise((resolve) => {
      this.#waiting.push({ incoming, resolve });
      if (this.#isDraining) return;
      this.#isDraining = true;
      setImmediate(() => this.#drain());
    });
  }

  /** Applies a dead letter again, as the configuration is now. Undefined: there is none with this number. */
  replay(key: number): Outcome | undefined {
    const found = this.log.raw(key);
    if (found?.state !== 'dead') return undefined;
    return commitDurably(
      this.#options.db,
      () => this.#process({ bytes: found.raw, host: found.host }, found.raw).outcome,
    );
  }

  #drain(): void {
    const batch = this.#waiting.splice(0, MAX_TOGETHER);
    const { db, log } = this.#options;
    let processed: readonly Processed[][];
    try {
      processed = commitDurably(db, () => batch.map(({ incoming }) => this.#takeFrame(incoming)));
    } catch (error) {
      log.error('hl7.refused', { messages: batch.length, code: codeOf(error), error });
      processed = batch.map(() => [{ message: undefined, outcome: BUSY, isRepeated: false }]);
    }
    for (const [at, { incoming, resolve }] of batch.entries())
      resolve(this.#answers(incoming, processed[at] ?? []));
    if (this.#waiting.length === 0) this.#isDraining = false;
    else setImmediate(() => this.#drain());
  }

  #takeFrame(incoming: Incoming): Processed[] {
    if (incoming.fault !== undefined) return [this.#process(incoming, incoming.bytes)];
    return splitBatch(incoming.bytes).map((bytes) => this.#process(incoming, bytes));
  }

  #process(incoming: Incoming, raw: Buffer): Processed {
    const { clock } = this.#options;
    const digest = createHash('sha256').update(raw).digest();
    const known = this.log.findDigest(digest);
    const read = this.#read(raw);
    const message = read instanceof Hl7Error ? undefined : read;
    if (known !== undefined && known.state !== 'dead') {
      const outcome = { state: known.state, code: null, detail: null };
      return { message, outcome, isRepeated: true };
    }
    const now = clock.now();
    const fault = incoming.fault ?? (read instanceof Hl7Error ? read : read.fault);
    const outcome = fault === undefined ? this.#apply(read as Message, now) : deadBy(fault);
    this.log.put({
      ...{ host: incoming.host, digest, raw, now },
      ...{ ...outcome, state: outcome.state as MessageState },
      application: message?.header.text(3).slice(0, 100) ?? '',
      facility: message?.header.text(4).slice(0, 100) ?? '',
      controlId: message?.header.text(10).slice(0, 200) ?? '',
      type: message === undefined ? '' : `${message.type}^${message.event}`,
    });
    return { message, outcome, isRepeated: false };
  }

  #read(raw: Buffer): Message | Hl7Error {
    try {
      return readMessage(decodeMessage(raw, this.#options.config.hl7.charset));
    } catch (error) {
      return error instanceof Hl7Error ? error : this.#bug(error);
    }
  }

  /** In a savepoint: what fails leaves nothing behind. */
  #apply(message: Message, now: number): Outcome {
    const { config, db, records } = this.#options;
    try {
      const reading = readingFor(message, config, { zone: this.#zone, receivedAt: rfc3339(now) });
      const changes = readChanges(message, reading);
      if (changes === undefined) return { state: 'ignored', code: null, detail: null };
      db.transaction(() => {
        for (const change of changes) records.apply(change, { asOf: reading.asOf, now });
      })();
      return { state: 'applied', code: null, detail: null };
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_')) throw error;
      return deadBy(error instanceof GatewayError ? error : this.#bug(error));
    }
  }

  /** A message that shows a fault of this program is kept, and does not hold up the others. */
  #bug(error: unknown): Hl7Error {
    this.#options.log.error('program.bug', { where: 'hl7', error });
    return new Hl7Error(
      'HL7_NOT_APPLIED',
      'it shows a fault of this program: report it with the log',
      {
        cause: error,
      },
    );
  }

  #answers(incoming: Incoming, processed: readonly Processed[]): readonly string[] {
    const { config, clock, onOutcome } = this.#options;
    const answerer = { trust: config.trust, now: rfc3339(clock.now()), controlId: randomUUID };
    const answers = processed.map(({ message, outcome, isRepeated }) => {
      onOutcome(isRepeated ? 'repeated' : outcome.state);
      return acknowledge(this.#answer(message ?? this.#header(incoming), outcome), answerer);
    });
    if (answers.length === 1) return answers[0] ?? [];
    return [inOneFrame(answers.flatMap((messages) => messages.slice(-1)))];
  }

  #answer(message: Message | undefined, { state, code }: Outcome): Answer {
    const source = message && sourceOf(message, this.#options.config.hl7);
    const onFault = source?.onFault ?? this.#options.config.hl7.onFault;
    let verdict: Verdict = 'accepted';
    if (state === 'refused' || (code !== null && REJECTED.has(code))) verdict = 'rejected';
    else if (state === 'dead' && onFault === 'refuse') verdict = 'refused';
    return { message, verdict, text: code ?? '', mode: source?.acknowledgement ?? 'auto' };
  }

  /** Of what was not taken, to be answered under its own number where it has one. */
  #header({ bytes }: Incoming): Message | undefined {
    const message = this.#read(bytes);
    return message instanceof Hl7Error ? undefined : message;
  }

  #forget(): void {
    const { clock, config, log } = this.#options;
    const before = clock.now() - config.hl7.retentionDays * 86_400_000;
    try {
      if (this.log.forgetBefore(before, FORGET_CHUNK) === FORGET_CHUNK)
        setTimeout(() => this.#forget(), 1_000).unref();
    } catch (error) {
      log.error('hl7.forget-failed', { error });
    }
  }
}

const BUSY: Outcome = { state: 'refused', code: 'HL7_BUSY', detail: null };

const deadBy = ({ code, message }: GatewayError): Outcome => ({
  state: 'dead',
  code,
  detail: message,
});
