/**
 * Brings the instances of a study into a staging folder, whatever happens to the connection.
 *
 *   missing ones ──POST──► source ──frames──► StagingFolder: digest checked, then durable
 *        ▲───── cut: again, with only what is still missing ─────┘
 *
 * An instance whose bytes are not those announced is asked again, at most {@link MAX_TRIES} times, then
 * it is a failure by name and the rest goes on. One that was under way at a cut is asked last, so that
 * it can't hold up the others.
 */
import { type BackoffOptions, backoffMs, sleep } from '../../shared/backoff.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { SpoolError } from '../spool/spool-error.ts';
import { type Frame, FrameReader, type ManifestInstance } from './protocol.ts';
import type { SourceClient, StudyAddress } from './source-client.ts';
import type { StagingFolder } from './staging.ts';
import { TransferError } from './transfer-error.ts';

/** How often one instance is asked for when what comes is not what was announced. */
export const MAX_TRIES = 3;
/** Connections in a row that brought nothing: then whoever called decides when to go on. */
const MAX_IDLE_TRIES = 4;
const CUT_BACKOFF = { firstMs: 200, maxMs: 5_000 } as const;

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
  readonly now: () => number;
  readonly random: BackoffOptions['random'];
  readonly signal: AbortSignal;
  /** An instance is whole and durable. */
  readonly onStaged?: (instance: ManifestInstance) => void;
  /** So many bytes more have come. */
  readonly onBytes?: (bytes: number) => void;
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

class Fetching {
  readonly failures: InstanceFailure[] = [];
  readonly #options: FetchStudyOptions;
  /** Still to come, in the order in which they are asked for. */
  readonly #missing = new Map<string, ManifestInstance>();
  readonly #tries = new Map<string, number>();

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
      const error = await this.#stream().catch((thrown: unknown) => thrown);
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

  /** One response, to its end frame. */
  async #stream(): Promise<void> {
    const { client, source, ticket, signal } = this.#options;
    const sopInstanceUIDs = [...this.#missing.keys()];
    const body = await client.instances(source, {
      ticket: ticket.current(),
      signal,
      sopInstanceUIDs,
    });
    const answered = new Set<string>();
    const iterator = body[Symbol.asyncIterator]();
    try {
      const reader = new FrameReader({ [Symbol.asyncIterator]: () => iterator });
      for (;;) {
        const frame = await reader.next();
        if (frame.kind === 'end') break;
        answered.add(frame.sopInstanceUID);
        if (frame.kind === 'error') this.#tellFailed(frame);
        else await this.#receive(reader, frame);
      }
    } finally {
      // Ends the request; a body that was not read to its end would hold its connection.
      await iterator.return?.();
    }
    for (const uid of sopInstanceUIDs) if (!answered.has(uid)) this.#countTry(uid, NOT_SENT);
  }

  async #receive(reader: FrameReader, frame: Frame & { kind: 'instance' }): Promise<void> {
    const { onBytes } = this.#options;
    const wanted = this.#missing.get(frame.sopInstanceUID);
    if (wanted === undefined || !isSame(wanted, frame)) {
      await reader.passOn(frame.bytes, () => undefined);
      if (wanted !== undefined) this.#countTry(wanted.sopInstanceUID, CHANGED);
      return;
    }
    const { staging, fileHead } = this.#options;
    const writer = staging.newWriter(fileHead(wanted));
    try {
      await reader.passOn(wanted.bytes, (chunk) => {
        onBytes?.(chunk.length);
        return writer.write(chunk);
      });
    } catch (error) {
      await writer.discard();
      // Asked for last next time.
      this.#missing.delete(wanted.sopInstanceUID);
      this.#missing.set(wanted.sopInstanceUID, wanted);
      onBytes?.(0);
      throw error;
    }
    await this.#seal(writer, wanted);
  }

  async #seal(
    writer: ReturnType<StagingFolder['newWriter']>,
    wanted: ManifestInstance,
  ): Promise<void> {
    const { staging, source, now, onStaged } = this.#options;
    try {
      const sealed = await writer.seal({
        home: source.home,
        homeDigest: wanted.homeDigest,
        expectedDigest: wanted.digest,
        receivedAt: now(),
        callingAETitle: '',
      });
      staging.keep(sealed, wanted);
    } catch (error) {
      if (!(error instanceof SpoolError) || error.code !== 'SPOOL_CORRUPT') throw error;
      this.#countTry(wanted.sopInstanceUID, WRONG_DIGEST);
      return;
    }
    this.#missing.delete(wanted.sopInstanceUID);
    onStaged?.(wanted);
  }

  #tellFailed({ sopInstanceUID, code, detail, retry }: Frame & { kind: 'error' }): void {
    const fault = { code: code.slice(0, 64), detail: detail.slice(0, 200) };
    if (retry === 'never') this.#giveUp(sopInstanceUID, fault);
    else this.#countTry(sopInstanceUID, fault);
  }

  #countTry(sopInstanceUID: string, fault: Omit<InstanceFailure, 'sopInstanceUID'>): void {
    const tries = (this.#tries.get(sopInstanceUID) ?? 0) + 1;
    this.#tries.set(sopInstanceUID, tries);
    if (tries >= MAX_TRIES) this.#giveUp(sopInstanceUID, fault);
  }

  #giveUp(sopInstanceUID: string, fault: Omit<InstanceFailure, 'sopInstanceUID'>): void {
    if (this.#missing.delete(sopInstanceUID)) this.failures.push({ sopInstanceUID, ...fault });
  }
}

const NOT_SENT = { code: 'NOT_SENT', detail: 'the source passed this instance over' };
const CHANGED = {
  code: 'CHANGED_AT_SOURCE',
  detail: 'the source announced other content than its manifest',
};
const WRONG_DIGEST = {
  code: 'WRONG_DIGEST',
  detail: 'the bytes that came are not those that the source announced',
};

function isSame(wanted: ManifestInstance, sent: ManifestInstance): boolean {
  return (
    wanted.digest === sent.digest &&
    wanted.bytes === sent.bytes &&
    wanted.homeDigest === sent.homeDigest &&
    wanted.transferSyntaxUID === sent.transferSyntaxUID &&
    wanted.sopClassUID === sent.sopClassUID
  );
}

/** True for a failure that is expected, and how it is told. */
export function reasonOf(error: unknown): { code: string; detail: string } {
  return {
    code: codeOf(error),
    detail: error instanceof GatewayError ? error.message : 'an unexpected failure; see the log',
  };
}
