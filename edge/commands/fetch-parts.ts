/** What a fetch is carried out with. */
import type { BackoffOptions } from '../../shared/backoff.ts';
import type { TicketReply } from '../../shared/contract/rpc.ts';
import type { Log } from '../../shared/log.ts';
import type { Turns } from '../../shared/turns.ts';
import type { Peer } from '../config.ts';
import type { Deliverer } from '../deliver/deliverer.ts';
import type { DeliveryQueue } from '../deliver/delivery-queue.ts';
import type { InstanceAttributes } from '../index/attributes.ts';
import type { EdgeIndex } from '../index/edge-index.ts';
import type { Spool } from '../spool/spool.ts';
import type { LaneChoices } from '../transfer/lanes.ts';
import type { Line } from '../transfer/line.ts';
import type { SourceClient } from '../transfer/source-client.ts';
import type { BroughtCounters } from './brought-counters.ts';
import type { Coercing } from './coercing.ts';
import type { FetchStore } from './fetch-store.ts';
import type { Pace } from './pace.ts';

/** Reading of objects; edge/scp/object-reading.ts has all of it. */
export interface CopyReading {
  openReader(transferSyntaxUID: string): {
    write(chunk: Buffer): Promise<void> | undefined;
    end(): InstanceAttributes | Promise<InstanceAttributes>;
    abort(): void;
  };
  fileHead(identity: {
    readonly sopClassUID: string;
    readonly sopInstanceUID: string;
    readonly transferSyntaxUID: string;
  }): Buffer;
}

export interface FetchOptions {
  /** The edge's own ODS code. */
  readonly trust: string;
  readonly patientIds: {
    readonly namespace: string;
    readonly oid?: string | undefined;
    readonly unmatched: 'hold' | 'foreign';
  };
  readonly peers: readonly Peer[];
  readonly store: FetchStore;
  readonly index: EdgeIndex;
  readonly spool: Spool;
  readonly client: Pick<SourceClient, 'manifest' | 'instances' | 'release'>;
  readonly reading: CopyReading;
  readonly deliverer: Pick<Deliverer, 'add' | 'wake' | 'cancel'>;
  readonly deliveries: Pick<DeliveryQueue, 'find' | 'progress'>;
  /** A fresh ticket from the hub. @throws GatewayError when no hub answers */
  readonly requestTicket: (fetchId: string) => Promise<TicketReply>;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Log;
  readonly counters: BroughtCounters;
  /** What the line may carry now. */
  readonly line: Line;
  /** Waits between tries; tests shorten them. */
  readonly backoff?: Omit<BackoffOptions, 'random'>;
  /** Default: edge/coerce. */
  readonly coercing?: Coercing;
}

export interface FetchParts extends FetchOptions {
  readonly coercing: Coercing;
  readonly pace: Pace;
  readonly lanes: LaneChoices;
  /** Whose turn it is on the line. */
  readonly turns: Turns;
}
