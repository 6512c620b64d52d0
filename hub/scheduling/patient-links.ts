/**
 * The link by which a patient chooses, changes or cancels: a secret for one request, opened by the birth date.
 *
 *   staff ─ create ─► link ─► patient ─ birth date ─► pass (20 minutes) ─► choose, confirm, cancel
 *
 * It stands with the request in the log, so every hub knows it. Wrong birth dates are counted there; too many
 * end the link. Nobody with the S-flag gets one, and nobody who has died (ID-20, SC-33).
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import { flagsOf } from './demand.ts';
import type { Requests } from './requests.ts';
import { findRequest } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { ImagingRequest, PatientLink } from './types.ts';

const LINK_MS = 28 * DAY_MS;
const PASS_MS = 20 * 60_000;
export const MAX_WRONG = 5;

export type OpenedLink =
  | { readonly kind: 'open'; readonly request: ImagingRequest; readonly pass: string }
  | { readonly kind: 'wrong'; readonly left: number }
  /** Unknown, too old, ended by wrong birth dates, or of a request that is over: all look the same. */
  | { readonly kind: 'ended' };

export interface PatientLinksOptions {
  readonly db: Sqlite;
  readonly requests: Pick<Requests, 'find' | 'change'>;
  readonly clock: Clock;
}

export class PatientLinks {
  readonly #options: PatientLinksOptions;
  /** By request: the try that is under way. */
  readonly #turns = new Map<string, Promise<void>>();

  constructor(options: PatientLinksOptions) {
    this.#options = options;
  }

  /**
   * A new link; the one before ends.
   *
   * @returns what stands behind `/appointment/`
   * @throws SchedulingError `REQUEST_UNKNOWN`, `REQUEST_ENDED`, `TRUST_FORBIDDEN`, `LINK_REFUSED`
   */
  async create(requestId: string, by: Principal): Promise<string> {
    const { db, requests, clock } = this.#options;
    const { deceased, restricted } = flagsOf(db, requests.find(requestId));
    if (deceased || restricted)
      throw new SchedulingError(
        'LINK_REFUSED',
        deceased ? 'The patient has died.' : 'Sensitive record: phone the patient, send no link.',
      );
    const secret = randomBytes(32).toString('base64url');
    const link: PatientLink = {
      hash: hashOf(secret),
      key: randomBytes(32).toString('base64url'),
      expiresAt: rfc3339(clock.now() + LINK_MS),
      wrongAnswers: 0,
    };
    await requests.change(requestId, { link }, by);
    return `${requestId}~${secret}`;
  }

  /** False: the link leads nowhere any more. */
  isGood(token: string): boolean {
    return this.#requestOf(token) !== null;
  }

  /**
   * One try after the other for each link: tries at once would all be answered before any is counted.
   *
   * @param birthDate YYYY-MM-DD, or what was typed for it
   */
  async open(token: string, birthDate: string): Promise<OpenedLink> {
    const [requestId = ''] = token.split('~');
    const before = this.#turns.get(requestId) ?? Promise.resolve();
    const turn = before.then(() => this.#try(token, birthDate));
    const settled = turn.then(noValue, noValue);
    this.#turns.set(requestId, settled);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(requestId) === settled) this.#turns.delete(requestId);
    }
  }

  async #try(token: string, birthDate: string): Promise<OpenedLink> {
    const { requests, clock } = this.#options;
    const request = this.#requestOf(token);
    if (request === null) return { kind: 'ended' };
    const { link } = request;
    if (request.patient.birthDate === birthDate) {
      const until = clock.now() + PASS_MS;
      return { kind: 'open', request, pass: `${until}.${sealOf(request, until)}` };
    }
    const wrongAnswers = link.wrongAnswers + 1;
    await requests.change(
      request.requestId,
      { link: { ...link, wrongAnswers } },
      patientOf(request),
    );
    return wrongAnswers >= MAX_WRONG
      ? { kind: 'ended' }
      : { kind: 'wrong', left: MAX_WRONG - wrongAnswers };
  }

  /** The request that a pass was given for; null: the birth date has to be asked. */
  requestWith(token: string, pass: string | undefined): ImagingRequest | null {
    const request = this.#requestOf(token);
    const [until = '', seal = ''] = (pass ?? '').split('.');
    if (request === null || !(Number(until) > this.#options.clock.now())) return null;
    return isSame(seal, sealOf(request, Number(until))) ? request : null;
  }

  #requestOf(token: string): LinkedRequest | null {
    const { db, clock } = this.#options;
    const [requestId = '', secret = ''] = token.split('~');
    const request = findRequest(db, requestId)?.value;
    const link = request?.link ?? null;
    if (request === undefined || link === null || !isSame(link.hash, hashOf(secret))) return null;
    const isOver = request.cancelled !== null || Date.parse(link.expiresAt) <= clock.now();
    const { deceased, restricted } = flagsOf(db, request);
    if (isOver || link.wrongAnswers >= MAX_WRONG || deceased || restricted) return null;
    return { ...request, link };
  }
}

type LinkedRequest = ImagingRequest & { readonly link: PatientLink };

/** Who acts by the link. */
export const patientOf = ({ trust }: ImagingRequest): Principal => ({
  ...{ name: 'patient', role: 'patient', trust },
});

const noValue = (): void => {};

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

const sealOf = ({ requestId, link }: LinkedRequest, until: number): string =>
  createHmac('sha256', link.key).update(`${requestId} ${until}`).digest('base64url');

const isSame = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
