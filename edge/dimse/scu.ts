/**
 * The invoking side: C-ECHO, C-STORE and C-FIND of a peer. PS3.7 §9.1, PS3.4 Annexes B and C.
 *
 *   openAssociation ─► store(object, its bytes)… │ find(…) ─► release
 *
 * One request at a time. Bytes go out as they are read, exactly as they are. An association on which
 * anything went wrong is aborted: a peer may take what comes next for the rest of what broke off.
 */
import { encodingOf } from '../../shared/dicom/transfer-syntax.ts';
import { codeOf } from '../../shared/errors.ts';
import type {
  AcceptedContext,
  Association,
  AssociationEnd,
  AssociationUser,
  Pdv,
} from '../ul/association.ts';
import { requestAssociation } from '../ul/requestor.ts';
import {
  CommandField,
  type CommandFields,
  type CommandSet,
  DimseError,
  decodeCommand,
  encodeCommand,
  RESPONSE_BIT,
} from './command-set.ts';
import { VERIFICATION_SOP_CLASS } from './negotiate.ts';

const CONNECT_MS = 10_000;
const ARTIM_MS = 30_000;
/** How long a peer may take to answer, or to take the next bytes. A PACS may archive first. */
const RESPONSE_MS = 120_000;
const MAX_PDU_BYTES = 131_072;
/** What a peer may answer to a query at most. */
const MAX_IDENTIFIER_BYTES = 1_048_576;
const MAX_MATCHES = 200_000;
const PRIORITY_MEDIUM = 0;

export interface ScuPeer {
  readonly host: string;
  readonly port: number;
  readonly aeTitle: string;
  /** How we name ourselves. */
  readonly callingAETitle: string;
}

export interface WantedContext {
  readonly abstractSyntaxUID: string;
  readonly transferSyntaxUIDs: readonly string[];
}

export interface OpenOptions {
  readonly peer: ScuPeer;
  /** At most 128. */
  readonly contexts: readonly WantedContext[];
  /** Ends everything at once. */
  readonly signal?: AbortSignal;
  readonly responseMs?: number;
}

export interface StoreObject {
  readonly sopClassUID: string;
  readonly sopInstanceUID: string;
  readonly transferSyntaxUID: string;
  readonly dataSetBytes: number;
}

/** @throws UlError */
export async function openAssociation(options: OpenOptions): Promise<ScuAssociation> {
  const { peer, contexts, signal, responseMs = RESPONSE_MS } = options;
  const session = new ScuSession();
  const association = await requestAssociation({
    host: peer.host,
    port: peer.port,
    calledAETitle: peer.aeTitle,
    callingAETitle: peer.callingAETitle,
    contexts: contexts.map((context, at) => ({ ...context, id: at * 2 + 1 })),
    maxPduBytes: MAX_PDU_BYTES,
    connectMs: CONNECT_MS,
    artimMs: ARTIM_MS,
    ...(signal === undefined ? {} : { signal }),
    user: session,
  });
  return new ScuAssociation(association, session, responseMs);
}

interface Response {
  readonly command: CommandSet;
  readonly dataSet: Buffer;
}

/** What comes in: responses to the one request that is open. */
class ScuSession implements AssociationUser {
  #command: Buffer[] = [];
  #dataSet: Buffer[] = [];
  #dataSetBytes = 0;
  #open: CommandSet | undefined;
  readonly #responses: Response[] = [];
  #wake: (() => void) | undefined;
  #failure: DimseError | undefined;

  onData({ isCommand, isLast, bytes }: Pdv): undefined {
    try {
      if (isCommand) this.#takeCommand(bytes, isLast);
      else this.#takeDataSet(bytes, isLast);
    } catch (cause) {
      this.fail(
        new DimseError('RESPONSE_MALFORMED', 'the peer answered what can not be read', { cause }),
      );
    }
  }

  async onRelease(): Promise<void> {
    this.fail(new DimseError('ASSOCIATION_ENDED', 'the peer released the association'));
  }

  onEnd(end: AssociationEnd): void {
    this.fail(
      new DimseError('ASSOCIATION_ENDED', `the association ended: ${end.code ?? end.kind}`),
    );
  }

