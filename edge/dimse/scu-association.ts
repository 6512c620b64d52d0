/**
 * The invoking side: requests to a peer. PS3.7 §9.1, §10.1, PS3.4 Annexes B, C, F, J.
 *
 *   store(object, its bytes)… │ request(…), pending responses… ─► final response
 *
 * Data sets go out one after another, exactly as they are; so many may be unanswered as `window` says. An
 * association on which anything went wrong is aborted: a peer may take what comes next for the rest of
 * what broke off.
 */
import type { AcceptedContext, Association, Pdv } from '../ul/association.ts';
import { pdvsOf } from './command-pdvs.ts';
import {
  CommandField,
  type CommandFields,
  DimseError,
  encodeCommand,
  RESPONSE_BIT,
} from './command-set.ts';
import { dataSetPdvs } from './data-set-pdvs.ts';
import { VERIFICATION_SOP_CLASS } from './negotiate.ts';
import type { Response, ScuSession } from './scu-session.ts';

/** What a peer may answer to a query at most. */
const MAX_MATCHES = 200_000;
const MAX_MATCHES_BYTES = 67_108_864;
const PRIORITY_MEDIUM = 0;

export interface StoreObject {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
  readonly dataSetBytes: number;
}

/** A request other than C-STORE. */
export interface Request {
  /** Of {@link CommandField}. */
  readonly field: number;
  /** Of the presentation context. */
  readonly sopClassUID: string;
  readonly fields?: CommandFields;
  /** In the transfer syntax of `contextFor(sopClassUID)`. */
  readonly dataSet?: Buffer;
  /** Pending responses; the next is taken when it has resolved. */
  readonly onPending?: (response: Response) => Promise<void> | void;
  /** Aborts: the peer is asked to stop, by C-CANCEL. Its last response is still waited for. */
  readonly signal?: AbortSignal;
}

export class ScuAssociation {
  readonly #association: Association;
  readonly #session: ScuSession;
  readonly #responseMs: number;
  #messageId = 0;
  /** The object that goes out. */
  #sending: Promise<void> = Promise.resolve();

  constructor(association: Association, session: ScuSession, responseMs: number) {
    this.#association = association;
    this.#session = session;
    this.#responseMs = responseMs;
  }

  /** The context that was accepted for it; undefined: none was. */
  contextFor(abstractSyntaxUID: string, transferSyntaxUID?: string): AcceptedContext | undefined {
    return [...this.#association.contexts.values()].find(
      (context) =>
        context.abstractSyntaxUID === abstractSyntaxUID &&
        (transferSyntaxUID === undefined || context.transferSyntaxUID === transferSyntaxUID),
    );
  }

  /** How many stores may be unanswered at once; Infinity: any number. */
  get window(): number {
    const { window } = this.#association;
    return window === 0 ? Number.POSITIVE_INFINITY : window;
  }

  /** @returns the status @throws DimseError */
  async echo(): Promise<number> {
    const response = await this.request({
      field: CommandField.cEchoRQ,
      sopClassUID: VERIFICATION_SOP_CLASS,
      fields: { AffectedSOPClassUID: VERIFICATION_SOP_CLASS },
    });
    return this.#statusOf(response);
  }

  /**
   * Several may be called at once; their bytes go out one after another.
   *
   * @param dataSet its bytes, exactly `dataSetBytes` of them
   * @returns the status of the response
   * @throws DimseError; the association is aborted then
   */
  async store(
    object: StoreObject,
    dataSet: () => AsyncIterable<Buffer>,
    originator?: { readonly aeTitle: string; readonly messageId: number },
  ): Promise<number> {
    const context = this.#require(object.sopClassUID, object.transferSyntaxUID);
    const messageId = this.#nextMessageId();
    try {
      this.#session.open(messageId);
      const before = this.#sending;
      const sent = before.then(() =>
        this.#sendObject({ context, messageId, object, dataSet, originator }),
      );
      // A failure is told by `sent`; whoever comes after it meets the aborted association.
      this.#sending = sent.catch(() => {});
      await sent;
      const field = CommandField.cStoreRQ;
      return this.#statusOf(await this.#response(messageId, field));
    } catch (error) {
      this.#association.abort();
      throw error;
    } finally {
      this.#session.close(messageId);
    }
  }

