/**
 * A patient over all trusts: who is under the number, and what each of them has. Everything says whose it
 * is, so that what two persons have is never taken for one person's.
 *
 *   NHS number ─► persons ─► studies, reports, orders, appointments, each with its person
 */
import type { AppointmentEvent, OrderEvent } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { type IdentityKey, keyText } from '../identity/identities.ts';
import { type Member, type Person, personsWithNhsNumber } from '../identity/persons.ts';
import type { StudyView } from '../search/rows.ts';
import { type SearchOptions, searchStudies } from '../search/studies.ts';
import { type ReportView, reportsOf } from './reports.ts';

/** `person` is a place in `persons`; null: its patient is not among them. */
type OfPerson<T> = T & { readonly person: number | null };

export interface OrderView extends Omit<OrderEvent, 'v' | 'epoch' | 'seq' | 'kind' | 'at'> {}
export interface AppointmentView
  extends Omit<AppointmentEvent, 'v' | 'epoch' | 'seq' | 'kind' | 'at'> {}

export interface Timeline {
  readonly persons: readonly Person[];
  readonly studies: readonly OfPerson<StudyView>[];
  readonly total: number;
  readonly reports: readonly OfPerson<ReportView>[];
  readonly orders: readonly OfPerson<OrderView>[];
  readonly appointments: readonly OfPerson<AppointmentView>[];
}

/** Orders and appointments of one identity that are shown. */
const MAX_OF_EACH = 200;

export function timelineOf(
  db: Sqlite,
  nhsNumber: string,
  page: { limit: number; offset: number },
  choose?: SearchOptions['choose'],
): Timeline {
  return db.transaction((): Timeline => {
    const persons = personsWithNhsNumber(db, nhsNumber);
    const members = persons.flatMap((person) => person.members);
    const places = new Map(
      persons.flatMap((person, at) =>
        person.members.map((member) => [keyText(member), at] as const),
      ),
    );
    const placed = <T>(value: T, key: IdentityKey): OfPerson<T> => ({
      ...value,
      person: places.get(keyText(key)) ?? null,
    });
    const { studies, total } = searchStudies(db, { nhsNumber }, page, {
      identities: members,
      ...(choose === undefined ? {} : { choose }),
    });
    const ofPatient = (event: OrderEvent | AppointmentEvent): IdentityKey => ({
      ...event.patient,
      trust: event.trust,
    });
    return {
      persons,
      total,
      studies: studies.map((study) => placed(study, { ...study.patient, trust: study.home })),
      reports: reportsOf(db, members).map((report) => placed(report, report)),
      orders: bodiesOf<OrderEvent>(db, 'orders', members).map((one) =>
        placed(orderView(one), ofPatient(one)),
      ),
      appointments: bodiesOf<AppointmentEvent>(db, 'appointments', members).map((one) =>
        placed(appointmentView(one), ofPatient(one)),
      ),
    };
  })();
}

/** Newest first. Where a patient must not be found by place, none is told. ID-21 of the domain notes. */
function bodiesOf<E extends OrderEvent | AppointmentEvent>(
  db: Sqlite,
  table: 'orders' | 'appointments',
  members: readonly Member[],
): E[] {
  const find = db.prepare<[string, string, string, number], { body: string; happensAt: string }>(
    `SELECT body, happens_at AS happensAt FROM ${table}
     WHERE trust = ? AND patient_id = ? AND issuer = ? ORDER BY happens_at DESC LIMIT ?`,
  );
  return members
    .flatMap(({ trust, patientId, issuer, restricted }) =>
      find.all(trust, patientId, issuer, MAX_OF_EACH).map(({ body, happensAt }) => {
        const event = JSON.parse(body) as E;
        return { happensAt, event: restricted ? withoutPlace(event) : event };
      }),
    )
    .sort((a, b) => (a.happensAt > b.happensAt ? -1 : 1))
    .map(({ event }) => event);
}

function withoutPlace<E extends OrderEvent | AppointmentEvent>(event: E): E {
  return {
    ...event,
    location: null,
    ...('referrer' in event ? { referrer: null } : { resource: null }),
  };
}

function orderView({
  v: _v,
  epoch: _e,
  seq: _s,
  kind: _k,
  at: _a,
  ...order
}: OrderEvent): OrderView {
  return order;
}

function appointmentView(event: AppointmentEvent): AppointmentView {
  const { v: _v, epoch: _e, seq: _s, kind: _k, at: _a, ...appointment } = event;
  return appointment;
}
