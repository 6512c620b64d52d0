/** Bookings that the trust's RIS has to be told, and what it answered. Times are milliseconds since the epoch. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const risSchema: readonly Migration[] = [
  {
    name: 'bookings for the RIS',
    sql: `
CREATE TABLE ris_bookings (
  -- of the hub's command, so that one that comes again is one
  command_id TEXT PRIMARY KEY,
  booking_id TEXT NOT NULL, action TEXT NOT NULL,
  command TEXT NOT NULL,
  -- waiting, accepted, refused, silent
  state TEXT NOT NULL, reason TEXT,
  received_at INTEGER NOT NULL, ended_at INTEGER
) STRICT;
CREATE INDEX ris_bookings_waiting ON ris_bookings (received_at) WHERE state = 'waiting';
`,
  },
];
