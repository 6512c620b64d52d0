/**
 * Passes performed procedure steps on to the RIS or PACS, as they came and in their order. PS3.4 §F.7.
 *
 *   due message ─► N-CREATE │ N-SET ─► sent │ refused │ tried again
 */
import { backoffMs } from '../../../shared/backoff.ts';
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { Peer } from '../../config.ts';
import { CommandField, DimseError } from '../../dimse/command-set.ts';
import { openAssociation, scuPeer } from '../../dimse/scu.ts';
import type { Forward, PerformedSteps } from './performed-steps.ts';
import { MPPS } from './service.ts';

const LOOK_MS = 1_000;
const RETRY_BACKOFF = { firstMs: 2_000, maxMs: 900_000 } as const;
const GIVE_UP_MS = 7 * 86_400_000;
/** Duplicate SOP instance: an earlier try was heard after all. PS3.7 C.5.7. */
const DUPLICATE = 0x0111;

export interface ForwarderParts {
  readonly steps: PerformedSteps;
  readonly peers: readonly Peer[];
  readonly ownAETitle: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Log;
}

export class StepForwarder {
  readonly #parts: ForwarderParts;
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: ForwarderParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#ending.abort();
    await this.#running;
  }

  #look(): void {
    this.#running ??= this.#forwardDue().finally(() => {
      this.#running = undefined;
    });
  }

  async #forwardDue(): Promise<void> {
    const { steps, now, log } = this.#parts;
    try {
      for (const forward of steps.dueForwards(now())) {
        if (this.#ending.signal.aborted) return;
        await this.#forward(forward);
      }
    } catch (error) {
      log.error('mpps.look-failed', { error });
    }
  }

  async #forward(forward: Forward): Promise<void> {
    const { steps, now, random, log } = this.#parts;
    const { sopInstanceUID, peer, tries, receivedAt } = forward;
    try {
      const status = await this.#send(forward);
      const isHeard = status === 0 || (status === DUPLICATE && tries > 0);
      const code = `STATUS_${status.toString(16).toUpperCase().padStart(4, '0')}`;
      steps.forwarded(forward, isHeard ? 'sent' : 'refused', isHeard ? null : code);
      if (!isHeard) log.warn('mpps.refused', { sopInstanceUID, peer, code });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (this.#ending.signal.aborted) return;
      const code = codeOf(error);
      if (now() - receivedAt > GIVE_UP_MS) steps.forwarded(forward, 'refused', code);
      else
        steps.forwardLater(forward, now() + backoffMs(tries, { ...RETRY_BACKOFF, random }), code);
      log.warn('mpps.not-forwarded', { sopInstanceUID, peer, code, tries });
    }
  }

  /** @returns the peer's status @throws UlError, DimseError */
  async #send(forward: Forward): Promise<number> {
    const { peers, ownAETitle } = this.#parts;
    const peer = peers.find(({ name }) => name === forward.peer);
    if (peer === undefined)
      throw new DimseError('ASSOCIATION_ENDED', `${forward.peer} is no peer any more`);
    const { transferSyntaxUID, sopInstanceUID, dataSet, kind } = forward;
    const association = await openAssociation({
      peer: scuPeer(peer, ownAETitle),
      contexts: [{ abstractSyntaxUID: MPPS, transferSyntaxUIDs: [transferSyntaxUID] }],
      signal: this.#ending.signal,
    });
    try {
      const { command } = await association.request(
        kind === 'create'
          ? {
              ...{ field: CommandField.nCreateRQ, sopClassUID: MPPS, dataSet },
              fields: { AffectedSOPClassUID: MPPS, AffectedSOPInstanceUID: sopInstanceUID },
            }
          : {
              ...{ field: CommandField.nSetRQ, sopClassUID: MPPS, dataSet },
              fields: { RequestedSOPClassUID: MPPS, RequestedSOPInstanceUID: sopInstanceUID },
            },
      );
      return command.number('Status') ?? 0;
    } finally {
      await association.release();
    }
  }
}
