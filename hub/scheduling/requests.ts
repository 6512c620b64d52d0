/** Requests: who waits for which examination. SC-12 to SC-15. */
import { randomUUID } from 'node:crypto';
import { rfc3339 } from '../../shared/clock.ts';
import { type Principal, trustRefusal } from '../access/rules.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { requestSubject } from './decision-writer.ts';
import type { RequestDecision } from './decisions.ts';
import { activeBookingsOf, findRequest, requestOfOrder } from './rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { SchedulingError } from './scheduling-error.ts';
import type { ImagingRequest } from './types.ts';

/** Days from the start of the wait to the breach: FDS of P2, DM01 of the others. */
export const BREACH_DAYS: Readonly<Record<ImagingRequest['band'], number>> = {
  ...{ P1: 1, P2: 28, P3: 28, P4: 42, P5: 42 },
};

/** A request as it comes; what follows from the rest is made here. */
export type NewRequest = Omit<
  ImagingRequest,
  'requestId' | 'createdBy' | 'createdAt' | 'cancelled' | 'transfer' | 'breachAt' | 'since'
> & { readonly since: string | null; readonly breachAt: string | null };

export class Requests {
  readonly #parts: SchedulingParts;

  constructor(parts: SchedulingParts) {
    this.#parts = parts;
  }

  /** @throws SchedulingError `REQUEST_UNKNOWN` */
  find(requestId: string): ImagingRequest {
    const found = findRequest(this.#parts.db, requestId);
    if (found === undefined)
      throw new SchedulingError('REQUEST_UNKNOWN', 'There is no request with this id.');
    return found.value;
  }

  /** For its own trust, and for where it is booked. @throws SchedulingError `REQUEST_UNKNOWN`, `TRUST_FORBIDDEN` */
  findFor(requestId: string, by: Principal): ImagingRequest {
    const request = this.find(requestId);
    const booked = activeBookingsOf(this.#parts.db, requestId).map(({ trust }) => trust);
    const refusals = [request.trust, ...booked].map((trust) => trustRefusal(by, trust));
    if (refusals.includes(null)) return request;
    throw new SchedulingError('TRUST_FORBIDDEN', refusals[0] ?? '');
  }

  /**
   * The same order of a trust again is the same request, brought up to date.
   *
   * @throws SchedulingError `TRUST_UNKNOWN`, `TRUST_FORBIDDEN`; LogError
   */
  async add(told: NewRequest, by: Principal): Promise<ImagingRequest> {
    const { db, trusts, clock } = this.#parts;
    if (!trusts.some(({ ods }) => ods === told.trust))
      throw new SchedulingError('TRUST_UNKNOWN', `${told.trust} is no trust of this network.`);
    requireOf(told.trust, by);
    const now = clock.now();
    const since = told.since ?? rfc3339(now);
    const breachMs = Date.parse(told.dueAt ?? since) + dueDays(told) * DAY_MS;
    const request: ImagingRequest = {
      ...told,
      ...{ since, breachAt: told.breachAt ?? rfc3339(breachMs) },
      ...{ requestId: randomUUID(), createdBy: by.name, createdAt: rfc3339(now) },
      ...{ cancelled: null, transfer: null },
    };
    const same =
      told.orderId === null ? undefined : requestOfOrder(db, told.trust, told.orderId)?.value;
    if (same === undefined) return this.#write(request.requestId, () => request);
    const { requestId, createdBy, createdAt, transfer, order, link } = same;
    return this.#write(requestId, () => ({
      // What its order last told, and the patient's link, are not told by who sends it again.
      ...(order === undefined ? {} : { order }),
      ...(link === undefined ? {} : { link }),
      ...{ ...request, since: told.since ?? same.since, breachAt: told.breachAt ?? same.breachAt },
      ...{ requestId, createdBy, createdAt, transfer },
    }));
  }

  /** What is known of the patient's safety, wishes, consent, changed; band included, as a person set it. */
  async change(
    requestId: string,
    changes: Partial<ImagingRequest>,
    by: Principal,
  ): Promise<ImagingRequest> {
    return this.#write(requestId, (before) => {
      const request = this.#open(before, by);
      return { ...request, ...changes, safety: { ...request.safety, ...changes.safety } };
    });
  }

  /** As a trust's order leaves it, unless what stands is of a newer one. @param asOf of the order, RFC 3339 */
  async follow(requestId: string, asOf: string, request: ImagingRequest): Promise<ImagingRequest> {
    return this.#write(requestId, (before) =>
      before?.order !== undefined && before.order.asOf >= asOf ? before : request,
    );
  }

  async cancel(requestId: string, by: Principal, reason: string): Promise<ImagingRequest> {
    const at = rfc3339(this.#parts.clock.now());
    return this.#write(requestId, (before) => {
      if (before?.cancelled) return before;
      return { ...this.#open(before, by), cancelled: { by: by.name, at, reason } };
    });
  }

  #open(request: ImagingRequest | undefined, by: Principal): ImagingRequest {
    if (request === undefined)
      throw new SchedulingError('REQUEST_UNKNOWN', 'There is no request with this id.');
    requireOf(request.trust, by);
    if (request.cancelled !== null)
      throw new SchedulingError('REQUEST_ENDED', 'The request was cancelled.');
    return request;
  }

  #write(
    requestId: string,
    make: (before: ImagingRequest | undefined) => ImagingRequest,
  ): Promise<ImagingRequest> {
    const { db, writer } = this.#parts;
    const head = (): number => findRequest(db, requestId)?.streamSeq ?? 0;
    return writer.decide(requestSubject(requestId), head, () => {
      const before = findRequest(db, requestId)?.value;
      const request = make(before);
      const body: RequestDecision = { v: 1, request };
      return { body: request === before ? null : body, result: request };
    });
  }
}

/** Surveillance breaches when it is past due; the others so long after their wait began. */
const dueDays = ({ band, dueAt }: Pick<NewRequest, 'band' | 'dueAt'>): number =>
  dueAt === null ? BREACH_DAYS[band] : 0;

function requireOf(trust: string, by: Principal): void {
  const refusal = trustRefusal(by, trust);
  if (refusal !== null) throw new SchedulingError('TRUST_FORBIDDEN', refusal);
}
