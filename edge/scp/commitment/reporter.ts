/**
 * Tells the results of storage commitment, by N-EVENT-REPORT over the asker's association while it is open,
 * else over one of our own, for as long as it takes: a scanner that is not told keeps its disk full. PS3.4 §J.3.3.
 *
 *   due commitment ─► each instance: indexed, its file whole? ─► event 1 or 2 ─► told │ tried again later
 */
import { statSync } from 'node:fs';
import { backoffMs } from '../../../shared/backoff.ts';
import { type Entry, writeSmallDataSet } from '../../../shared/dicom/small-data-set.ts';
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import type { Peer } from '../../config.ts';
import { CommandField, type CommandFields, DimseError } from '../../dimse/command-set.ts';
import { openAssociation, scuPeer } from '../../dimse/scu.ts';
import type { EdgeIndex } from '../../index/edge-index.ts';
import type { Spool } from '../../spool/spool.ts';
import type { Commitment, Commitments, CommittedInstance } from './commitments.ts';
import type { OpenAskers } from './open-askers.ts';
import {
  CommitmentEvent,
  CommitmentTag,
  FailureReason,
  STORAGE_COMMITMENT,
  STORAGE_COMMITMENT_INSTANCE,
} from './push-model.ts';

const LOOK_MS = 1_000;
const RETRY_BACKOFF = { firstMs: 5_000, maxMs: 3_600_000 } as const;
const GIVE_UP_MS = 7 * 86_400_000;
/** Explicit first; a scanner may take implicit only. */
export const REPORT_SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];

