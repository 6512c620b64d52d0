/**
 * Once a day the ends of the two audit trails go over: ours to the hub, the hub's here. shared/audit/anchors.ts.
 *
 *   our end, what we keep of the hub's ─► rpc anchors ─► the hub's end, kept here; what it keeps of ours, compared
 */
import { compareAnchors, HUB_TRAIL, keepAnchor, keptAnchors } from '../../shared/audit/anchors.ts';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import { sleep } from '../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { AnchorsReply, AnchorsRequest } from '../../shared/contract/rpc.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';

const LOOK_MS = 600_000;

export interface AnchorKeeperOptions {
  readonly audit: AuditTrail;
  readonly ask: (request: AnchorsRequest) => Promise<AnchorsReply>;
  readonly clock: Clock;
  readonly log: Log;
}

export class AnchorKeeper {
  readonly #options: AnchorKeeperOptions;

  constructor(options: AnchorKeeperOptions) {
    this.#options = options;
  }

  /** At once, and each day as long as there is a connection. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    let done: string | undefined;
    while (!signal.aborted) {
      const today = dayOf(rfc3339(clock.now()));
      try {
        if (done !== today) await this.exchange();
        done = today;
      } catch (error) {
        if (!signal.aborted)
          log.warn('uplink.step-failed', { what: 'anchors', code: codeOf(error) });
      }
      await sleep(LOOK_MS, signal);
    }
  }

  /** An edge that connects often keeps one a day all the same. @throws UplinkError */
  async exchange(): Promise<void> {
    const { audit, ask, clock, log } = this.#options;
    const { seq, digest } = audit.head();
    const own = seq === 0 ? null : { seq, digest, at: rfc3339(clock.now()) };
    const before = keptAnchors(audit, HUB_TRAIL);
    const reply = await ask({ own, kept: before });
    if ('error' in reply) {
      log.warn('uplink.step-failed', { what: 'anchors', code: reply.error.code });
      return;
    }
    const differing = compareAnchors(audit, HUB_TRAIL, reply.kept);
    const [first] = differing;
    if (first !== undefined)
      log.error('audit.differs', { trust: HUB_TRAIL, seq: first, rows: differing.length });
    if (reply.own !== null && dayOf(before[0]?.at) !== dayOf(reply.own.at))
      keepAnchor(audit, HUB_TRAIL, reply.own);
  }
}

const dayOf = (time: string | undefined): string | undefined => time?.slice(0, 10);
