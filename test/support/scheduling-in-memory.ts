/**
 * Scheduling over rows in memory and a clock that the test sets. The log is a stand-in for JetStream: it keeps the
 * order and refuses a decision whose subject was written in between; test/system has the real one.
 */
import { randomUUID } from 'node:crypto';
import { LogError } from '../../hub/log/network-log.ts';
import type { Change } from '../../hub/projection/change.ts';
import type { ApplyDecision } from '../../hub/projection/projection.ts';
import { projectionSchema } from '../../hub/projection/schema.ts';
import type { PatientMessage } from '../../hub/scheduling/messages.ts';
import type { NewRequest } from '../../hub/scheduling/requests.ts';
import { examinationOf } from '../../hub/scheduling/rules/examinations.ts';
import { Scheduling } from '../../hub/scheduling/scheduling.ts';
import type { ImagingRequest, RequestPatient } from '../../hub/scheduling/types.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { silentLog } from '../../shared/log.ts';
import { openSqlite, type Sqlite } from '../../shared/sqlite/open.ts';

export const BOOKER = { name: 'booker', role: 'booker', trust: null };

export interface SchedulingWorld {
  readonly db: Sqlite;
  readonly scheduling: Scheduling;
  readonly clock: { ms: number };
  readonly messages: PatientMessage[];
  readonly commands: Command[];
  /** Requests whose priors were asked for. */
  readonly brought: { requestId: string; to: string }[];
  /** What the projection says when something was told. */
  tell(change: Change): void;
  /** A scanner of RRK with slots of 30 minutes. @param starts RFC 3339 @returns ids of the slots */
  diary(resource: string, starts: readonly string[], given?: object): Promise<string[]>;
  /** Somebody who waits for an MRI of the head, wants offers at short notice, and has e-mail. */
  request(given?: Partial<NewRequest>, patient?: Partial<RequestPatient>): Promise<ImagingRequest>;
  book(slotId: string, requestId: string): Promise<string>;
}

export function schedulingWorld(
  t: { teardown(done: () => unknown): void },
  now: string,
): SchedulingWorld {
  const db = openSqlite(':memory:', projectionSchema);
  t.teardown(() => db.close());
  const clock = { ms: Date.parse(now) };
  const aggregates = new Map<string, ApplyDecision>();
  const heads = new Map<string, number>();
  const listeners = new Set<(change: Change) => void>();
  const [messages, commands]: [PatientMessage[], Command[]] = [[], []];
  const brought: { requestId: string; to: string }[] = [];
  let streamSeq = 0;
  const append = async (
    subject: string,
    body: object,
    { expectedLastSeq }: { expectedLastSeq: number },
  ): Promise<number> => {
    if ((heads.get(subject) ?? 0) !== expectedLastSeq)
      throw new LogError('LOG_CONFLICT', `${subject} was written in between`);
    streamSeq += 1;
    heads.set(subject, streamSeq);
    const [, , aggregate = '', id = ''] = subject.split('.');
    const decision = { id, streamSeq, at: new Date(clock.ms).toISOString() };
    const written = JSON.parse(JSON.stringify(body)) as unknown;
    const changes = aggregates.get(aggregate)?.(db, { ...decision, body: written }) ?? [];
    for (const change of changes) for (const listener of listeners) listener(change);
    return streamSeq;
  };
  const scheduling = new Scheduling({
    trusts: [
      { ods: 'RRK', name: 'One', postcode: 'B15 2GW' },
      { ods: 'RJE', name: 'Other', postcode: 'ST4 6QG' },
    ],
    projection: {
      db,
      registerHubAggregate: (aggregate, apply) => void aggregates.set(aggregate, apply),
      untilDecided: async () => {},
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    networkLog: { append, sendCommand: async (_ods, command) => void commands.push(command) },
    travel: null,
    bringPriors: async ({ requestId }, booking) =>
      void brought.push({ requestId, to: booking.trust }),
    messages: {
      publicUrl: () => 'https://hub.example',
      ports: [
        {
          channels: ['email', 'sms'],
          send: async (message) => void messages.push(message),
        },
      ],
    },
    clock: { now: () => clock.ms, monotonicMs: () => clock.ms },
    log: silentLog,
  });
  return {
    ...{ db, scheduling, clock, messages, commands, brought },
    tell(change) {
      for (const listener of listeners) listener(change);
    },
    async diary(id, starts, given = {}) {
      const resource = {
        ...{ id, trust: 'RRK', name: id, modality: 'MR', capabilities: [], notUnderstood: [] },
        ...{ durations: {}, postcode: null, risName: null, closures: [], offeredOutShare: 1 },
        ...given,
      };
      await scheduling.capacity.putResource(resource, BOOKER);
      const slots = starts.map((start) => ({ id: `${id} ${start}`, start, minutes: 30 }));
      const days = Map.groupBy(slots, ({ start }) => start.slice(0, 10));
      for (const [date, ofDay] of days)
        await scheduling.capacity.putDiary(
          { resource: id, date, slots: ofDay, authority: undefined },
          BOOKER,
        );
      return slots.map((slot) => slot.id);
    },
    request(given = {}, patient = {}) {
      const today = new Date(clock.ms).toISOString().slice(0, 10);
      const mri = { pacemaker: 'none', implant: 'none', aneurysmClip: false, metalInEye: false };
      return scheduling.requests.add(
        {
          trust: 'RRK',
          patient: {
            ...{ patientId: randomUUID(), issuer: 'RRK', nhsNumber: null, name: null, sex: 'F' },
            ...{ birthDate: '1970-02-03', postcode: null, decile: null, phone: '0121 496 0000' },
            ...{ email: 'a@example.org', verifiedOn: today, restricted: false, deceased: false },
            ...patient,
          },
          examination: examinationOf('MSKUH') as ImagingRequest['examination'],
          ...{ minutesTold: false, band: 'P4', needs: [], interpreter: false, language: null },
          safety: { vetted: true, mri: mri as NonNullable<ImagingRequest['safety']['mri']> },
          ...{ wishes: {}, channels: ['email', 'phone'], consentsElsewhere: true },
          ...{ shortNotice: true, optedOut: false, since: null, breachAt: null, dueAt: null },
          ...{ orderId: null, accessionNumber: null, referrer: null },
          ...given,
        },
        BOOKER,
      );
    },
    async book(slotId, requestId) {
      return (await scheduling.bookings.book({ slotId, requestId }, BOOKER)).bookingId;
    },
  };
}
