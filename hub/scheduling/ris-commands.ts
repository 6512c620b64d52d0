/**
 * Tells the RIS that owns a diary what is held in it, and what has ended; again until it has answered, since
 * the hub may have been killed between a decision and its command. What comes again is one to the edge. SC-01.
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { BookingCommand } from '../../shared/contract/commands.ts';
import { codeOf } from '../../shared/errors.ts';
import type { SchedulingParts } from './booking-parts.ts';
import { awaitingRis, endedUntold, risAnswer } from './ris-rows.ts';
import { findRequest, findResource } from './rows.ts';
import type { Booking } from './types.ts';

const AGAIN_MS = 20_000;
/** After so long a RIS that never answered is not told any more; its trust sees both diaries. */
const UNTOLD_MS = 3 * 86_400_000;

export class RisCommands {
  readonly #parts: SchedulingParts;
  /** By command id: when it is sent again. */
  readonly #sent = new Map<string, number>();

  constructor(parts: SchedulingParts) {
    this.#parts = parts;
  }

  /** All that has to be told now. */
  async look(): Promise<void> {
    const { db, clock } = this.#parts;
    const nowMs = clock.monotonicMs();
    for (const [id, dueMs] of this.#sent) if (dueMs <= nowMs) this.#sent.delete(id);
    for (const booking of awaitingRis(db))
      if (risAnswer(db, booking, 'book') === undefined) await this.send(booking, 'book');
    const since = rfc3339(clock.now() - UNTOLD_MS);
    for (const booking of endedUntold(db, since)) await this.send(booking, 'cancel');
  }

  async send(booking: Booking, action: 'book' | 'cancel'): Promise<void> {
    const { networkLog, clock, log } = this.#parts;
    const id = `${action}-${booking.bookingId}`;
    if (this.#sent.has(id)) return;
    this.#sent.set(id, clock.monotonicMs() + AGAIN_MS);
    try {
      await networkLog.sendCommand(booking.trust, this.#command(id, booking, action));
    } catch (error) {
      this.#sent.delete(id);
      log.warn('scheduling.failed', { where: 'ris', code: codeOf(error) });
    }
  }

  #command(id: string, booking: Booking, action: 'book' | 'cancel'): BookingCommand {
    const { db, clock } = this.#parts;
    const { bookingId, start, minutes, heldUntil, risAppointmentId } = booking;
    const resource = findResource(db, booking.resource)?.value;
    const request = findRequest(db, booking.requestId ?? '')?.value;
    const at = rfc3339(clock.now());
    const { code = '', name = '' } = request?.examination ?? {};
    return {
      ...{ v: 1, id, at, kind: 'booking', action, bookingId, start, minutes },
      ...{ appointmentId: risAppointmentId, until: heldUntil ?? at },
      resource: resource?.risName ?? booking.resource,
      procedure: { code, text: name },
      patient: patientOf(request?.patient),
      placerNumber: request?.orderId ?? null,
      reason: booking.reason ?? '',
    };
  }
}

type RequestPatient = NonNullable<ReturnType<typeof findRequest>>['value']['patient'];

function patientOf(patient: RequestPatient | undefined): BookingCommand['patient'] {
  if (patient === undefined) return { patientId: '', issuer: '' };
  const { patientId, issuer, nhsNumber, name, birthDate, sex } = patient;
  return {
    ...{ patientId, issuer, birthDate: birthDate.replaceAll('-', '') },
    ...(nhsNumber === null ? {} : { nhsNumber }),
    ...(name === null ? {} : { patientName: name }),
    ...(sex === null ? {} : { sex }),
  };
}