  fail(failure: DimseError): void {
    this.#failure ??= failure;
    this.#wake?.();
  }

  get failure(): DimseError | undefined {
    return this.#failure;
  }

  /** The next response. @throws DimseError */
  async next(withinMs: number): Promise<Response> {
    for (;;) {
      const response = this.#responses.shift();
      if (response !== undefined) return response;
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          this.fail(new DimseError('RESPONSE_TIMEOUT', 'the peer did not answer in time'));
          resolve();
        }, withinMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #takeCommand(bytes: Buffer, isLast: boolean): void {
    this.#command.push(bytes);
    if (!isLast) return;
    const command = decodeCommand(Buffer.concat(this.#command));
    this.#command = [];
    if (command.hasDataSet) this.#open = command;
    else this.#tell({ command, dataSet: Buffer.alloc(0) });
  }

  #takeDataSet(bytes: Buffer, isLast: boolean): void {
    this.#dataSetBytes += bytes.length;
    if (this.#open === undefined || this.#dataSetBytes > MAX_IDENTIFIER_BYTES)
      throw new DimseError('RESPONSE_MALFORMED', 'a data set that nobody asked for');
    this.#dataSet.push(Buffer.from(bytes));
    if (!isLast) return;
    this.#tell({ command: this.#open, dataSet: Buffer.concat(this.#dataSet) });
    this.#open = undefined;
    this.#dataSet = [];
    this.#dataSetBytes = 0;
  }

  #tell(response: Response): void {
    this.#responses.push(response);
    this.#wake?.();
  }
}

export class ScuAssociation {
  readonly #association: Association;
  readonly #session: ScuSession;
  readonly #responseMs: number;
  #messageId = 0;

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

  /** @returns the status @throws DimseError */
  async echo(): Promise<number> {
    const context = this.#require(VERIFICATION_SOP_CLASS);
    const fields = { AffectedSOPClassUID: VERIFICATION_SOP_CLASS };
    const command = this.#command(CommandField.cEchoRQ, fields, false);
    void this.#association.write([commandPdv(context.id, command)]);
    return this.#statusOf(await this.#response(CommandField.cEchoRQ));
  }

  /**
   * @param dataSet its bytes, exactly `dataSetBytes` of them
   * @returns the status of the response
   * @throws DimseError; the association is aborted then
   */
  async store(object: StoreObject, dataSet: () => AsyncIterable<Buffer>): Promise<number> {
    const context = this.#require(object.sopClassUID, object.transferSyntaxUID);
    const fields = {
      AffectedSOPClassUID: object.sopClassUID,
      Priority: PRIORITY_MEDIUM,
      AffectedSOPInstanceUID: object.sopInstanceUID,
    };
    const command = this.#command(CommandField.cStoreRQ, fields, true);
    // A deflated stream of odd length is sent with its pad byte. PS3.5 §A.5.
    const isPadded = encodingOf(object.transferSyntaxUID).deflated && object.dataSetBytes % 2 === 1;
    const source = isPadded ? withPadByte(dataSet()) : dataSet();
    const length = object.dataSetBytes + (isPadded ? 1 : 0);
    try {
      await this.#sendDataSet(commandPdv(context.id, command), source, length);
      return this.#statusOf(await this.#response(CommandField.cStoreRQ));
    } catch (error) {
      this.#association.abort();
      throw error instanceof DimseError ? error : sourceFailed(error);
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
  ): Promise<{ status: number; identifiers: Buffer[] }> {
    const context = this.#require(sopClassUID);
    const fields = { AffectedSOPClassUID: sopClassUID, Priority: PRIORITY_MEDIUM };
    const command = this.#command(CommandField.cFindRQ, fields, true);
    void this.#association.write([
      commandPdv(context.id, command),
      { contextId: context.id, isCommand: false, isLast: true, bytes: identifier },
    ]);
    const identifiers: Buffer[] = [];
    for (;;) {
      const response = await this.#response(CommandField.cFindRQ);
      const status = this.#statusOf(response);
      // Pending. PS3.4 C.4.1.1.4.
      if (status !== 0xff00 && status !== 0xff01) return { status, identifiers };
      if (identifiers.length >= MAX_MATCHES) {
        this.#association.abort();
        throw new DimseError('RESPONSE_MALFORMED', `more than ${MAX_MATCHES} matches`);
      }
      identifiers.push(response.dataSet);
    }
  }

