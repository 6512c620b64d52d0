/** An acceptor whose user echoes what it gets, and a requestor that talks to it. */
import type { EdgeConfig } from '../../../../edge/config.ts';
import { parseEdgeConfig } from '../../../../edge/config.ts';
import { type Acceptor, startAcceptor } from '../../../../edge/ul/acceptor.ts';
import type {
  Association,
  AssociationEnd,
  AssociationUser,
  Pdv,
} from '../../../../edge/ul/association.ts';
import { type RequestOptions, requestAssociation } from '../../../../edge/ul/requestor.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';

export const VERIFICATION = '1.2.840.10008.1.1';
export const IMPLICIT = '1.2.840.10008.1.2';

export interface EchoAcceptor extends Acceptor {
  /** How associations ended, in order. */
  readonly ends: AssociationEnd[];
}

export async function startEcho(
  dicom: Partial<EdgeConfig['dicom']> = {},
  over: {
    knownCallers?: ReadonlySet<string>;
    onData?: (pdv: Pdv) => Promise<void> | undefined;
    isAtWork?: boolean;
  } = {},
): Promise<EchoAcceptor> {
  const config = parseEdgeConfig({
    trust: 'RRK',
    dataDirectory: '/nowhere',
    dicom: { port: 0, ...dicom },
  });
  const ends: AssociationEnd[] = [];
  const acceptor = await startAcceptor({
    config: config.dicom,
    knownCallers: over.knownCallers ?? new Set(),
    negotiate: ({ abstractSyntaxUID }) =>
      abstractSyntaxUID === VERIFICATION
        ? { result: 'accept', transferSyntaxUID: IMPLICIT }
        : { result: 'abstract-syntax-not-supported' },
    open: (association) => ({
      isAtWork: over.isAtWork ?? false,
      onData: (pdv) => over.onData?.(pdv) ?? association.write([pdv]),
      onRelease: () => Promise.resolve(),
      onEnd: (end) => void ends.push(end),
    }),
    log: silentLog,
    metrics: openMetrics({}),
  });
  return Object.assign(acceptor, { ends });
}

/** What a requestor has received, and how it ended. */
export class Collector implements AssociationUser {
  readonly pieces: Buffer[] = [];
  end: AssociationEnd | undefined;
  #wake: (() => void) | undefined;

  onData({ bytes }: Pdv): undefined {
    this.pieces.push(Buffer.from(bytes));
    this.#wake?.();
  }

  async onRelease(): Promise<void> {}

  onEnd(end: AssociationEnd): void {
    this.end = end;
    this.#wake?.();
  }

  /** Until so many bytes have come, or the association has ended. */
  async until(bytes: number): Promise<Buffer> {
    for (;;) {
      const all = Buffer.concat(this.pieces);
      if (all.length >= bytes || this.end !== undefined) return all;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

export function request(
  port: number,
  user: AssociationUser,
  over: Partial<RequestOptions> = {},
): Promise<Association> {
  return requestAssociation({
    host: '127.0.0.1',
    port,
    calledAETitle: 'CDIP_RRK',
    callingAETitle: 'TESTS',
    contexts: [
      { id: 1, abstractSyntaxUID: VERIFICATION, transferSyntaxUIDs: [IMPLICIT] },
      { id: 3, abstractSyntaxUID: '1.2.3.4', transferSyntaxUIDs: [IMPLICIT] },
    ],
    propose: { maxPduBytes: 131_072 },
    connectMs: 2_000,
    artimMs: 2_000,
    user,
    ...over,
  });
}
