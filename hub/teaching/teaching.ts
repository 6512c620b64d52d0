/**
 * Teaching files: marked and withdrawn by people, told to the home of the study until it has done what it was told.
 *
 *   mark ─► note names nobody that is known here ─► log ─► command `teach` ─► the home's edge ─► event `teaching`
 *   withdraw │ the home takes back │ restricted ─► log: hidden from now on ─► command `withdraw-teaching`
 */
import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import type { TeachingNote } from '../../shared/contract/teaching.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { IdentifierSearch } from '../../shared/identifier-search.ts';
import type { Log } from '../../shared/log.ts';
import { faultsOfNote, noteFaultText } from '../../shared/teaching-note-check.ts';
import type { Principal } from '../access/rules.ts';
import { findIdentity } from '../identity/identities.ts';
import { personOf } from '../identity/persons.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import type { Discloser } from '../relations/disclosure.ts';
import type { StudyDetail } from '../search/study.ts';
import { findCase, openCases, type TeachingCase, whyWithdraw } from './cases.ts';
import { applyTeachingFile, type TeachingFile } from './decisions.ts';
import { TeachingError } from './teaching-error.ts';

const LOOK_MS = 5_000;
/** An edge that has not told of it is told again; it doubles, since it may be down. */
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 3_600_000;

