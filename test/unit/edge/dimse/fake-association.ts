/** An association in memory, for the performing side: keeps what is written, and says how it was aborted. */
import { type CommandSet, decodeCommand } from '../../../../edge/dimse/command-set.ts';
import type {
  AbortReason,
  AcceptedContext,
  Association,
  Pdv,
} from '../../../../edge/ul/association.ts';

const context = (id: number, abstractSyntaxUID: string): [number, AcceptedContext] => [
  id,
  { id, abstractSyntaxUID, transferSyntaxUID: '1.2.840.10008.1.2.1' },
];

export class FakeAssociation implements Association {
  readonly peer = {
    ...{ associationId: 'a1', callingAETitle: 'CT1', calledAETitle: 'CDIP_RRK' },
    ...{ host: '127.0.0.1', tls: false },
  };
  readonly contexts = new Map([
    context(1, '1.2.840.10008.1.1'),
    context(3, '1.2.840.10008.5.1.4.1.1.2'),
  ]);
  maxPdvBytes = 16_378;
  window = 1;
  readonly written: Pdv[] = [];
  readonly aborts: (AbortReason | undefined)[] = [];
  /** What `write` returns. */
  drained: Promise<void> | undefined;

  write(pdvs: readonly Pdv[]): Promise<void> | undefined {
    this.written.push(...pdvs);
    return this.drained;
  }

  async release(): Promise<void> {}

  abort(reason?: AbortReason): void {
    this.aborts.push(reason);
  }

  /** The responses so far. */
  responses(): CommandSet[] {
    const whole: CommandSet[] = [];
    let pieces: Buffer[] = [];
    for (const { isLast, bytes } of this.written) {
      pieces.push(bytes);
      if (!isLast) continue;
      whole.push(decodeCommand(Buffer.concat(pieces)));
      pieces = [];
    }
    return whole;
  }
}
