/**
 * What comes in at the invoking side: responses to the requests that are open, and requests of the peer
 * where it may make some (C-GET's stores, results of storage commitment). PS3.7 §8.
 *
 *   PDV ─► command ─┬─ response ─► (its identifier) ─► queue of its request ─► next()
 *                   └─ request ─► ScpSession
 *
 * Bounded: an identifier, and how many responses wait. A peer that sends faster waits itself.
 */
import type { AcceptedContext, AssociationEnd, AssociationUser, Pdv } from '../ul/association.ts';
import { CommandAssembler } from './command-pdvs.ts';
import { type CommandSet, DimseError, RESPONSE_BIT } from './command-set.ts';
import type { ScpSession } from './session.ts';

/** Of a data set that comes with a request or a response. */
export const MAX_IDENTIFIER_BYTES = 1_048_576;
const MAX_WAITING = 64;

export interface Response {
  readonly command: CommandSet;
  readonly dataSet: Buffer;
}

/** A response whose identifier is coming. */
interface Coming {
  readonly contextId: number;
  readonly command: CommandSet;
  readonly pieces: Buffer[];
  bytes: number;
}

/** Responses to one request. */
interface Waiting {
  readonly responses: Response[];
  /** A `next` that waits. */
  wake: (() => void) | undefined;
}

export class ScuSession implements AssociationUser {
  readonly #assembler = new CommandAssembler();
  readonly #requests = new Map<number, Waiting>();
  #waiting = 0;
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  #performing: ScpSession | undefined;
  #coming: Coming | undefined;
  #failure: DimseError | undefined;
  /** The peer waits until there is room. */
  #room: { readonly promise: Promise<void>; resolve(): void } | undefined;

  /**
   * What was agreed on: nothing comes before.
   *
   * @param performing takes the peer's own requests; absent: it makes none
   */
  agreed(contexts: ReadonlyMap<number, AcceptedContext>, performing?: ScpSession): void {
    this.#contexts = contexts;
    this.#performing = performing;
  }

  onData(pdv: Pdv): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    try {
      if (!this.#contexts.has(pdv.contextId)) throw malformed('a context that was not accepted');
      const pending = pdv.isCommand ? this.#takeCommand(pdv) : this.#takeDataSet(pdv);
      if (pending !== undefined) return pending;
    } catch (cause) {
      this.fail(
        cause instanceof DimseError && cause.code === 'RESPONSE_MALFORMED'
          ? cause
          : malformed('what can not be read', { cause }),
      );
    }
    return this.#room?.promise;
  }

  async onRelease(): Promise<void> {
    this.fail(new DimseError('ASSOCIATION_ENDED', 'the peer released the association'));
    await this.#performing?.onRelease();
  }

  onEnd(end: AssociationEnd): void {
    this.fail(
      new DimseError('ASSOCIATION_ENDED', `the association ended: ${end.code ?? end.kind}`),
    );
    this.#performing?.onEnd(end);
  }

  /** The first failure is the one that is told. Responses that came before it are still handed out. */
  fail(failure: DimseError): void {
    this.#failure ??= failure;
    for (const { wake } of this.#requests.values()) wake?.();
    this.#makeRoom();
  }

  get failure(): DimseError | undefined {
    return this.#failure;
  }

  /** Responses to this request are waited for, until {@link close}. */
  open(messageId: number): void {
    this.#requests.set(messageId, { responses: [], wake: undefined });
  }

  close(messageId: number): void {
    this.#waiting -= this.#requests.get(messageId)?.responses.length ?? 0;
    this.#requests.delete(messageId);
    if (this.#waiting < MAX_WAITING) this.#makeRoom();
  }

  /** The next response to an open request. @throws DimseError */
  async next(messageId: number, withinMs: number): Promise<Response> {
    for (;;) {
      const waiting = this.#requests.get(messageId);
      const response = waiting?.responses.shift();
      if (response !== undefined) {
        this.#waiting -= 1;
        if (this.#waiting < MAX_WAITING) this.#makeRoom();
        return response;
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (waiting === undefined) throw malformed('a response that is not waited for');
      await this.#somethingWithin(waiting, withinMs);
    }
  }

  #somethingWithin(waiting: Waiting, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.fail(new DimseError('RESPONSE_TIMEOUT', 'the peer did not answer in time')),
        withinMs,
      );
      waiting.wake = () => {
        clearTimeout(timer);
        waiting.wake = undefined;
        resolve();
      };
    });
  }

  #takeCommand(pdv: Pdv): Promise<void> | undefined {
    if (this.#coming !== undefined || this.#performing?.isReceiving === true)
      throw malformed('a command inside of a data set');
    const command = this.#assembler.take(pdv);
    if (command === undefined) return undefined;
    const isResponse = ((command.number('CommandField') ?? 0) & RESPONSE_BIT) !== 0;
    if (!isResponse && this.#performing !== undefined)
      return this.#performing.take(pdv.contextId, command);
    if (!command.hasDataSet) this.tell({ command, dataSet: Buffer.alloc(0) });
    else this.#coming = { contextId: pdv.contextId, command, pieces: [], bytes: 0 };
    return undefined;
  }

  #takeDataSet(pdv: Pdv): Promise<void> | undefined {
    const { contextId, isLast, bytes } = pdv;
    if (this.#performing?.isReceiving === true) return this.#performing.onData(pdv);
    const coming = this.#coming;
    if (coming === undefined || coming.contextId !== contextId)
      throw malformed('a data set that nobody asked for');
    coming.bytes += bytes.length;
    if (coming.bytes > MAX_IDENTIFIER_BYTES) throw malformed('an identifier that is too long');
    // A copy: the piece is a view into a whole chunk of the connection.
    if (bytes.length > 0) coming.pieces.push(Buffer.from(bytes));
    if (!isLast) return undefined;
    this.#coming = undefined;
    this.tell({ command: coming.command, dataSet: Buffer.concat(coming.pieces) });
    return undefined;
  }

  /** A whole response. */
  tell(response: Response): void {
    const waiting = this.#requests.get(response.command.number('MessageIDBeingRespondedTo') ?? -1);
    if (waiting === undefined) throw malformed('an answer to another request');
    waiting.responses.push(response);
    this.#waiting += 1;
    if (this.#waiting >= MAX_WAITING) this.#room ??= Promise.withResolvers<void>();
    waiting.wake?.();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

const malformed = (what: string, options?: ErrorOptions): DimseError =>
  new DimseError('RESPONSE_MALFORMED', `the peer sent ${what}`, options);
