/**
 * Brings the instances of a study into a staging folder, whatever happens to the connections.
 *
 *   missing ones ─► lane ──POST──► source ──frames──► receive-stream.ts ─► StagingFolder
 *        ▲───── cut: again, with only what is still missing ────┘
 *
 * One lane, and more while measurement says that they bring more: another one takes the later half of what
 * the fullest has still to come. An instance whose bytes are not those announced is asked again, at most
 * {@link MAX_TRIES} times, then it is a failure by name. What was under way at a cut is asked last, so that it
 * can't hold up the others.
 */
import { type BackoffOptions, backoffMs, sleep } from '../../shared/backoff.ts';
import { BLOCK_CODING } from './blocks.ts';
import { type LaneChoice, lanesOf, splitLane } from './lanes.ts';
import type { ManifestInstance } from './protocol.ts';
import { type Fault, receiveStream, type StreamReader } from './receive-stream.ts';
import type { SourceClient, StudyAddress } from './source-client.ts';
import type { StagingFolder } from './staging.ts';
import { TransferError } from './transfer-error.ts';

/** How often one instance is asked for when what comes is not what was announced. */
export const MAX_TRIES = 3;
/** Connections in a row that brought nothing: then whoever called decides when to go on. */
const MAX_IDLE_TRIES = 4;
const CUT_BACKOFF = { firstMs: 200, maxMs: 5_000 } as const;
/** How often it is looked at whether more lanes bring more. */
const LOOK_MS = 500;

export interface InstanceFailure {
  readonly sopInstanceUID: string;
  readonly code: string;
  readonly detail: string;
}

/** The ticket in force, and how to get a fresh one. */
export interface TicketHolder {
  current(): string;
  /** False: there is no fresh one now. */
  renew(): Promise<boolean>;
}

export interface FetchStudyOptions {
  readonly client: Pick<SourceClient, 'instances'>;
  readonly source: StudyAddress;
  readonly ticket: TicketHolder;
  readonly wanted: readonly ManifestInstance[];
  readonly staging: StagingFolder;
  /** The head of the file an instance is kept in: preamble, "DICM" and file meta information. */
  readonly fileHead: (instance: ManifestInstance) => Buffer;
  readonly lanes: LaneChoice;
  readonly now: () => number;
  readonly random: BackoffOptions['random'];
  readonly signal: AbortSignal;
  readonly isImmediate?: boolean;
  /** An instance is whole and durable. */
  readonly onStaged?: (instance: ManifestInstance) => void;
  /** So many bytes of data sets more have come; less than 0: were given up. */
  readonly onBytes?: (bytes: number) => void;
  /** So many bytes have come over the line; nothing more is read before it resolves. */
  readonly onWire?: (bytes: number) => Promise<void> | undefined;
  /** What came of an instance was not what was announced. */
  readonly onAgain?: (code: string) => void;
}

/**
 * Stages what is wanted and not staged yet.
 *
 * @returns the instances that can't be had, by name; everything else is staged
 * @throws TransferError when the source brings nothing any more: to be called again later, or never, by
 *   its `retry`; SpoolError when the disk takes no more
 */
export async function fetchStudy(options: FetchStudyOptions): Promise<InstanceFailure[]> {
  const fetching = new Fetching(options);
  await fetching.run();
  return fetching.failures;
}

/** What one connection has still to bring, in the order in which it comes. */
export type Lane = Map<string, ManifestInstance>;

class Fetching {
  readonly failures: InstanceFailure[] = [];
  readonly #options: FetchStudyOptions;
  /** Still to come, in the order in which they are asked for. */
  readonly #missing = new Map<string, ManifestInstance>();
  readonly #tries = new Map<string, number>();
  readonly #lanes = new Map<Lane, Promise<void>>();
  /** Of the lanes of this round. */
  #errors: unknown[] = [];
  #wireBytes = 0;

