/**
 * The performing side of an association: requests in, answers out. PS3.7 §8, §9, §10.
 *
 *   PDV (command) ─► CommandSet ─┬─ C-ECHO ─► 0000H
 *                                ├─ C-STORE ─► DataSetSink ◄─ PDV (data set) …  end() ─► its status
 *                                ├─ other ─► operations.ts ─► pending responses … ─► its status
 *                                └─ response ─► to the C-STORE of a C-GET
 *
 * One request at a time: the next is not read before this one is answered, so that a peer that sends
 * ahead waits in its own buffers. What does not belong there ends the association.
 */
import type { Log } from '../../shared/log.ts';
import type {
  AbortReason,
  Association,
  AssociationEnd,
  AssociationUser,
  Pdv,
} from '../ul/association.ts';
import { CommandAssembler, pdvsOf } from './command-pdvs.ts';
import { CommandField, type CommandSet, encodeCommand, RESPONSE_BIT } from './command-set.ts';
import { Operation, responseTo } from './operation.ts';
import { OwnRequests } from './own-requests.ts';
import { MAX_IDENTIFIER_BYTES } from './scu-session.ts';
import type { DataSetSink, DimseServices, DimseStatus } from './service.ts';

/** What any request may be answered, whatever its service. PS3.7 Annex C. */
export const AnyStatus = {
  success: 0x0000,
  processingFailure: 0x0110,
  unrecognizedOperation: 0x0211,
  resourceLimitation: 0x0213,
} as const;

export interface SessionOptions {
  readonly association: Association;
  readonly services: DimseServices;
  readonly log: Log;
  /** A C-STORE was answered. */
  readonly onStored?: (status: number) => void;
  readonly onEnded?: (end: AssociationEnd) => void;
}

/** A request whose data set is coming. */
interface Coming {
  readonly contextId: number;
  readonly command: CommandSet;
  readonly sink: RequestSink;
}

/** Where its data set goes; one that answers by itself ends without a status. */
type RequestSink = Omit<DataSetSink, 'end'> & { end(): Promise<DimseStatus | undefined> };

