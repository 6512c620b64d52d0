/**
 * A request that may take long: carried out by its service while the association is read on. PS3.7 §9.3, §10.3.
 *
 *   request ─► ServedClass.handle ─┬─ pending() ─► response FF00 …
 *                                  ├─ store (C-GET) ─► C-STORE-RQ ─► … ◄─ C-STORE-RSP
 *                                  └─► final response        C-CANCEL, end ─► signal
 */
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { AcceptedContext, Association } from '../ul/association.ts';
import { pdvsOf } from './command-pdvs.ts';
import {
  CommandField,
  type CommandFields,
  type CommandSet,
  DimseError,
  encodeCommand,
  RESPONSE_BIT,
} from './command-set.ts';
import type { OwnRequests } from './own-requests.ts';
import { ScuAssociation } from './scu-association.ts';
import { ScuSession } from './scu-session.ts';
import type {
  DimseStatus,
  OperationKind,
  OperationReply,
  OperationRequest,
  ServedClass,
} from './service.ts';

/** How long a peer may take to answer a C-STORE of its own C-GET. */
const SUBOPERATION_MS = 120_000;

const KINDS: Readonly<Record<number, OperationKind>> = {
  [CommandField.cFindRQ]: 'find',
  [CommandField.cMoveRQ]: 'move',
  [CommandField.cGetRQ]: 'get',
  [CommandField.nEventReportRQ]: 'event-report',
  [CommandField.nGetRQ]: 'get-attributes',
  [CommandField.nSetRQ]: 'set',
  [CommandField.nActionRQ]: 'action',
  [CommandField.nCreateRQ]: 'create',
};

export interface OperationOptions {
  readonly association: Association;
  readonly context: AcceptedContext;
  readonly command: CommandSet;
  readonly served: ServedClass;
  /** Requests of ours over the association. */
  readonly own: OwnRequests;
  readonly log: Log;
}

export class Operation {
  readonly #options: OperationOptions;
  readonly #kind: OperationKind | undefined;
  readonly #ending = new AbortController();
  readonly #suboperations = new ScuSession();
  readonly #done = Promise.withResolvers<void>();
  #hasEnded = false;

  constructor(options: OperationOptions) {
    this.#options = options;
    this.#kind = KINDS[options.command.number('CommandField') ?? 0];
  }

  /** False: the SOP class knows no such request. */
  get isServed(): boolean {
    return this.#kind !== undefined && this.#options.served.kinds.includes(this.#kind);
  }

  /** Resolves when it was answered, or the association has ended. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** The peer wants no more of it. PS3.7 §9.3.2.3. */
  cancel(messageId: number | undefined): void {
    if (messageId === this.#options.command.number('MessageID')) this.#ending.abort();
  }

  /** The association is over: nothing more is sent. */
  end(): void {
    this.#hasEnded = true;
    this.#ending.abort();
    this.#suboperations.fail(new DimseError('ASSOCIATION_ENDED', 'the association ended'));
    this.#done.resolve();
  }

  /** @returns false for a response that nobody waits for */
  takeResponse(command: CommandSet): boolean {
    if (this.#kind !== 'get' || command.hasDataSet) return false;
    this.#suboperations.tell({ command, dataSet: Buffer.alloc(0) });
    return true;
  }

  /** Never rejects. */
  async run(dataSet: Buffer): Promise<void> {
    const { log, served, own, context } = this.#options;
    let reply: OperationReply;
    try {
      reply = await served.handle(this.#request(dataSet), {
        pending: (pending) => this.#send(pending),
        store: this.#store(),
        ask: (fields, dataSet) => own.request({ contextId: context.id, fields, dataSet }),
      });
    } catch (error) {
      // An association that ended ends what is carried out for it.
      if (!this.#hasEnded && codeOf(error) !== 'ASSOCIATION_ENDED')
        log.error('program.bug', { where: `dimse/${this.#kind}`, error });
      reply = { status: 0x0110 };
    }
    await this.#send(reply);
    this.#done.resolve();
  }

  #request(dataSet: Buffer): OperationRequest {
    const { association, context, command } = this.#options;
    return {
      kind: this.#kind ?? 'find',
      peer: association.peer,
      messageId: command.number('MessageID') ?? 0,
      sopClassUID: command.text('AffectedSOPClassUID') || command.text('RequestedSOPClassUID'),
      sopInstanceUID:
        command.text('AffectedSOPInstanceUID') || command.text('RequestedSOPInstanceUID'),
      typeId: command.number('ActionTypeID') ?? command.number('EventTypeID'),
      moveDestination: command.text('MoveDestination'),
      transferSyntaxUID: context.transferSyntaxUID,
      dataSet,
      signal: this.#ending.signal,
    };
  }

  /** Over the contexts in which the peer said that it can be stored at. */
  #store(): ScuAssociation {
    const { association } = this.#options;
    const contexts = new Map(
      [...association.contexts].filter(([, { roles }]) => roles?.scp === true),
    );
    const storing: Association = {
      ...{ peer: association.peer, contexts, maxPdvBytes: association.maxPdvBytes, window: 1 },
      write: (pdvs) => association.write(pdvs),
      release: () => association.release(),
      abort: (reason) => association.abort(reason),
    };
    return new ScuAssociation(storing, this.#suboperations, SUBOPERATION_MS);
  }

  async #send(reply: OperationReply): Promise<void> {
    if (this.#hasEnded) return;
    const { association, context, command } = this.#options;
    const { dataSet } = reply;
    const fields = encodeCommand(responseTo(command, reply), dataSet !== undefined);
    const contextId = context.id;
    await association.write([
      ...pdvsOf({ contextId, isCommand: true, bytes: fields }, association.maxPdvBytes),
      ...(dataSet === undefined
        ? []
        : pdvsOf({ contextId, isCommand: false, bytes: dataSet }, association.maxPdvBytes)),
    ]);
  }
}

/** The fields of a response. PS3.7 §9.3, §10.3. */
export function responseTo(
  command: CommandSet,
  reply: DimseStatus & Partial<OperationReply>,
): CommandFields {
  const given = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
  const { status, errorComment, suboperations, sopInstanceUID } = reply;
  return {
    AffectedSOPClassUID: given(
      command.text('AffectedSOPClassUID') || command.text('RequestedSOPClassUID'),
    ),
    CommandField: (command.number('CommandField') ?? 0) | RESPONSE_BIT,
    MessageIDBeingRespondedTo: command.number('MessageID'),
    Status: status,
    AffectedSOPInstanceUID: given(
      sopInstanceUID ??
        (command.text('AffectedSOPInstanceUID') || command.text('RequestedSOPInstanceUID')),
    ),
    EventTypeID: command.number('EventTypeID'),
    ActionTypeID: command.number('ActionTypeID'),
    NumberOfRemainingSuboperations: suboperations?.remaining,
    NumberOfCompletedSuboperations: suboperations?.completed,
    NumberOfFailedSuboperations: suboperations?.failed,
    NumberOfWarningSuboperations: suboperations?.warning,
    // LO: at most 64 characters, none of them a control character or a backslash.
    ErrorComment: errorComment?.replace(/[^\x20-\x5b\x5d-\x7e]/g, ' ').slice(0, 64),
  };
}
