/**
 * Asks a destination whether it holds what it acknowledged, and ends the delivery by the answer.
 *
 *   all there ─► delivered (partial, when some failed by name)
 *   some not ─► asked again for a while (a PACS may index late) ─► sent again ─► failed by name
 *
 * A destination that answers no C-FIND, or for minutes can't be asked, is believed its acknowledgements;
 * the reason says so.
 */
import { backoffMs } from '../../shared/backoff.ts';
import { GatewayError } from '../../shared/errors.ts';
import type { PassOptions, PassOutcome, PassParts } from './deliver-pass.ts';
import type { DeliveryState, Reason } from './delivery-queue.ts';
import type { Holding } from './destination.ts';

/** How often it is asked before something is sent again: about 15 s in all. */
const MAX_ASKS = 6;
const ASK_BACKOFF = { firstMs: 300, maxMs: 8_000 } as const;
/** How often, over some minutes, a destination that took everything is asked when it can't be. */
const MAX_FAILED_ASKS = 20;
const FAILED_ASK_BACKOFF = { firstMs: 500, maxMs: 30_000 } as const;
/** How often an object that is not there is sent again. */
const MAX_RESENDS = 2;

export async function verify(parts: PassParts, options: PassOptions): Promise<PassOutcome> {
  const { queue, index } = parts;
  const { deliveryId, studyInstanceUID, home } = options.delivery;
  const sent = queue.sent(deliveryId);
  if (sent.length === 0) return end(parts, options, null);
  const series = sent.map((uid) => index.findInstance(uid, home)?.seriesInstanceUID);
  const seriesInstanceUIDs = [...new Set(series.filter((uid) => uid !== undefined))];
  const study = { studyInstanceUID, seriesInstanceUIDs };
  const holding = await ask(parts, options, study);
  if (holding === undefined) return { kind: 'done' };
  if (holding.kind === 'unknown') {
    const detail = `acknowledged, but the destination answers no C-FIND (${holding.code})`;
    return end(parts, options, { code: 'NOT_VERIFIED', detail });
  }
  const missing =
    holding.kind === 'instances'
      ? sent.filter((uid) => !holding.sopInstanceUIDs.has(uid))
      : holding.instances >= sent.length
        ? []
        : sent;
  if (missing.length === 0) return end(parts, options, null);
  const there = holding.kind === 'instances' ? sent.length - missing.length : holding.instances;
  const detail = `the destination holds ${there} of ${sent.length} that it acknowledged`;
  return askAgainOrResend(parts, options, { missing, reason: { code: MISSING, detail } });
}

/** @returns undefined when it has to be asked again */
async function ask(
  { destinations, queue, now, random }: PassParts,
  { peer, signal, delivery, onAnswer }: PassOptions,
  study: Parameters<PassParts['destinations']['holding']>[1],
): Promise<Holding | undefined> {
  try {
    const holding = await destinations.holding(peer, study, signal);
    onAnswer({ bytes: 0, isWorking: true });
    return holding;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    const { deliveryId, verifyTries } = delivery;
    if (signal.aborted) return undefined;
    if (verifyTries + 1 >= MAX_FAILED_ASKS) return { kind: 'unknown', code: error.code };
    const wait = backoffMs(verifyTries, { ...FAILED_ASK_BACKOFF, random });
    const detail = `all is acknowledged; whether it is there can't be asked: ${error.message}`;
    queue.countVerify(deliveryId, now() + wait, { code: error.code, detail });
    return undefined;
  }
}

const MISSING = 'MISSING_AT_DESTINATION';

function askAgainOrResend(
  { queue, now, random }: PassParts,
  { delivery }: PassOptions,
  { missing, reason }: { missing: readonly string[]; reason: Reason },
): PassOutcome {
  const { deliveryId, verifyTries } = delivery;
  if (verifyTries + 1 < MAX_ASKS) {
    const wait = backoffMs(verifyTries, { ...ASK_BACKOFF, random });
    queue.countVerify(deliveryId, now() + wait, reason);
    return { kind: 'done' };
  }
  queue.inTransaction(() => {
    for (const sopInstanceUID of missing) {
      if (queue.resend(deliveryId, sopInstanceUID) > MAX_RESENDS)
        queue.markFailed(deliveryId, sopInstanceUID, {
          code: MISSING,
          detail: 'acknowledged, and sent again, but not there when asked',
        });
    }
    const isWanted = queue.wanted(deliveryId).length > 0;
    queue.setState(deliveryId, isWanted ? 'waiting' : 'verifying', now());
  });
  return { kind: 'done' };
}

function end({ queue, now }: PassParts, options: PassOptions, reason: Reason | null): PassOutcome {
  const { deliveryId } = options.delivery;
  const { state, reason: why } = outcomeOf(queue.progress(deliveryId));
  queue.end(deliveryId, state, { reason: why ?? reason, now: now() });
  return { kind: 'done' };
}

/** How a delivery ends of which nothing is wanted any more. */
export function outcomeOf(progress: { instances: number; failed: number }): {
  state: DeliveryState;
  reason: Reason | null;
} {
  const { instances, failed } = progress;
  if (failed === 0) return { state: 'delivered', reason: null };
  const detail = `${instances - failed} of ${instances} delivered; the others are named`;
  if (failed < instances) return { state: 'partial', reason: { code: 'PARTIAL', detail } };
  return { state: 'failed', reason: { code: 'NOTHING_DELIVERED', detail } };
}