  constructor(options: FetchStudyOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { staging, wanted, signal, random } = this.#options;
    staging.open();
    for (const instance of wanted) {
      if ((await staging.find(instance)) === undefined)
        this.#missing.set(instance.sopInstanceUID, instance);
    }
    let idle = 0;
    while (this.#missing.size > 0) {
      const before = this.#missing.size;
      await this.#round();
      const [error] = this.#errors;
      if (this.#missing.size < before) idle = 0;
      if (error !== undefined) await this.#decide(error, idle);
      if (error !== undefined || this.#missing.size === before) idle += 1;
      if (this.#missing.size > 0 && idle > 0)
        await sleep(backoffMs(idle - 1, { ...CUT_BACKOFF, random }), signal);
    }
  }

  /** Goes on after a failure that another try may mend, else throws it. */
  async #decide(error: unknown, idle: number): Promise<void> {
    const { signal, ticket } = this.#options;
    if (signal.aborted) throw new TransferError('TRANSFER_CANCELLED', 'the transfer was cancelled');
    if (!(error instanceof TransferError) || error.retry !== 'safe') throw error;
    if (error.code === 'TICKET_EXPIRED' && !(await ticket.renew())) throw error;
    if (idle + 1 >= MAX_IDLE_TRIES) throw error;
  }

  /** Asks for all that is missing, until every lane has ended. */
  async #round(): Promise<void> {
    const { lanes, now } = this.#options;
    this.#errors = [];
    for (const lane of lanesOf(this.#missing, lanes.count)) this.#open(lane);
    let [bytes, at] = [this.#wireBytes, now()];
    const timer = setInterval(() => {
      const count = lanes.measured(this.#lanes.size, {
        bytes: this.#wireBytes - bytes,
        ms: now() - at,
      });
      [bytes, at] = [this.#wireBytes, now()];
      this.#widen(count);
    }, LOOK_MS);
    try {
      while (this.#lanes.size > 0) {
        await Promise.race(this.#lanes.values());
        if (this.#errors.length === 0) this.#widen(lanes.count);
      }
    } finally {
      clearInterval(timer);
    }
  }

  /** @param count lanes there shall be, as far as there is enough to share */
  #widen(count: number): void {
    while (this.#lanes.size < count && this.#lanes.size > 0) {
      const lane = splitLane([...this.#lanes.keys()]);
      if (lane === undefined) return;
      this.#open(lane);
    }
  }

  #open(lane: Lane): void {
    const ended = this.#stream(lane)
      .catch((error: unknown) => void this.#errors.push(error))
      .then(() => void this.#lanes.delete(lane));
    this.#lanes.set(lane, ended);
  }

  /** One response, to its end frame. */
  async #stream(lane: Lane): Promise<void> {
    const { client, source, ticket, signal, isImmediate = false } = this.#options;
    const body = await client.instances(source, {
      ...{ ticket: ticket.current(), signal, isImmediate },
      sopInstanceUIDs: [...lane.keys()],
      codings: [BLOCK_CODING],
    });
    await receiveStream(this.#counted(body), this.#readerOf(lane));
    for (const uid of lane.keys()) this.#countTry(uid, NOT_SENT);
  }

  async *#counted(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of body) {
      this.#wireBytes += chunk.length;
      await this.#options.onWire?.(chunk.length);
      yield chunk;
    }
  }

  #readerOf(lane: Lane): StreamReader {
    const { staging, source, fileHead, now, onStaged, onBytes, onAgain } = this.#options;
    return {
      ...{ staging, home: source.home, fileHead, now },
      wanted: (uid) => {
        const instance = lane.get(uid) ?? null;
        lane.delete(uid);
        return instance;
      },
      came: (bytes) => onBytes?.(bytes),
      staged: (instance) => {
        this.#missing.delete(instance.sopInstanceUID);
        onStaged?.(instance);
      },
      lost: (instance, bytes) => {
        onBytes?.(-bytes);
        // Asked for last next time.
        if (this.#missing.delete(instance.sopInstanceUID))
          this.#missing.set(instance.sopInstanceUID, instance);
      },
      spoilt: (uid, fault, retry) => {
        lane.delete(uid);
        onAgain?.(fault.code);
        if (retry === 'never') this.#giveUp(uid, fault);
        else this.#countTry(uid, fault);
      },
    };
  }

  #countTry(uid: string, fault: Fault): void {
    const tries = (this.#tries.get(uid) ?? 0) + 1;
    this.#tries.set(uid, tries);
    if (tries >= MAX_TRIES) this.#giveUp(uid, fault);
  }

  #giveUp(uid: string, fault: Fault): void {
    if (this.#missing.delete(uid)) this.failures.push({ sopInstanceUID: uid, ...fault });
  }
}

const NOT_SENT: Fault = { code: 'NOT_SENT', detail: 'the source passed this instance over' };