export interface ReporterParts {
  readonly commitments: Commitments;
  readonly askers: OpenAskers;
  readonly index: Pick<EdgeIndex, 'findInstance' | 'trust'>;
  readonly spool: Pick<Spool, 'absolute'>;
  readonly peers: readonly Peer[];
  readonly ownAETitle: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Log;
  /** For tests; default seconds to an hour. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

export class CommitmentReporter {
  readonly #parts: ReporterParts;
  readonly #ending = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: ReporterParts) {
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
    this.#running ??= this.#tellDue().finally(() => {
      this.#running = undefined;
    });
  }

  async #tellDue(): Promise<void> {
    const { commitments, now, log } = this.#parts;
    try {
      for (const commitment of commitments.due(now())) {
        if (this.#ending.signal.aborted) return;
        await this.#tell(commitment);
      }
    } catch (error) {
      log.error('commitment.look-failed', { error });
    }
  }

  async #tell(commitment: Commitment): Promise<void> {
    const { commitments, now, random, log, backoff = RETRY_BACKOFF } = this.#parts;
    const { transactionUID, callingAETitle, requestedAt, tries } = commitment;
    try {
      const failed = await this.#report(commitment);
      commitments.told(commitment, failed, now());
      const instances = commitment.instances.length;
      log.info('commitment.told', { transactionUID, peer: callingAETitle, instances, failed });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (this.#ending.signal.aborted) return;
      const code = codeOf(error);
      if (now() - requestedAt > GIVE_UP_MS) commitments.giveUp(commitment, code, now());
      else commitments.later(commitment, now() + backoffMs(tries, { ...backoff, random }), code);
      log.warn('commitment.not-told', { transactionUID, peer: callingAETitle, code, tries });
    }
  }

  /** @returns how many instances are not committed @throws UlError, DimseError */
  async #report(commitment: Commitment): Promise<number> {
    const failures = commitment.instances
      .map((instance) => this.#failureOf(instance))
      .filter((failure) => failure !== undefined);
    const fields = {
      CommandField: CommandField.nEventReportRQ,
      AffectedSOPClassUID: STORAGE_COMMITMENT,
      AffectedSOPInstanceUID: STORAGE_COMMITMENT_INSTANCE,
      EventTypeID:
        failures.length === 0 ? CommitmentEvent.successful : CommitmentEvent.failuresExist,
    };
    const entries = this.#result(commitment, failures);
    const isTold =
      (await this.#tellAsker(commitment, fields, entries)) ||
      (await this.#callPeer(commitment, fields, entries));
    if (!isTold) throw new DimseError('RESPONSE_MALFORMED', 'the peer refused the result');
    return failures.length;
  }

  #result({ transactionUID, instances }: Commitment, failures: readonly Failure[]): Entry[] {
    const failed = new Set(failures.map(([[, uid]]) => uid));
    const committed = instances.filter(([, uid]) => !failed.has(uid)).map(referenceTo);
    return [
      [CommitmentTag.TransactionUID, transactionUID],
      [CommitmentTag.RetrieveAETitle, this.#parts.ownAETitle],
      [CommitmentTag.ReferencedSOPSequence, committed],
      ...(failures.length === 0 ? [] : [failedSequence(failures)]),
    ];
  }

  /** Over the association on which it was asked. @returns false when that is over, or the peer does not answer there */
  async #tellAsker(
    commitment: Commitment,
    fields: CommandFields,
    entries: readonly Entry[],
  ): Promise<boolean> {
    const asker = this.#parts.askers.take(commitment);
    if (asker === undefined) return false;
    try {
      const { ask, transferSyntaxUID } = asker;
      return (await ask(fields, writeSmallDataSet(transferSyntaxUID, entries))) === 0;
    } catch (error) {
      if (!(error instanceof DimseError)) throw error;
      return false;
    }
  }

  /** Over an association of ours. @returns false when the peer refuses it @throws UlError, DimseError */
  async #callPeer(
    { callingAETitle }: Commitment,
    fields: CommandFields,
    entries: readonly Entry[],
  ): Promise<boolean> {
    const { peers, ownAETitle } = this.#parts;
    const peer = peers.find(({ aeTitle }) => aeTitle === callingAETitle);
    if (peer === undefined)
      throw new DimseError('ASSOCIATION_ENDED', `${callingAETitle} is no peer any more`);
    const association = await openAssociation({
      peer: scuPeer(peer, ownAETitle),
      contexts: [
        {
          ...{ abstractSyntaxUID: STORAGE_COMMITMENT, transferSyntaxUIDs: REPORT_SYNTAXES },
          roles: { scu: false, scp: true },
        },
      ],
      signal: this.#ending.signal,
    });
    try {
      const context = association.contextFor(STORAGE_COMMITMENT);
      if (context === undefined)
        throw new DimseError('CONTEXT_NOT_ACCEPTED', 'the peer takes no results of commitment');
      const { command } = await association.request({
        ...{ field: CommandField.nEventReportRQ, sopClassUID: STORAGE_COMMITMENT, fields },
        dataSet: writeSmallDataSet(context.transferSyntaxUID, entries),
      });
      return command.number('Status') === 0;
    } finally {
      await association.release();
    }
  }

  /** Undefined: it is on the disk, whole. */
  #failureOf(instance: CommittedInstance): Failure | undefined {
    const { index, spool } = this.#parts;
    const [sopClassUID, sopInstanceUID] = instance;
    const stored = index.findInstance(sopInstanceUID, index.trust);
    if (stored === undefined) return [instance, FailureReason.noSuchObjectInstance];
    if (sopClassUID !== '' && stored.sopClassUID !== sopClassUID)
      return [instance, FailureReason.classInstanceConflict];
    const size = statSync(spool.absolute(stored.path), { throwIfNoEntry: false })?.size;
    return size === stored.dataSetOffset + stored.dataSetBytes
      ? undefined
      : [instance, FailureReason.noSuchObjectInstance];
  }
}

type Failure = readonly [instance: CommittedInstance, reason: number];

const referenceTo = ([sopClassUID, sopInstanceUID]: CommittedInstance): Entry[] => [
  [CommitmentTag.ReferencedSOPClassUID, sopClassUID],
  [CommitmentTag.ReferencedSOPInstanceUID, sopInstanceUID],
];

const failedSequence = (failures: readonly Failure[]): Entry => [
  CommitmentTag.FailedSOPSequence,
  failures.map(([instance, reason]): Entry[] => [
    ...referenceTo(instance),
    [CommitmentTag.FailureReason, reason],
  ]),
];