export interface TeachingOptions {
  readonly projection: Pick<
    Projection,
    'db' | 'registerHubAggregate' | 'untilDecided' | 'onChange'
  >;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class Teaching {
  readonly #options: TeachingOptions;
  /** By command id: when it is sent again. */
  readonly #sent = new Map<string, { readonly dueMs: number; readonly waitMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #stopListening: () => void = () => {};

  /** Before the projection starts. */
  constructor(options: TeachingOptions) {
    this.#options = options;
    options.projection.registerHubAggregate('teaching', applyTeachingFile);
  }

  start(): void {
    const { projection } = this.#options;
    this.#stopListening = projection.onChange((change) => {
      if (change.kind === 'study' && change.isWithdrawn === true) void this.look();
    });
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
    void this.look();
  }

  async stop(): Promise<void> {
    this.#stopListening();
    clearInterval(this.#timer);
    await this.#looking;
  }

  /**
   * @param study that the asker is shown @throws TeachingError `NOTE_NAMES_PATIENT`, `TEACHING_RESTRICTED`,
   *   `TEACHING_FORBIDDEN`; LogError
   */
  async mark(
    by: Principal,
    given: { study: StudyDetail; note: TeachingNote; discloser: Discloser },
  ): Promise<TeachingFile> {
    const { study, note, discloser } = given;
    const { studyInstanceUID, home } = study;
    if (discloser.isRestricted(study))
      throw new TeachingError('TEACHING_RESTRICTED', 'This study is not used for teaching.');
    // An emergency opens a record for the patient's care, and nothing else.
    if (discloser.bases.every((basis) => basis.startsWith('break-glass')))
      throw new TeachingError(
        'TEACHING_FORBIDDEN',
        'It was opened in an emergency: that is no ground for teaching with it.',
      );
    const faults = faultsOfNote(note, new IdentifierSearch(this.#knownOf(study)));
    if (faults.length > 0) throw new TeachingError('NOTE_NAMES_PATIENT', sentence(faults));
    const { name, role, trust } = by;
    const file: TeachingFile = {
      ...{ v: 1, caseId: randomUUID(), studyInstanceUID, home, note },
      ...{ by: { name, role, trust }, at: rfc3339(this.#options.clock.now()), withdrawn: null },
    };
    await this.#append(file, 0);
    void this.look();
    return file;
  }

  /** @throws TeachingError `TEACHING_UNKNOWN`, `TEACHING_FORBIDDEN`, `TEACHING_ENDED`; LogError `LOG_CONFLICT` */
  async withdraw(by: Principal, caseId: string, reason: string): Promise<TeachingFile> {
    const { file, streamSeq } = this.require(by, caseId);
    if (!mayWithdraw(by, file))
      throw new TeachingError(
        'TEACHING_FORBIDDEN',
        'Its author withdraws it, or who guards the privacy of patients.',
      );
    if (file.withdrawn !== null) throw new TeachingError('TEACHING_ENDED', 'It was withdrawn.');
    const at = rfc3339(this.#options.clock.now());
    const withdrawn = { by: by.name, at, code: 'WITHDRAWN', reason };
    await this.#append({ ...file, withdrawn }, streamSeq);
    void this.look();
    return { ...file, withdrawn };
  }

  /** What is not shown to all is shown to its author and to who guards privacy. @throws TeachingError `TEACHING_UNKNOWN` */
  require(by: Principal, caseId: string): TeachingCase {
    const found = findCase(this.#options.projection.db, caseId);
    if (found === undefined || !(found.isShown || mayWithdraw(by, found.file)))
      throw new TeachingError('TEACHING_UNKNOWN', 'There is no such teaching file.');
    return found;
  }

  /** One look; the one that runs, when one does. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        const { log } = this.#options;
        // Another hub was quicker, or the log is away: the next look sees.
        if (error instanceof GatewayError) log.warn('teaching.not-told', { code: codeOf(error) });
        else log.error('program.bug', { where: 'teaching', error });
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { projection, clock } = this.#options;
    for (const one of openCases(projection.db)) {
      const { file, streamSeq, copy } = one;
      const code = file.withdrawn === null ? whyWithdraw(projection.db, file) : null;
      if (code !== null) {
        const at = rfc3339(clock.now());
        const withdrawn = { by: null, at, code, reason: REASONS[code] ?? '' };
        await this.#append({ ...file, withdrawn }, streamSeq);
      }
      if (code !== null || file.withdrawn !== null) await this.#command(file, 'withdraw-teaching');
      else if (copy === null) await this.#command(file, 'teach');
    }
  }

  async #command(
    { caseId, home, studyInstanceUID, note }: TeachingFile,
    kind: 'teach' | 'withdraw-teaching',
  ): Promise<void> {
    const { clock, networkLog } = this.#options;
    const id = `${kind}-${caseId}`;
    const nowMs = clock.monotonicMs();
    const before = this.#sent.get(id);
    if (before !== undefined && before.dueMs > nowMs) return;
    const waitMs = Math.min(LONGEST_WAIT_MS, (before?.waitMs ?? FIRST_WAIT_MS / 2) * 2);
    const head = { v: 1 as const, id, at: rfc3339(clock.now()), caseId };
    await networkLog.sendCommand(
      home,
      kind === 'teach' ? { ...head, kind, studyInstanceUID, note } : { ...head, kind },
    );
    this.#sent.set(id, { dueMs: nowMs + waitMs, waitMs });
  }

  /** What all trusts call the patient. */
  #knownOf({ home, patient, accessionNumber }: StudyDetail) {
    const { db } = this.#options.projection;
    const { patientId, issuer } = patient;
    const identity = findIdentity(db, { trust: home, patientId, issuer });
    const members = identity === undefined ? [] : personOf(db, identity).members;
    const all = [{ ...patient, postcode: null }, ...members];
    const numbers = all.flatMap((one) => [one.patientId, one.nhsNumber, one.postcode]);
    return {
      names: all.flatMap(({ name }) => name ?? []),
      numbers: [...numbers, accessionNumber].filter((number) => number !== null),
      birthDates: all.flatMap(({ birthDate }) => birthDate?.replaceAll('-', '') ?? []),
      addresses: [],
    };
  }

  async #append(file: TeachingFile, expectedLastSeq: number): Promise<void> {
    const { networkLog, projection } = this.#options;
    const how = { expectedLastSeq, messageId: randomUUID() };
    const subject = hubSubject('teaching', file.caseId);
    await projection.untilDecided(await networkLog.append(subject, file, how));
  }
}

const REASONS: Readonly<Record<string, string>> = {
  STUDY_GONE: 'its home no longer holds the study',
  RESTRICTED: 'its home keeps the record closer than others',
};

export function mayWithdraw({ name, role, trust }: Principal, { by }: TeachingFile): boolean {
  return role === 'privacy' || (by.name === name && by.trust === trust);
}

function sentence(faults: Parameters<typeof noteFaultText>[0]): string {
  const text = noteFaultText(faults);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
