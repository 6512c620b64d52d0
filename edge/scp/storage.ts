/**
 * C-STORE as SCP. PS3.4 Annex B. Acknowledged means: it survives kill -9 and a power cut.
 *
 *   data set ─┬─► InstanceWriter: temporary file, SHA-256 ─► fsync ─┐
 *             └─► AttributesReader: who and what it is ─► findFault ┤
 *                    fault ─► quarantine, A900H / C000H ◄───────────┤
 *            another patient ─► quarantine, 0000H ◄─────────────────┤
 *                    none  ─► rename, one transaction, 0000H ◄──────┘
 *
 * Never holds an object, never refuses one for what it says, only for what makes it unsafe to file.
 */
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { DataSetSink, DimseServices, DimseStatus, StoreRequest } from '../dimse/service.ts';
import type { RecordOutcome } from '../index/types.ts';
import type { Fault } from '../spool/quarantine.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { InstanceWriter, SealedFile } from '../spool/write-instance.ts';
import { fileObject } from './file-object.ts';
import type { AttributesReader, ReadAttributes } from './object-reading.ts';
import { homeOfCopy } from './returned-copy.ts';
import type { StorageParts } from './storage-parts.ts';
import { findFault, StoreStatus } from './verdict.ts';

/** The store service over these parts. */
export function storeService(parts: StorageParts): DimseServices['store'] {
  return (request) => new StoreSink(parts, request);
}

class StoreSink implements DataSetSink {
  readonly #parts: StorageParts;
  readonly #request: StoreRequest;
  readonly #writer: InstanceWriter;
  readonly #reader: AttributesReader;
  #readFault: Fault | undefined;
  #hasEnded = false;

  constructor(parts: StorageParts, request: StoreRequest) {
    this.#parts = parts;
    this.#request = request;
    this.#writer = parts.spool.newWriter(parts.reading.fileHead(request));
    this.#reader = parts.reading.openReader(request.transferSyntaxUID);
  }

  write(chunk: Buffer): Promise<void> | undefined {
    const reading = this.#readFault === undefined ? this.#readChunk(chunk) : undefined;
    const writing = this.#writer.write(chunk);
    return reading === undefined ? writing : Promise.all([reading, writing]).then(() => undefined);
  }