  /**
   * C-FIND: all matches.
   *
   * @param identifier encoded in the transfer syntax of `contextFor(sopClassUID)`
   * @throws DimseError
   */
  async find(
    sopClassUID: string,
    identifier: Buffer,
    signal?: AbortSignal,
  ): Promise<{ status: number; identifiers: Buffer[] }> {
    const identifiers: Buffer[] = [];
    let bytes = 0;
    const response = await this.request({
      ...{ field: CommandField.cFindRQ, sopClassUID, dataSet: identifier },
      fields: { AffectedSOPClassUID: sopClassUID, Priority: PRIORITY_MEDIUM },
      onPending: ({ dataSet }) => {
        bytes += dataSet.length;
        if (identifiers.length >= MAX_MATCHES || bytes > MAX_MATCHES_BYTES)
          throw new DimseError('RESPONSE_MALFORMED', 'the peer answers without end');
        identifiers.push(dataSet);
      },
      ...(signal === undefined ? {} : { signal }),
    });
    return { status: this.#statusOf(response), identifiers };
  }

  /**
   * Any request; pending responses (FF00H, FF01H) go to `onPending`.
   *
   * @returns the final response, which has a status
   * @throws DimseError, or what `onPending` throws; the association is aborted then
   */
  async request(request: Request): Promise<Response> {
    const { field, sopClassUID, fields = {}, dataSet, onPending, signal } = request;
    const context = this.#require(sopClassUID);
    const messageId = this.#nextMessageId();
    const cancel = (): void => this.#cancel(context, messageId);
    this.#session.open(messageId);
    try {
      await this.#sending;
      const command = { context, messageId, fields: { ...fields, CommandField: field } };
      await this.#written([
        ...this.#command(command, dataSet !== undefined),
        ...(dataSet === undefined ? [] : this.#pdvs(context, false, dataSet)),
      ]);
      if (signal?.aborted === true) cancel();
      signal?.addEventListener('abort', cancel, { once: true });
      for (;;) {
        const response = await this.#response(messageId, field);
        // Pending. PS3.4 C.4.1.1.4.
        if ((this.#statusOf(response) & 0xff00) !== 0xff00) return response;
        await onPending?.(response);
      }
    } catch (error) {
      this.#association.abort();
      throw error;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#session.close(messageId);
    }
  }

  release(): Promise<void> {
    return this.#association.release();
  }

  abort(): void {
    this.#association.abort();
  }

  #nextMessageId(): number {
    this.#messageId = (this.#messageId % 65_535) + 1;
    return this.#messageId;
  }

  #command(
    command: { context: AcceptedContext; messageId: number; fields: CommandFields },
    hasDataSet: boolean,
  ): Pdv[] {
    const { context, messageId, fields } = command;
    return this.#pdvs(
      context,
      true,
      encodeCommand({ ...fields, MessageID: messageId }, hasDataSet),
    );
  }

  #pdvs({ id: contextId }: AcceptedContext, isCommand: boolean, bytes: Buffer): Pdv[] {
    return pdvsOf({ contextId, isCommand, bytes }, this.#association.maxPdvBytes);
  }

  /** PS3.7 §9.3.2.3: a command of its own, without a response. */
  #cancel(context: AcceptedContext, messageId: number): void {
    const fields = {
      CommandField: CommandField.cCancelRQ,
      MessageIDBeingRespondedTo: messageId,
    };
    void this.#association.write(this.#pdvs(context, true, encodeCommand(fields, false)));
  }

  /** Command and first bytes in one write, the rest as the peer takes it. @throws DimseError */
  async #sendObject({
    context,
    messageId,
    object,
    dataSet,
    originator,
  }: {
    context: AcceptedContext;
    messageId: number;
    object: StoreObject;
    dataSet: () => AsyncIterable<Buffer>;
    originator: { readonly aeTitle: string; readonly messageId: number } | undefined;
  }): Promise<void> {
    const fields = {
      CommandField: CommandField.cStoreRQ,
      AffectedSOPClassUID: object.sopClassUID,
      Priority: PRIORITY_MEDIUM,
      AffectedSOPInstanceUID: object.sopInstanceUID,
      MoveOriginatorApplicationEntityTitle: originator?.aeTitle,
      MoveOriginatorMessageID: originator?.messageId,
    };
    const { transferSyntaxUID, dataSetBytes } = object;
    const outgoing = { contextId: context.id, transferSyntaxUID, dataSetBytes, source: dataSet() };
    let waiting = this.#command({ context, messageId, fields }, true);
    for await (const pdvs of dataSetPdvs(outgoing, this.#association.maxPdvBytes)) {
      await this.#written([...waiting, ...pdvs]);
      waiting = [];
    }
  }

  /** @throws DimseError when the association ended, or the peer takes nothing more */
  async #written(pdvs: readonly Pdv[]): Promise<void> {
    if (this.#session.failure !== undefined) throw this.#session.failure;
    const drained = this.#association.write(pdvs);
    if (drained === undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const stalled = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(true), this.#responseMs);
    });
    const isStalled = await Promise.race([drained.then(() => false), stalled]);
    clearTimeout(timer);
    if (isStalled) throw new DimseError('RESPONSE_TIMEOUT', 'the peer takes no more bytes');
  }

  /** @throws DimseError for anything but a response to the request */
  async #response(messageId: number, field: number): Promise<Response> {
    const response = await this.#session.next(messageId, this.#responseMs);
    if (response.command.number('CommandField') === (field | RESPONSE_BIT)) return response;
    throw new DimseError('RESPONSE_MALFORMED', 'the peer answered another request');
  }

  #statusOf({ command }: Response): number {
    const status = command.number('Status');
    if (status !== undefined) return status;
    throw new DimseError('RESPONSE_MALFORMED', 'the peer answered without a status');
  }

  #require(abstractSyntaxUID: string, transferSyntaxUID?: string): AcceptedContext {
    const context = this.contextFor(abstractSyntaxUID, transferSyntaxUID);
    if (context !== undefined) return context;
    const syntax = transferSyntaxUID === undefined ? '' : ` in ${transferSyntaxUID}`;
    throw new DimseError(
      'CONTEXT_NOT_ACCEPTED',
      `the peer does not take ${abstractSyntaxUID}${syntax}`,
    );
  }
}
