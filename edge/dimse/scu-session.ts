/**
 * What comes in at the invoking side: responses to the one request that is open. PS3.7 §8.
 *
 *   PDV ─► command ─┬─────────────────► queue ─► next()
 *                   └─► its identifier ─┘
 *
 * Bounded: an identifier, and how many responses wait. A peer that sends faster waits itself.
 */
import type { AcceptedContext, AssociationEnd, AssociationUser, Pdv } from '../ul/association.ts';
import { CommandAssembler } from './command-pdvs.ts';
import { type CommandSet, DimseError } from './command-set.ts';

const MAX_IDENTIFIER_BYTES = 1_048_576;
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

export class ScuSession implements AssociationUser {
  readonly #assembler = new CommandAssembler();
  readonly #responses: Response[] = [];
  #contexts: ReadonlyMap<number, AcceptedContext> = new Map();
  #coming: Coming | undefined;
  #failure: DimseError | undefined;
  /** A `next` that waits. */
  #wake: (() => void) | undefined;
  /** The peer waits until there is room. */
  #room: { readonly promise: Promise<void>; resolve(): void } | undefined;

  /** What was agreed on: nothing comes before. */
  agreed(contexts: ReadonlyMap<number, AcceptedContext>): void {
    this.#contexts = contexts;
  }

  onData(pdv: Pdv): Promise<void> | undefined {
    if (this.#failure !== undefined) return undefined;
    try {
      if (!this.#contexts.has(pdv.contextId)) throw malformed('a context that was not accepted');
      if (pdv.isCommand) this.#takeCommand(pdv);
      else this.#takeDataSet(pdv);
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
  }

  onEnd(end: AssociationEnd): void {
    this.fail(
      new DimseError('ASSOCIATION_ENDED', `the association ended: ${end.code ?? end.kind}`),
    );
  }

  /** The first failure is the one that is told. Responses that came before it are still handed out. */
  fail(failure: DimseError): void {
    this.#failure ??= failure;
    this.#wake?.();
    this.#makeRoom();
  }

  get failure(): DimseError | undefined {
    return this.#failure;
  }

  /** The next response. @throws DimseError */
  async next(withinMs: number): Promise<Response> {
    for (;;) {
      const response = this.#responses.shift();
      if (this.#responses.length < MAX_WAITING) this.#makeRoom();
      if (response !== undefined) return response;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#somethingWithin(withinMs);
    }
  }

  #somethingWithin(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.fail(new DimseError('RESPONSE_TIMEOUT', 'the peer did not answer in time')),
        withinMs,
      );
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
    });
  }

  #takeCommand(pdv: Pdv): void {
    if (this.#coming !== undefined) throw malformed('a command inside of a data set');
    const command = this.#assembler.take(pdv);
    if (command === undefined) return;
    if (!command.hasDataSet) this.#tell({ command, dataSet: Buffer.alloc(0) });
    else this.#coming = { contextId: pdv.contextId, command, pieces: [], bytes: 0 };
  }

  #takeDataSet({ contextId, isLast, bytes }: Pdv): void {
    const coming = this.#coming;
    if (coming === undefined || coming.contextId !== contextId)
      throw malformed('a data set that nobody asked for');
    coming.bytes += bytes.length;
    if (coming.bytes > MAX_IDENTIFIER_BYTES) throw malformed('an identifier that is too long');
    // A copy: the piece is a view into a whole chunk of the connection.
    if (bytes.length > 0) coming.pieces.push(Buffer.from(bytes));
    if (!isLast) return;
    this.#coming = undefined;
    this.#tell({ command: coming.command, dataSet: Buffer.concat(coming.pieces) });
  }

  #tell(response: Response): void {
    this.#responses.push(response);
    if (this.#responses.length >= MAX_WAITING) this.#room ??= Promise.withResolvers<void>();
    this.#wake?.();
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

const malformed = (what: string, options?: ErrorOptions): DimseError =>
  new DimseError('RESPONSE_MALFORMED', `the peer sent ${what}`, options);