  #readChunk(chunk: Buffer): Promise<void> | undefined {
    try {
      return this.#reader.write(chunk)?.catch((error: unknown) => this.#keepFault(error));
    } catch (error) {
      this.#keepFault(error);
      return undefined;
    }
  }

  async end(): Promise<DimseStatus> {
    this.#hasEnded = true;
    const stop = this.#parts.counters.startAcknowledgement();
    let sealed: SealedFile | undefined;
    try {
      const attributes = await this.#readEnd();
      sealed = await this.#seal(attributes);
      const fault = this.#readFault ?? (attributes && findFault(this.#request, attributes));
      if (attributes === undefined || fault !== undefined) return this.#keepAside(sealed, fault);
      return this.#file(sealed, attributes);
    } catch (error) {
      if (sealed !== undefined) this.#parts.spool.dropTemporary(sealed.temporaryPath);
      return this.#refuse(error);
    } finally {
      stop();
    }
  }

  abort(): void {
    // An object that is whole is stored, whether or not its sender still hears the answer.
    if (this.#hasEnded) return;
    this.#parts.counters.count('aborted', 0);
    this.#reader.abort();
    // What could not be removed now is removed at the next start.
    void this.#writer.discard().catch(() => {});
  }

  /** @returns undefined when the data set can't be read; why stands in `#readFault` */
  async #readEnd(): Promise<ReadAttributes | undefined> {
    if (this.#readFault !== undefined) return undefined;
    try {
      return await this.#reader.end();
    } catch (error) {
      this.#keepFault(error);
      return undefined;
    }
  }

  #keepFault(error: unknown): void {
    if (!(error instanceof GatewayError))
      this.#parts.log.error('program.bug', { where: 'scp/storage', error });
    this.#readFault ??= { code: 'UNREADABLE', detail: `data set unreadable: ${codeOf(error)}` };
    this.#reader.abort();
  }

  #seal(attributes: ReadAttributes | undefined): Promise<SealedFile> {
    const { trust, index } = this.#parts;
    const home = (attributes && homeOfCopy(attributes, trust)) ?? trust;
    const held =
      home === trust ? undefined : index.findInstance(attributes?.sopInstanceUID ?? '', home);
    return this.#writer.seal({
      home,
      ...(held === undefined ? {} : { homeDigest: held.homeDigest }),
      receivedAt: this.#parts.clock.now(),
      callingAETitle: this.#request.peer.callingAETitle,
    });
  }

  #file(sealed: SealedFile, read: ReadAttributes): DimseStatus {
    const { transferSyntaxUID } = this.#request;
    const attributes = { ...read, sopClassUID: read.sopClassUID || this.#request.sopClassUID };
    const accepted = { sealed, attributes, transferSyntaxUID };
    const outcome = fileObject(this.#parts, accepted, { now: this.#parts.clock.now() });
    // Kept whatever room there is: it is the engineer's to file, not the modality's to send again.
    if (outcome.kind === 'fault') {
      this.#quarantine(sealed, { fault: outcome.fault, mustKeep: true });
      return { status: StoreStatus.success };
    }
    this.#tell(outcome, sealed, attributes);
    return { status: StoreStatus.success, studyInstanceUID: attributes.studyInstanceUID };
  }

  #tell(
    outcome: Exclude<RecordOutcome, { kind: 'fault' }>,
    { dataSetBytes }: SealedFile,
    attributes: ReadAttributes,
  ): void {
    this.#parts.counters.count(outcome.kind, dataSetBytes);
    if (outcome.kind !== 'conflict') return;
    this.#parts.log.warn('storage.conflict', {
      calling: this.#request.peer.callingAETitle,
      sopInstanceUID: attributes.sopInstanceUID,
      studyInstanceUID: attributes.studyInstanceUID,
    });
  }

  #keepAside(sealed: SealedFile, found: Fault | undefined): DimseStatus {
    const fault = found ?? { code: 'UNREADABLE', detail: 'data set unreadable' };
    this.#quarantine(sealed, { fault, mustKeep: false });
    const unreadable = fault.code === 'UNREADABLE';
    return {
      status: unreadable ? StoreStatus.cannotUnderstand : StoreStatus.dataSetDoesNotMatchSOPClass,
      errorComment: fault.detail.slice(0, 64),
    };
  }

  #quarantine(sealed: SealedFile, { fault, mustKeep }: { fault: Fault; mustKeep: boolean }): void {
    const { callingAETitle, host } = this.#request.peer;
    const file = { ...sealed, bytes: sealed.dataSetOffset + sealed.dataSetBytes };
    const origin = { ...this.#request, callingAETitle, host };
    const now = this.#parts.clock.now();
    const id = this.#parts.quarantine.add(file, { fault, origin, now, mustKeep });
    this.#parts.counters.count('quarantined', sealed.dataSetBytes);
    this.#parts.log.warn('storage.quarantined', {
      calling: callingAETitle,
      host,
      code: fault.code,
      bytes: sealed.dataSetBytes,
      ...(id === undefined ? {} : { id }),
    });
  }

  /** The disk or the database could not take it: nothing is left of it, and the sender may try again. */
  #refuse(error: unknown): DimseStatus {
    const code = codeOf(error);
    if (!(error instanceof SpoolError) && !code.startsWith('SQLITE_')) throw error;
    this.#parts.counters.count('refused', 0);
    // The reserve is logged when it becomes reached, not for each object.
    if (code !== 'SPOOL_RESERVE') {
      const calling = this.#request.peer.callingAETitle;
      this.#parts.log.error('storage.refused', { calling, code, error });
    }
    const errorComment = `not stored: ${code}`.slice(0, 64);
    return { status: StoreStatus.outOfResources, errorComment };
  }
}
