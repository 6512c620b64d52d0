/**
 * Reports of other trusts, of studies of which this trust has, or gets, a copy; and this trust's own that came as
 * objects. Times are milliseconds since the
 * epoch; `body` is the report as the hub sent it.
 */
import type { Migration } from '../../shared/sqlite/open.ts';

export const reportsSchema: readonly Migration[] = [
  {
    name: 'reports that come with copies',
    sql: `
CREATE TABLE copy_reports (
  report_key INTEGER PRIMARY KEY,
  study_uid TEXT NOT NULL, home TEXT NOT NULL,
  trust TEXT NOT NULL, report_id TEXT NOT NULL, version INTEGER NOT NULL,
  body TEXT NOT NULL, received_at INTEGER NOT NULL,
  -- as a document, once the copy is filed; null: not yet
  sop_uid TEXT, series_uid TEXT, path TEXT, data_set_offset INTEGER, data_set_bytes INTEGER,
  content_digest TEXT,
  -- of its delivery; null: not handed over
  delivery_id TEXT,
  -- no more to be done: delivered, or a newer one takes its place
  done_at INTEGER,
  UNIQUE (study_uid, home, trust, report_id, version)
) STRICT;
-- Objects of the trust that may be reports; read_at null: still to be read. \`code\`: why one could not be.
CREATE TABLE report_objects (
  sop_uid TEXT PRIMARY KEY, report_id TEXT, code TEXT, read_at INTEGER
) STRICT;
CREATE INDEX report_objects_open ON report_objects (sop_uid) WHERE read_at IS NULL;

CREATE INDEX copy_reports_open ON copy_reports (study_uid, home) WHERE done_at IS NULL;
CREATE INDEX copy_reports_sop ON copy_reports (sop_uid) WHERE sop_uid IS NOT NULL;
`,
  },
  {
    name: 'radiation dose reports',
    sql: `
-- What was told of each, as JSON: the objects themselves leave the spool.
CREATE TABLE doses (
  dose_key INTEGER PRIMARY KEY, sop_uid TEXT NOT NULL UNIQUE, body TEXT NOT NULL
) STRICT;
-- Those that came before they were read.
INSERT OR IGNORE INTO report_objects (sop_uid)
  SELECT sop_uid FROM instances WHERE sop_class_uid = '1.2.840.10008.5.1.4.1.1.88.67';
`,
  },
];
