/**
 * Whether each PACS answers: C-ECHO, and a C-FIND for a study that nobody has, with how long they take.
 * PS3.4 Annexes A and C.
 *
 *   every minute ─► association ─► echo ─► find ─► PacsHealth
 *
 * Asks for one made-up UID, so that no PACS has to search, and no patient is named.
 */
import { sleep } from '../../shared/backoff.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { PacsHealth, PacsProbe } from '../../shared/contract/health.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Peer } from '../config.ts';
import { encodeIdentifier } from '../dimse/identifier.ts';
import { VERIFICATION_SOP_CLASS } from '../dimse/negotiate.ts';
import { openAssociation, scuPeer } from '../dimse/scu.ts';
import type { ScuAssociation } from '../dimse/scu-association.ts';

const EVERY_MS = 60_000;
const RESPONSE_MS = 15_000;
const KEPT = 20;
const FIND_CLASSES = ['1.2.840.10008.5.1.4.1.2.2.1', '1.2.840.10008.5.1.4.1.2.1.1'] as const;
const SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** Derived from a UUID, PS3.5 §B.2; of nothing. */
const NO_STUDY = '2.25.322460385217061264951482083264617362917';

interface Record {
  readonly times: readonly number[];
  readonly failures: number;
  readonly at: number;
  readonly reason: string | null;
}

export interface PacsProbeOptions {
  readonly peers: readonly Peer[];
  readonly ownAETitle: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class PacsProbes {
  readonly #options: PacsProbeOptions;
  readonly #records = new Map<string, Record>();
  readonly #ending = new AbortController();
  #running: readonly Promise<void>[] = [];

  constructor(options: PacsProbeOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = this.#options.peers.map((peer) => this.#watch(peer));
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#running);
  }

  current(): PacsHealth[] {
    return this.#options.peers.map(({ name }) => ({
      peer: name,
      echo: this.#shown(`${name} echo`),
      find: this.#shown(`${name} find`),
    }));
  }

  async #watch(peer: Peer): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      await this.#probe(peer).catch((error: unknown) => {
        this.#options.log.error('program.bug', { where: 'health/pacs-probe', error });
      });
      await sleep(EVERY_MS, signal);
    }
  }

  async #probe(peer: Peer): Promise<void> {
    const { ownAETitle } = this.#options;
    const { signal } = this.#ending;
    let association: ScuAssociation | undefined;
    await this.#timed(`${peer.name} echo`, async () => {
      association = await openAssociation({
        ...{ peer: scuPeer(peer, ownAETitle), signal, responseMs: RESPONSE_MS },
        contexts: [VERIFICATION_SOP_CLASS, ...FIND_CLASSES].map((abstractSyntaxUID) => ({
          abstractSyntaxUID,
          transferSyntaxUIDs: SYNTAXES,
        })),
      });
      return refused(await association.echo());
    });
    const open = association;
    if (open === undefined) return;
    await this.#timed(`${peer.name} find`, () => findNothing(open));
    await open.release().catch(() => {});
  }

  /** @param step resolves with why it failed; null: it did not */
  async #timed(key: string, step: () => Promise<string | null>): Promise<void> {
    const { clock } = this.#options;
    const before = this.#records.get(key) ?? { times: [], failures: 0 };
    const begun = clock.monotonicMs();
    let reason: string | null;
    try {
      reason = await step();
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      reason = codeOf(error);
    }
    if (this.#ending.signal.aborted) return;
    const took = Math.round(clock.monotonicMs() - begun);
    const times = reason === null ? [...before.times, took].slice(-KEPT) : before.times;
    const failures = reason === null ? 0 : before.failures + 1;
    this.#records.set(key, { times, failures, at: clock.now(), reason });
  }

  #shown(key: string): PacsProbe | null {
    const record = this.#records.get(key);
    if (record === undefined) return null;
    const { times, failures, at, reason } = record;
    const slowest = times.toSorted((a, b) => b - a);
    const p95Ms = slowest[Math.floor(slowest.length * 0.05)] ?? null;
    return { ok: reason === null, p95Ms, failures, at: rfc3339(at), reason };
  }
}

async function findNothing(association: ScuAssociation): Promise<string | null> {
  const sopClassUID = FIND_CLASSES.find((uid) => association.contextFor(uid) !== undefined);
  if (sopClassUID === undefined) return 'FIND_NOT_ACCEPTED';
  const { transferSyntaxUID = '' } = association.contextFor(sopClassUID) ?? {};
  const identifier = encodeIdentifier(transferSyntaxUID, [
    { tag: 0x0008_0052, vr: 'CS', value: 'STUDY' },
    { tag: 0x0020_000d, vr: 'UI', value: NO_STUDY },
  ]);
  return refused((await association.find(sopClassUID, identifier)).status);
}

const refused = (status: number): string | null =>
  status === 0 ? null : `STATUS_${status.toString(16).padStart(4, '0').toUpperCase()}`;
