/**
 * What the hub remembers of heartbeats, which no log keeps: 13 months of numbers, the rhythm of each device,
 * what changed. A file of its own: the projection can be dropped and built again, this can not.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const fleetSchema: readonly Migration[] = [
  {
    name: 'history, devices, changes',
    sql: `
-- Numbers of a trust within [at, at + step), seconds since the epoch. body: {metric: [count, sum, least, most]}.
CREATE TABLE history (
  trust TEXT NOT NULL, step INTEGER NOT NULL, at INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (trust, step, at)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_age ON history (step, at);

-- Modalities by AE title, and HL7 feeds. Times are milliseconds since the epoch.
CREATE TABLE devices (
  trust TEXT NOT NULL, device TEXT NOT NULL,
  first_at INTEGER NOT NULL, last_at INTEGER NOT NULL,
  -- working seconds between bursts, newest last, a JSON list
  gaps TEXT NOT NULL,
  PRIMARY KEY (trust, device)
) STRICT, WITHOUT ROWID;
-- Hours since the epoch in which something came.
CREATE TABLE device_hours (
  trust TEXT NOT NULL, device TEXT NOT NULL, hour INTEGER NOT NULL,
  PRIMARY KEY (trust, device, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
  change_key INTEGER PRIMARY KEY,
  trust TEXT NOT NULL, at TEXT NOT NULL, what TEXT NOT NULL, was TEXT NOT NULL, is_now TEXT NOT NULL
) STRICT;
CREATE INDEX changes_trust ON changes (trust, change_key);

-- The last heartbeat that was counted, and what of it tells a change.
CREATE TABLE heard (
  trust TEXT PRIMARY KEY, heard_at TEXT NOT NULL,
  version TEXT NOT NULL, configuration TEXT NOT NULL, http_url TEXT NOT NULL, started_at TEXT NOT NULL
) STRICT;
`,
  },
  {
    name: 'how busy the hours were',
    sql: `
-- In how many of an hour's five minutes something came.
ALTER TABLE device_hours ADD COLUMN slots INTEGER NOT NULL DEFAULT 1;
`,
  },
];
