/**
 * The performing side of an association: requests in, answers out. PS3.7 §8, §9.
 *
 *   PDV (command) ─► CommandSet ─┬─ C-ECHO ─► 0000H
 *                                ├─ C-STORE ─► DataSetSink ◄─ PDV (data set) …  end() ─► its status
 *                                └─ other ─► its data set is passed over ─► 0211H
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
import {
  CommandField,
  type CommandFields,
  type CommandSet,
  encodeCommand,
  RESPONSE_BIT,
} from './command-set.ts';
import type { DataSetSink, DimseServices, DimseStatus } from './service.ts';

/** PS3.7 Annex C. */
const UNRECOGNIZED_OPERATION: DimseStatus = { status: 0x0211 };
const PROCESSING_FAILURE: DimseStatus = { status: 0x0110 };
const SUCCESS: DimseStatus = { status: 0x0000 };

export interface SessionOptions {
  readonly association: Association;
  readonly services: DimseServices;
  readonly log: Log;
  /** A C-STORE was answered. */
  readonly onStored?: (status: number) => void;
}

/** A request whose data set is coming. */
interface Operation {
  readonly contextId: number;
  readonly command: CommandSet;
  readonly sink: DataSetSink;
}

export class ScpSession implements AssociationUser {
  readonly #options: SessionOptions;
  readonly #assembler = new CommandAssembler();
  #operation: Operation | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  onData(pdv: Pdv): Promise<void> | undefined {
    if (!this.#options.association.contexts.has(pdv.contextId))
      return this.#abort('invalid-pdu-parameter-value');
    return pdv.isCommand ? this.#takeCommand(pdv) : this.#takeDataSet(pdv);
  }

  /** Nothing is open: a request is answered before the next PDU is read. */
  async onRelease(): Promise<void> {
    this.#drop();
  }

  onEnd(_end: AssociationEnd): void {
    this.#drop();
  }

  #takeCommand(pdv: Pdv): Promise<void> | undefined {
    if (this.#operation !== undefined) return this.#abort('unexpected-pdu');
    let command: CommandSet | undefined;
    try {
      command = this.#assembler.take(pdv);
    } catch {
      return this.#abort('invalid-pdu-parameter-value');
    }
    return command === undefined ? undefined : this.#begin(pdv.contextId, command);
  }

  #begin(contextId: number, command: CommandSet): Promise<void> | undefined {
    const field = command.number('CommandField');
    const messageId = command.number('MessageID');
    // A C-CANCEL comes too late for anything that is answered here.
    if (field === CommandField.cCancelRQ) return undefined;
    if (field === undefined || messageId === undefined || (field & RESPONSE_BIT) !== 0)
      return this.#abort('unexpected-pdu');
    // Nothing would be stored, and what comes instead of the object could not be told from the next request.
    if (field === CommandField.cStoreRQ && !command.hasDataSet)
      return this.#abort('invalid-pdu-parameter-value');
    const operation = { contextId, command, sink: this.#sinkFor(field, contextId, command) };
    if (command.hasDataSet) {
      this.#operation = operation;
      return undefined;
    }
    return this.#finish(operation);
  }

  #sinkFor(field: number, contextId: number, command: CommandSet): DataSetSink {
    if (field === CommandField.cEchoRQ) return answering(SUCCESS);
    if (field !== CommandField.cStoreRQ) return answering(UNRECOGNIZED_OPERATION);
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
      return answering(PROCESSING_FAILURE);
    }
  }

  #takeDataSet({ contextId, isLast, bytes }: Pdv): Promise<void> | undefined {
    const operation = this.#operation;
    if (operation === undefined || operation.contextId !== contextId)
      return this.#abort('unexpected-pdu');
    const pending = bytes.length > 0 ? operation.sink.write(bytes) : undefined;
    if (!isLast) return pending;
    this.#operation = undefined;
    return pending === undefined
      ? this.#finish(operation)
      : pending.then(() => this.#finish(operation));
  }

  async #finish({ contextId, command, sink }: Operation): Promise<void> {
    const { association, log, onStored } = this.#options;
    let status: DimseStatus;
    try {
      status = await sink.end();
    } catch (error) {
      log.error('program.bug', { where: 'dimse/end', error });
      status = PROCESSING_FAILURE;
    }
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

  #drop(): void {
    this.#operation?.sink.abort();
    this.#operation = undefined;
  }
}

/** Passes a data set over and answers. */
function answering(status: DimseStatus): DataSetSink {
  return { write: () => undefined, end: async () => status, abort: () => {} };
}

function responseTo(command: CommandSet, { status, errorComment }: DimseStatus): CommandFields {
  const given = (text: string): string | undefined => (text === '' ? undefined : text);
  return {
    AffectedSOPClassUID: given(
      command.text('AffectedSOPClassUID') || command.text('RequestedSOPClassUID'),
    ),
    CommandField: (command.number('CommandField') ?? 0) | RESPONSE_BIT,
    MessageIDBeingRespondedTo: command.number('MessageID'),
    Status: status,
    AffectedSOPInstanceUID: given(command.text('AffectedSOPInstanceUID')),
    // LO: at most 64 characters, none of them a control character or a backslash.
    ErrorComment: errorComment?.replace(/[^\x20-\x5b\x5d-\x7e]/g, ' ').slice(0, 64),
  };
}
