/**
 * The invoking side: C-ECHO, C-STORE and C-FIND of a peer. PS3.7 §9.1, PS3.4 Annexes B and C.
 *
 *   openAssociation ─► store(object, its bytes)… │ find(…) ─► release
 *
 * One request at a time. Bytes go out as they are read, exactly as they are. An association on which
 * anything went wrong is aborted: a peer may take what comes next for the rest of what broke off.
 */
import type { AcceptedContext, Association, Pdv } from '../ul/association.ts';
import { requestAssociation } from '../ul/requestor.ts';
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
import { type Response, ScuSession } from './scu-session.ts';

const CONNECT_MS = 10_000;
const ARTIM_MS = 30_000;
/** How long a peer may take to answer, or to take the next bytes. A PACS may archive first. */
const RESPONSE_MS = 120_000;
const MAX_PDU_BYTES = 131_072;
/** What a peer may answer to a query at most. */
const MAX_MATCHES = 200_000;
const MAX_MATCHES_BYTES = 67_108_864;
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

interface Request {
  readonly context: AcceptedContext;
  readonly fields: CommandFields;
  readonly hasDataSet: boolean;
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
  session.agreed(association.contexts);
  return new ScuAssociation(association, session, responseMs);
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
    await this.#send(this.#command(CommandField.cEchoRQ, { context, fields, hasDataSet: false }));
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
    const command = this.#command(CommandField.cStoreRQ, { context, fields, hasDataSet: true });
    const { transferSyntaxUID, dataSetBytes } = object;
    const outgoing = { contextId: context.id, transferSyntaxUID, dataSetBytes, source: dataSet() };
    try {
      // Command and first bytes in one write, the rest as the peer takes it.
      let waiting = command;
      for await (const pdvs of dataSetPdvs(outgoing, this.#association.maxPdvBytes)) {
        await this.#written([...waiting, ...pdvs]);
        waiting = [];
      }
      return this.#statusOf(await this.#response(CommandField.cStoreRQ));
    } catch (error) {
      this.#association.abort();
      throw error;
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
    const query = { contextId: context.id, isCommand: false, bytes: identifier };
    await this.#send([
      ...this.#command(CommandField.cFindRQ, { context, fields, hasDataSet: true }),
      ...pdvsOf(query, this.#association.maxPdvBytes),
    ]);
    const identifiers: Buffer[] = [];
    let bytes = 0;
    for (;;) {
      const response = await this.#response(CommandField.cFindRQ);
      const status = this.#statusOf(response);
      // Pending. PS3.4 C.4.1.1.4.
      if (status !== 0xff00 && status !== 0xff01) return { status, identifiers };
      bytes += response.dataSet.length;
      if (identifiers.length >= MAX_MATCHES || bytes > MAX_MATCHES_BYTES) {
        this.#association.abort();
        throw new DimseError('RESPONSE_MALFORMED', 'the peer answers without end');
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

  #command(field: number, { context, fields, hasDataSet }: Request): Pdv[] {
    this.#messageId = (this.#messageId % 65_535) + 1;
    const command = { ...fields, CommandField: field, MessageID: this.#messageId };
    const bytes = encodeCommand(command, hasDataSet);
    return pdvsOf({ contextId: context.id, isCommand: true, bytes }, this.#association.maxPdvBytes);
  }

  /** A small request at once. @throws DimseError; the association is aborted then */
  async #send(pdvs: readonly Pdv[]): Promise<void> {
    try {
      await this.#written(pdvs);
    } catch (error) {
      this.#association.abort();
      throw error;
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
