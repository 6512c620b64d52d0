/**
 * Copies follow their home: when a home has told of more objects of a study, those who hold a copy get them.
 *
 *   the home's row changed, and is quiet ─► copies that differ ─► the order that brought each ─► the same order again
 *
 * The edge brings only what it has not. A copy that nobody ordered, or that was ordered in part and has its
 * part, is left alone.
 */

import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import type { Change } from '../projection/change.ts';
import { findHolders, type Holder } from '../search/study.ts';
import type { FetchOrder } from './decisions.ts';
import type { FetchRequest } from './order.ts';
import { FetchRows, stateOf } from './rows.ts';

/** Orders of a study that are looked through for the one that brought a copy. */
const LOOK_AT = 100;
const REMEMBERED = 10_000;
const BY: Principal = { name: 'cdip: copies follow their home', role: 'admin', trust: null };

export interface TopUpOptions {
  readonly db: Sqlite;
  readonly fetches: { request(request: FetchRequest, by: Principal): Promise<unknown> };
  readonly onChange: (listener: (change: Change) => void) => () => void;
  readonly log: Log;
}

export class TopUp {
  readonly #options: TopUpOptions;
  readonly #rows: FetchRows;
  /** By study, home and holder: what the home held when the copy was ordered again. */
  readonly #ordered = new Map<string, string>();
  #stop: () => void = () => {};

  constructor(options: TopUpOptions) {
    this.#options = options;
    this.#rows = new FetchRows(options.db);
  }

  start(): void {
    this.#stop = this.#options.onChange((change) => {
      if (change.kind === 'study') void this.follow(change.trust, change.studyInstanceUID);
    });
  }

  stop(): void {
    this.#stop();
  }

  /** Orders what copies of the home's study lack. Never rejects. */
  async follow(home: string, studyInstanceUID: string): Promise<void> {
    const { db, fetches, log } = this.#options;
    const holders = findHolders(db, studyInstanceUID);
    const own = holders.find((holder) => holder.trust === home && holder.home === home);
    if (own?.quiet !== true) return;
    for (const copy of holders) {
      const request = this.#requestFor(studyInstanceUID, own, copy);
      if (request === undefined) continue;
      try {
        await fetches.request(request, BY);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        // The home's next change, or digest, brings it here again.
        this.#ordered.delete(keyOf(studyInstanceUID, copy));
        log.warn('fetch.top-up-failed', { studyInstanceUID, to: copy.trust, code: codeOf(error) });
      }
    }
  }

  #requestFor(studyInstanceUID: string, own: Holder, copy: Holder): FetchRequest | undefined {
    if (copy.home !== own.home || copy.trust === own.trust) return undefined;
    if (copy.setHash === own.setHash) return undefined;
    const key = keyOf(studyInstanceUID, copy);
    if (this.#ordered.get(key) === own.setHash) return undefined;
    const order = this.#orderOf(studyInstanceUID, copy);
    if (order === undefined) return undefined;
    if (this.#ordered.size >= REMEMBERED) this.#ordered.clear();
    this.#ordered.set(key, own.setHash);
    return {
      ...{ studyInstanceUID, home: own.home, priority: 'scheduled', purpose: order.purpose },
      reason: 'the home has told of more objects',
      to: { trust: copy.trust, ...(order.to.peer === null ? {} : { peer: order.to.peer }) },
      deliver: order.deliver,
      ...(order.seriesInstanceUIDs === null
        ? {}
        : { seriesInstanceUIDs: order.seriesInstanceUIDs }),
      ...(order.localPatient === null ? {} : { localPatient: order.localPatient }),
    };
  }

  /** The newest that brought the copy. */
  #orderOf(studyInstanceUID: string, copy: Holder): FetchOrder | undefined {
    const page = { limit: LOOK_AT, offset: 0 };
    const { records } = this.#rows.list({ studyInstanceUID, trust: copy.trust }, page);
    return records.find(
      (record) =>
        record.order.to.trust === copy.trust &&
        record.order.home === copy.home &&
        /^(available|partial)$/.test(stateOf(record)),
    )?.order;
  }
}

const keyOf = (studyInstanceUID: string, { trust, home }: Holder): string =>
  `${studyInstanceUID} ${home} ${trust}`;
