/**
 * Reports go where copies of their study go, and follow what becomes of them: a correction or withdrawal where a
 * report was written reaches every trust that was given it.
 *
 *   copy, fetch, report changed ─► reports in force of the study ─► who has not this version ─► command
 *                                                       decision in the log ◄─ sent
 *
 * Compares what is with what was sent, so that a restart, a rebuilt view or a second hub sends nothing twice.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { CopiedReport } from '../../shared/contract/commands.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Change } from '../projection/change.ts';
import { findStudy } from '../search/study.ts';
import {
  copiedStudies,
  copiedVersion,
  copyKey,
  holdersOfCopies,
  homesOfCopies,
  type ReportCopy,
  studiesOfReport,
  studyOfFetch,
} from './copied.ts';
import { reportsFor } from './of-study.ts';
import type { ReportView } from './reports.ts';

/** All copies are looked at so often, beside when something changes: who is the same person may be told late. */
const LOOK_EVERY_MS = 600_000;

export interface ReportCopiesOptions {
  readonly db: Sqlite;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly untilDecided: (streamSeq: number) => Promise<void>;
  readonly onChange: (listener: (change: Change) => void) => () => void;
  readonly trustName: (ods: string) => string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Study {
  readonly studyInstanceUID: string;
  readonly home: string;
}

export class ReportCopies {
  readonly #options: ReportCopiesOptions;
  /** Studies that are to be looked at, each once. */
  readonly #waiting = new Map<string, Study>();
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: () => void = () => {};
  #isStopped = false;

  constructor(options: ReportCopiesOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopListening = this.#options.onChange((change) => this.#changed(change));
    this.#timer = setInterval(() => this.#lookAtAll(), LOOK_EVERY_MS);
    this.#timer.unref();
    this.#lookAtAll();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#stopListening();
    await this.#running;
  }

  #lookAtAll(): void {
    for (const study of copiedStudies(this.#options.db)) this.#want(study);
  }

  #changed(change: Change): void {
    const { db } = this.#options;
    if (change.kind === 'record' && change.reportId !== undefined)
      for (const study of studiesOfReport(db, change.trust, change.reportId)) this.#want(study);
    if (change.kind === 'study')
      for (const home of homesOfCopies(db, change.studyInstanceUID))
        this.#want({ studyInstanceUID: change.studyInstanceUID, home });
    const fetched = change.kind === 'fetch' ? studyOfFetch(db, change.fetchId) : undefined;
    if (fetched !== undefined) this.#want(fetched);
  }

  #want(study: Study): void {
    this.#waiting.set(`${study.studyInstanceUID} ${study.home}`, study);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async #run(): Promise<void> {
    // Others have their turn first: a transaction's changes come one by one.
    await new Promise((resolve) => setImmediate(resolve));
    for (const [key, study] of this.#waiting) {
      if (this.#isStopped) return;
      this.#waiting.delete(key);
      try {
        await this.follow(study);
      } catch (error) {
        // The next change, or look at all, brings it here again.
        const { studyInstanceUID } = study;
        this.#options.log.warn('report.copy-failed', { studyInstanceUID, code: codeOf(error) });
      }
    }
  }

  /** Sends what holders of copies have not of the study's reports. @throws LogError */
  async follow({ studyInstanceUID, home }: Study): Promise<void> {
    const { db } = this.#options;
    const study = findStudy(db, studyInstanceUID).find((one) => one.home === home);
    if (study === undefined) return;
    const holders = holdersOfCopies(db, { studyInstanceUID, home });
    if (holders.length === 0) return;
    for (const report of reportsFor(db, study))
      for (const to of holders)
        if (to !== report.trust) await this.#send(report, { to, studyInstanceUID, home });
  }

  async #send(report: ReportView, where: Study & { readonly to: string }): Promise<void> {
    const { db, networkLog, untilDecided, clock } = this.#options;
    const { trust, reportId, version } = report;
    const copy: ReportCopy = { v: 1, ...where, trust, reportId, version };
    const key = copyKey(copy);
    const before = copiedVersion(db, key);
    if (before?.version === version) return;
    const { to, studyInstanceUID, home } = where;
    await networkLog.sendCommand(to, {
      ...{ v: 1, id: `report-${key}-${version}`, at: rfc3339(clock.now()) },
      ...{ kind: 'report', studyInstanceUID, home, report: this.#copied(report) },
    });
    try {
      const expectedLastSeq = before?.streamSeq ?? 0;
      await untilDecided(
        await networkLog.append(hubSubject('report-copy', key), copy, { expectedLastSeq }),
      );
    } catch (error) {
      // Another hub was quicker: the command is one and the same.
      if (codeOf(error) !== 'LOG_CONFLICT') throw error;
    }
  }

  #copied({ document, earlier: _e, ...report }: ReportView): CopiedReport {
    const { trust, reportId, version, status, issuedAt, title, author, text, isCut } = report;
    return {
      ...{ trust, trustName: this.#options.trustName(trust), reportId, version, status, issuedAt },
      ...{ title, author, text, isCut, hasDocument: document !== null },
    };
  }
}