export class ScpSession implements AssociationUser {
  readonly #options: SessionOptions;
  readonly #assembler = new CommandAssembler();
  readonly #own: OwnRequests;
  #coming: Coming | undefined;
  #operation: Operation | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#own = new OwnRequests(options.association);
  }

  get isAtWork(): boolean {
    return this.#operation !== undefined;
  }

  onData(pdv: Pdv): Promise<void> | undefined {
    if (!this.#options.association.contexts.has(pdv.contextId))
      return this.#abort('invalid-pdu-parameter-value');
    return pdv.isCommand ? this.#takeCommand(pdv) : this.#takeDataSet(pdv);
  }

  /** Whoever asks for release while something is carried out for him does not wait for it. */
  async onRelease(): Promise<void> {
    this.#drop();
  }

  onEnd(end: AssociationEnd): void {
    this.#drop();
    this.#options.onEnded?.(end);
  }

  /** Nothing more is sent, and what is coming is dropped. */
  #drop(): void {
    this.#own.end();
    this.#coming?.sink.abort();
    this.#coming = undefined;
    this.#operation?.end();
  }

  #takeCommand(pdv: Pdv): Promise<void> | undefined {
    if (this.#coming !== undefined) return this.#abort('unexpected-pdu');
    let command: CommandSet | undefined;
    try {
      command = this.#assembler.take(pdv);
    } catch {
      return this.#abort('invalid-pdu-parameter-value');
    }
    return command === undefined ? undefined : this.take(pdv.contextId, command);
  }

  /** A data set is coming that belongs to a request. */
  get isReceiving(): boolean {
    return this.#coming !== undefined;
  }

  /** A command that is whole; its data set, if it has one, comes next. */
  take(contextId: number, command: CommandSet): Promise<void> | undefined {
    const field = command.number('CommandField');
    const operation = this.#operation;
    if (field === CommandField.cCancelRQ) {
      // For what is answered already it comes too late.
      operation?.cancel(command.number('MessageIDBeingRespondedTo'));
      return undefined;
    }
    if (field !== undefined && (field & RESPONSE_BIT) !== 0)
      return operation?.takeResponse(command) === true || this.#own.take(command)
        ? undefined
        : this.#abort('unexpected-pdu');
    if (operation === undefined) return this.#begin(contextId, command);
    // A peer that sends ahead waits.
    return operation.done.then(() => this.#begin(contextId, command));
  }

  #begin(contextId: number, command: CommandSet): Promise<void> | undefined {
    const field = command.number('CommandField');
    if (field === undefined || command.number('MessageID') === undefined)
      return this.#abort('unexpected-pdu');
    // Nothing would be stored, and what comes instead of the object could not be told from the next request.
    if (field === CommandField.cStoreRQ && !command.hasDataSet)
      return this.#abort('invalid-pdu-parameter-value');
    const coming = { contextId, command, sink: this.#sinkFor(field, contextId, command) };
    if (command.hasDataSet) {
      this.#coming = coming;
      return undefined;
    }
    return this.#finish(coming);
  }

  #sinkFor(field: number, contextId: number, command: CommandSet): RequestSink {
    if (field === CommandField.cEchoRQ) return answering(AnyStatus.success);
    if (field !== CommandField.cStoreRQ) return this.#operationFor(contextId, command);
    const { association, services, log } = this.#options;
    const originator = command.text('MoveOriginatorApplicationEntityTitle');
    const originatorId = command.number('MoveOriginatorMessageID');
    try {
      return services.store({
        peer: association.peer,
        sopClassUID: command.text('AffectedSOPClassUID'),
        sopInstanceUID: command.text('AffectedSOPInstanceUID'),
        transferSyntaxUID: association.contexts.get(contextId)?.transferSyntaxUID ?? '',
        ...(originator === '' || originatorId === undefined
          ? {}
          : { moveOriginator: { aeTitle: originator, messageId: originatorId } }),
      });
    } catch (error) {
      log.error('program.bug', { where: 'dimse/store', error });
      return answering(AnyStatus.processingFailure);
    }
  }

  /** Its data set is collected; it runs while the association is read on, so that it can be cancelled. */
  #operationFor(contextId: number, command: CommandSet): RequestSink {
    const { association, services, log } = this.#options;
    const context = association.contexts.get(contextId);
    const served = services.served?.find(
      ({ sopClassUID }) => sopClassUID === context?.abstractSyntaxUID,
    );
    if (served === undefined || context === undefined)
      return answering(AnyStatus.unrecognizedOperation);
    const operation = new Operation({
      ...{ association, context, command, served, log },
      own: this.#own,
    });
    if (!operation.isServed) return answering(AnyStatus.unrecognizedOperation);
    const pieces: Buffer[] = [];
    let bytes = 0;
    return {
      write(chunk) {
        bytes += chunk.length;
        // A copy: the piece is a view into a whole chunk of the connection.
        if (bytes <= MAX_IDENTIFIER_BYTES) pieces.push(Buffer.from(chunk));
        return undefined;
      },
      end: async () => {
        if (bytes > MAX_IDENTIFIER_BYTES) return { status: AnyStatus.resourceLimitation };
        this.#operation = operation;
        void operation.run(Buffer.concat(pieces)).then(() => {
          this.#operation = undefined;
        });
        return undefined;
      },
      abort: () => operation.end(),
    };
  }

  #takeDataSet({ contextId, isLast, bytes }: Pdv): Promise<void> | undefined {
    const coming = this.#coming;
    if (coming === undefined || coming.contextId !== contextId)
      return this.#abort('unexpected-pdu');
    const pending = bytes.length > 0 ? coming.sink.write(bytes) : undefined;
    if (!isLast) return pending;
    this.#coming = undefined;
    return pending === undefined ? this.#finish(coming) : pending.then(() => this.#finish(coming));
  }

  async #finish({ contextId, command, sink }: Coming): Promise<void> {
    const { association, log, onStored } = this.#options;
    let status: DimseStatus | undefined;
    try {
      status = await sink.end();
    } catch (error) {
      log.error('program.bug', { where: 'dimse/end', error });
      status = { status: AnyStatus.processingFailure };
    }
    // An operation answers by itself.
    if (status === undefined) return;
    const bytes = encodeCommand(responseTo(command, status), false);
    const response = pdvsOf({ contextId, isCommand: true, bytes }, association.maxPdvBytes);
    const drained = association.write(response);
    if (command.number('CommandField') === CommandField.cStoreRQ) onStored?.(status.status);
    await drained;
  }

  #abort(reason: AbortReason): undefined {
    this.#options.association.abort(reason);
    this.#drop();
  }
}

/** Passes a data set over and answers. */
function answering(status: number): DataSetSink {
  return { write: () => undefined, end: async () => ({ status }), abort: () => {} };
}
