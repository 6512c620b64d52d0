/** Writes what was decided of alerts, and waits until it stands in the rows. */
import { randomUUID } from 'node:crypto';
import { hubSubject } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import { within } from '../fetch/in-time.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Alert, Maintenance } from './decisions.ts';

/** It is in the log; rows that are behind are not waited for longer. */
const APPLY_MS = 5_000;

export interface AlertLogOptions {
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly untilDecided: (streamSeq: number) => Promise<void>;
}

export class AlertLog {
  readonly #options: AlertLogOptions;

  constructor(options: AlertLogOptions) {
    this.#options = options;
  }

  /**
   * @param expectedLastSeq of the decision that this one follows; 0: it is the first
   * @returns false: another hub, or somebody, was quicker, and nothing is written
   * @throws LogError `LOG_UNAVAILABLE`
   */
  put(alert: Alert, expectedLastSeq: number): Promise<boolean> {
    return this.#append(hubSubject('alert', alert.id), { v: 1, alert }, expectedLastSeq);
  }

  /** As {@link put}. */
  putMaintenance(maintenance: Maintenance, expectedLastSeq: number): Promise<boolean> {
    const subject = hubSubject('maintenance', maintenance.id);
    return this.#append(subject, { v: 1, maintenance }, expectedLastSeq);
  }

  async #append(subject: string, body: object, expectedLastSeq: number): Promise<boolean> {
    const { networkLog, untilDecided } = this.#options;
    try {
      const options = { expectedLastSeq, messageId: randomUUID() };
      const streamSeq = await networkLog.append(subject, body, options);
      await within(APPLY_MS, untilDecided(streamSeq));
      return true;
    } catch (error) {
      if (codeOf(error) === 'LOG_CONFLICT') return false;
      throw error;
    }
  }
}
