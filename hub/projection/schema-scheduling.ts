/**
 * Rows of scheduling, a view of the log like all of the projection. `body` is what was decided, whole;
 * the columns beside it are what is asked by. `stream_seq` is the head of the subject that a decision
 * is made on.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const schedulingSchema: Migration = {
  name: 'resources, diaries, requests, bookings, refills',
  sql: `
CREATE TABLE resources (
  id TEXT PRIMARY KEY, trust TEXT NOT NULL, modality TEXT NOT NULL,
  stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX resources_modality ON resources (modality, id);

CREATE TABLE diaries (
  resource TEXT NOT NULL, date TEXT NOT NULL, trust TEXT NOT NULL, authority TEXT NOT NULL,
  stream_seq INTEGER NOT NULL,
  PRIMARY KEY (resource, date)
) STRICT, WITHOUT ROWID;

CREATE TABLE slots (
  resource TEXT NOT NULL, date TEXT NOT NULL, id TEXT NOT NULL,
  start TEXT NOT NULL, minutes INTEGER NOT NULL,
  status TEXT NOT NULL, owner TEXT, until TEXT,
  PRIMARY KEY (resource, date, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX slots_id ON slots (id);
CREATE INDEX slots_free ON slots (resource, start) WHERE status = 'free';

CREATE TABLE requests (
  request_id TEXT PRIMARY KEY, trust TEXT NOT NULL,
  patient_id TEXT NOT NULL, issuer TEXT NOT NULL, nhs_number TEXT,
  modality TEXT NOT NULL, exam_group TEXT NOT NULL, band TEXT NOT NULL, since TEXT NOT NULL,
  order_id TEXT, is_cancelled INTEGER NOT NULL,
  stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX requests_waiting ON requests (modality, is_cancelled, band, since);
CREATE INDEX requests_trust ON requests (trust, since);
CREATE INDEX requests_patient ON requests (trust, patient_id, issuer);
CREATE INDEX requests_order ON requests (trust, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE bookings (
  booking_id TEXT PRIMARY KEY, request_id TEXT, trust TEXT NOT NULL,
  resource TEXT NOT NULL, date TEXT NOT NULL, start TEXT NOT NULL,
  state TEXT NOT NULL, held_until TEXT, replaces TEXT,
  ris_appointment_id TEXT, idempotency_key TEXT, by TEXT NOT NULL, at TEXT NOT NULL,
  stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX bookings_request ON bookings (request_id, state) WHERE request_id IS NOT NULL;
CREATE INDEX bookings_diary ON bookings (resource, date);
CREATE INDEX bookings_start ON bookings (start);
CREATE INDEX bookings_held ON bookings (held_until) WHERE state = 'held';
CREATE INDEX bookings_replaces ON bookings (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX bookings_ris ON bookings (trust, ris_appointment_id) WHERE ris_appointment_id IS NOT NULL;
CREATE INDEX bookings_key ON bookings (by, idempotency_key) WHERE idempotency_key IS NOT NULL;

CREATE TABLE refills (
  refill_id TEXT PRIMARY KEY, trust TEXT NOT NULL, resource TEXT NOT NULL, date TEXT NOT NULL,
  start TEXT NOT NULL, state TEXT NOT NULL, stream_seq INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX refills_state ON refills (state, start);
CREATE TABLE offers (
  offer_id TEXT PRIMARY KEY, refill_id TEXT NOT NULL, request_id TEXT NOT NULL,
  state TEXT NOT NULL, offered_at TEXT NOT NULL, expires_at TEXT NOT NULL, link_hash TEXT,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX offers_refill ON offers (refill_id);
CREATE INDEX offers_request ON offers (request_id, offered_at);
CREATE INDEX offers_state ON offers (state, offered_at);
CREATE INDEX offers_link ON offers (link_hash) WHERE link_hash IS NOT NULL;
`,
};

export const risAnswersSchema: Migration = {
  name: 'what the RIS of a trust said of bookings; why offers were made',
  sql: `
CREATE TABLE ris_answers (
  trust TEXT NOT NULL, booking_id TEXT NOT NULL, action TEXT NOT NULL,
  outcome TEXT NOT NULL, reason TEXT, at TEXT NOT NULL,
  PRIMARY KEY (trust, booking_id, action)
) STRICT, WITHOUT ROWID;
CREATE TABLE refill_decisions (
  refill_id TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (refill_id, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX bookings_state ON bookings (state, at);
`,
};