  release(): Promise<void> {
    return this.#association.release();
  }

  abort(): void {
    this.#association.abort();
  }

  #command(field: number, fields: CommandFields, hasDataSet: boolean): Buffer {
    this.#messageId = (this.#messageId % 65_535) + 1;
    return encodeCommand(
      { ...fields, CommandField: field, MessageID: this.#messageId },
      hasDataSet,
    );
  }

  /** Command and first bytes in one write, the rest as the peer takes it. */
  async #sendDataSet(command: Pdv, source: AsyncIterable<Buffer>, length: number): Promise<void> {
    const { contextId } = command;
    let waiting: Pdv[] = [command];
    let sent = 0;
    for await (const chunk of inFragments(source, this.#association.maxPdvBytes)) {
      for (const bytes of chunk) {
        sent += bytes.length;
        waiting.push({ contextId, isCommand: false, isLast: sent === length, bytes });
      }
      if (sent > length) throw sourceFailed(undefined);
      await this.#written(waiting);
      waiting = [];
    }
    if (sent < length) throw sourceFailed(undefined);
    if (length > 0) return;
    const nothing = { contextId, isCommand: false, isLast: true, bytes: Buffer.alloc(0) };
    await this.#written([...waiting, nothing]);
  }

  /** @throws DimseError when the association ended, or the peer takes nothing more */
  async #written(pdvs: readonly Pdv[]): Promise<void> {
    const drained = this.#association.write(pdvs);
    if (drained !== undefined) {
      let timer: NodeJS.Timeout | undefined;
      const stalled = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(true), this.#responseMs);
      });
      const isStalled = await Promise.race([drained.then(() => false), stalled]);
      clearTimeout(timer);
      if (isStalled) throw new DimseError('RESPONSE_TIMEOUT', 'the peer takes no more bytes');
    }
    if (this.#session.failure !== undefined) throw this.#session.failure;
  }

  /** @throws DimseError for anything but a response to the open request */
  async #response(field: number): Promise<Response> {
    const response = await this.#session.next(this.#responseMs).catch((error: unknown) => {
      this.#association.abort();
      throw error;
    });
    const { command } = response;
    const isOurs =
      command.number('CommandField') === (field | RESPONSE_BIT) &&
      command.number('MessageIDBeingRespondedTo') === this.#messageId;
    if (isOurs) return response;
    this.#association.abort();
    throw new DimseError('RESPONSE_MALFORMED', 'the peer answered another request');
  }

  #statusOf({ command }: Response): number {
    const status = command.number('Status');
    if (status !== undefined) return status;
    this.#association.abort();
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

/** Pieces of even length but for the data set's last: others are refused by many. PS3.8 Annex E.1. */
async function* inFragments(
  source: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Buffer[]> {
  let odd: Buffer | undefined;
  for await (const chunk of source) {
    const bytes: Buffer = odd === undefined ? chunk : Buffer.concat([odd, chunk]);
    const end = bytes.length - (bytes.length % 2);
    odd = end < bytes.length ? bytes.subarray(end) : undefined;
    const fragments: Buffer[] = [];
    for (let at = 0; at < end; at += maxBytes)
      fragments.push(bytes.subarray(at, Math.min(end, at + maxBytes)));
    if (fragments.length > 0) yield fragments;
  }
  if (odd !== undefined) yield [odd];
}

async function* withPadByte(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
  yield Buffer.alloc(1);
}

const commandPdv = (contextId: number, bytes: Buffer): Pdv => ({
  contextId,
  isCommand: true,
  isLast: true,
  bytes,
});

const sourceFailed = (cause: unknown): DimseError =>
  new DimseError(
    'SOURCE_FAILED',
    cause === undefined
      ? 'the object has another length than it had'
      : `the object could not be read: ${codeOf(cause)}`,
    { cause },
  );
