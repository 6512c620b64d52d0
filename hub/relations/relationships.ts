/**
 * What makes a trust concerned with a person, from what the trusts tell and what was decided here: orders,
 * appointments and admissions of the trust, its requests and bookings, lists of meetings, fetches under way. SQL.
 *
 *   person (members of all trusts) ─► relationships in force, the trust's own first
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import type { Relationship, RelationshipKind } from '../access/decide.ts';
import type { IdentityKey } from '../identity/identities.ts';

const DAY_MS = 86_400_000;
/** An order or a request that nobody ends does not last for ever. */
const OPEN_DAYS = 365;
/** A list of a meeting counts until so long after it: outcomes are written up. */
const AFTER_MEETING_DAYS = 30;

export interface RelationshipsAsked {
  readonly members: readonly IdentityKey[];
  /** Null: of any trust. */
  readonly trust: string | null;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** How long care goes on after an examination, an appointment or a discharge. */
  readonly daysAfterCare: number;
}

interface Row {
  readonly trust: string;
  readonly id: string;
}

/** Of each kind one is enough: it is the first that is found. */
export function relationshipsOf(db: Sqlite, asked: RelationshipsAsked): Relationship[] {
  const { members, trust, now, daysAfterCare } = asked;
  if (members.length === 0) return [];
  const given = {
    trust,
    members: JSON.stringify(members.map((one) => [one.trust, one.patientId, one.issuer])),
    now: iso(now),
    openSince: iso(now - OPEN_DAYS * DAY_MS),
    careSince: iso(now - daysAfterCare * DAY_MS),
    metSince: iso(now - AFTER_MEETING_DAYS * DAY_MS).slice(0, 10),
  };
  return KINDS.flatMap(([kind, sql]) => {
    const found = statement<Row>(db, `${sql} LIMIT 1`).get(given);
    return found === undefined ? [] : [{ kind, ...found }];
  });
}

const iso = (ms: number): string => new Date(ms).toISOString();

/**
 * The rows of a table that are about one of the members, as that member's trust names the patient. The members come
 * first: they are few, and the planner does not know it.
 */
const ofMembers = (table: string): string =>
  `json_each(@members) k CROSS JOIN ${table} t ON t.trust = k.value ->> 0
     AND t.patient_id = k.value ->> 1 AND t.issuer = k.value ->> 2`;
const OF_TRUST = '(@trust IS NULL OR t.trust = @trust)';

const KINDS: readonly (readonly [RelationshipKind, string])[] = [
  [
    'order',
    `SELECT t.trust, t.order_id AS id FROM ${ofMembers('orders')}
     WHERE ${OF_TRUST} AND t.status <> 'cancelled'
       AND t.happens_at >= iif(t.status = 'completed', @careSince, @openSince)`,
  ],
  [
    'request',
    `SELECT t.trust, t.request_id AS id FROM ${ofMembers('requests')}
     WHERE ${OF_TRUST} AND t.is_cancelled = 0 AND t.since >= @openSince`,
  ],
  [
    // The trust where the examination is booked, whoever referred the patient.
    'booking',
    `SELECT b.trust, b.booking_id AS id FROM ${ofMembers('requests')}
     JOIN bookings b ON b.request_id = t.request_id
     WHERE (@trust IS NULL OR b.trust = @trust) AND b.state IN ('held', 'booked', 'attended')
       AND b.start >= @careSince`,
  ],
  [
    'appointment',
    `SELECT t.trust, t.appointment_id AS id FROM ${ofMembers('appointments')}
     WHERE ${OF_TRUST} AND t.status IN ('booked', 'attended') AND t.happens_at >= @careSince`,
  ],
  [
    'admission',
    `SELECT t.trust, t.encounter_id AS id FROM ${ofMembers('encounters')}
     WHERE ${OF_TRUST} AND t.status <> 'cancelled'
       AND (t.ended_at >= @careSince OR (t.ended_at IS NULL AND t.began_at >= @openSince))`,
  ],
  [
    'mdt-list',
    `SELECT t.concerned AS trust, t.list_id AS id FROM ${ofMembers('mdt_patients')}
     JOIN mdt_lists l ON l.list_id = t.list_id
     WHERE (@trust IS NULL OR t.concerned = @trust) AND l.meets_on >= @metSince`,
  ],
  [
    // One that stands on an emergency access is that person's alone: it concerns no colleague.
    'fetch',
    `SELECT f.to_trust AS trust, f.fetch_id AS id FROM json_each(@members) k
     CROSS JOIN studies s ON s.trust = k.value ->> 0 AND s.patient_id = k.value ->> 1
       AND s.patient_issuer = k.value ->> 2 AND s.home = s.trust
     JOIN fetches f ON f.study_uid = s.study_uid AND f.home = s.home
     LEFT JOIN fetch_receipts r ON r.fetch_id = f.fetch_id
     WHERE (@trust IS NULL OR f.to_trust = @trust) AND f.is_cancelled = 0
       AND f.requested_at >= @openSince
       AND coalesce(r.state, '') NOT IN ('available', 'partial', 'failed', 'cancelled', 'expired')
       AND coalesce(json_extract(f.body, '$.basis'), '') NOT LIKE 'break-glass %'`,
  ],
];
