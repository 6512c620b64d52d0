/**
 * Cross-site scheduling, put together.
 *
 *   capacity ─► diaries        requests ─► slots ─► bookings ─► settling: holds end, old bookings are freed
 */

import type { Clock } from '../../shared/clock.ts';
import type { Log } from '../../shared/log.ts';
import type { Principal } from '../access/rules.ts';
import type { TrustConfig } from '../config.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import { applyDiary, applyRefill, applyRequest, applyResource } from './apply.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { Bookings } from './bookings.ts';
import { Capacity } from './capacity.ts';
import { DecisionWriter } from './decision-writer.ts';
import { Requests } from './requests.ts';
import { type SearchAnswer, type SlotSearch, searchSlots, type TravelTimes } from './search.ts';
import { Settling } from './settling.ts';

export interface SchedulingOptions {
  readonly trusts: readonly TrustConfig[];
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'onChange'
  >;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  /** Null: nobody can say how long people travel. */
  readonly travel: TravelTimes | null;
  readonly clock: Clock;
  readonly log: Log;
}

export class Scheduling {
  readonly capacity: Capacity;
  readonly requests: Requests;
  readonly bookings: Bookings;
  readonly #settling: Settling;
  readonly #options: SchedulingOptions;

  /** Before the projection starts. */
  constructor(options: SchedulingOptions) {
    const { projection, trusts, networkLog, clock, log } = options;
    this.#options = options;
    projection.registerHubAggregate('resource', applyResource);
    projection.registerHubAggregate('diary', applyDiary);
    projection.registerHubAggregate('request', applyRequest);
    projection.registerHubAggregate('refill', applyRefill);
    const parts: SchedulingParts = {
      ...{ db: projection.db, trusts, networkLog, clock, log },
      writer: new DecisionWriter({ networkLog, projection, clock }),
      onChange: (listener) => projection.onChange(listener),
    };
    this.capacity = new Capacity(parts);
    this.requests = new Requests(parts);
    this.bookings = new Bookings(parts);
    this.#settling = new Settling(parts, this.bookings);
  }

  start(): void {
    this.#settling.start();
  }

  async stop(): Promise<void> {
    await this.#settling.stop();
  }

  /** @throws SchedulingError `EXAMINATION_UNKNOWN` */
  search(search: SlotSearch, by: Principal): SearchAnswer {
    return searchSlots({ ...this.#options, db: this.#options.projection.db }, search, by);
  }

  /** A request that is cancelled gives its booking back. */
  async cancelRequest(requestId: string, by: Principal, reason: string) {
    const request = await this.requests.cancel(requestId, by, reason);
    await this.bookings.endAllOf(requestId, { reason, by: by.name });
    return request;
  }
}
