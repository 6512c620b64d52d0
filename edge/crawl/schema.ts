/** What the PACS of the trust hold, and how far they have been asked. Times are milliseconds since the epoch, days YYYYMMDD. */
import type { Migration } from '../../shared/sqlite/open.ts';

export const crawlSchema: readonly Migration[] = [
  {
    name: 'studies of each PACS, sweeps, days',
    sql: `
-- Every study that a PACS has answered; gone_at: it was asked twice and does not hold it any more.
CREATE TABLE pacs_studies (
  peer TEXT NOT NULL, study_uid TEXT NOT NULL,
  -- acquisition day, or 'undated'
  day TEXT NOT NULL,
  -- what the PACS says; null: it does not. modalities: sorted, a backslash between them
  series INTEGER, instances INTEGER, modalities TEXT NOT NULL,
  -- the PACS's copy of another trust's study
  is_import INTEGER NOT NULL,
  first_at INTEGER NOT NULL, seen_at INTEGER NOT NULL,
  -- when its series were asked for, because counts were missing
  counted_at INTEGER,
  -- when the PACS first did not name it; asked again later
  missed_at INTEGER,
  gone_at INTEGER,
  PRIMARY KEY (peer, study_uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX pacs_studies_day ON pacs_studies (peer, day);
CREATE INDEX pacs_studies_uid ON pacs_studies (study_uid);
CREATE INDEX pacs_studies_missed ON pacs_studies (peer, missed_at)
  WHERE missed_at IS NOT NULL AND gone_at IS NULL;
CREATE INDEX pacs_studies_uncounted ON pacs_studies (peer, day)
  WHERE (instances IS NULL OR series IS NULL OR modalities = '') AND gone_at IS NULL;

-- A sweep asks a PACS for a stretch of days, the newest first, again and again.
CREATE TABLE crawl_sweeps (
  peer TEXT NOT NULL, name TEXT NOT NULL,
  -- the newest day that is still to be asked in this run; null: no run is under way
  next_day TEXT,
  -- how many days are asked at once
  span_days INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  started_at INTEGER, finished_at INTEGER,
  -- of the run under way, or of the last one
  days INTEGER NOT NULL DEFAULT 0, studies INTEGER NOT NULL DEFAULT 0,
  added INTEGER NOT NULL DEFAULT 0,
  -- of the last one that ended: {at, days, studies, added}
  last_result TEXT,
  PRIMARY KEY (peer, name)
) STRICT, WITHOUT ROWID;

-- Days with studies, as the PACS last answered them; is_cut: it would not tell all of them.
CREATE TABLE crawl_days (
  peer TEXT NOT NULL, day TEXT NOT NULL,
  pacs INTEGER NOT NULL, is_cut INTEGER NOT NULL, asked_at INTEGER NOT NULL,
  PRIMARY KEY (peer, day)
) STRICT, WITHOUT ROWID;

-- What was learnt of a PACS: how many answers are known to be no cap, the cap, whether it wants few keys.
CREATE TABLE crawl_peers (
  peer TEXT PRIMARY KEY,
  uncapped INTEGER NOT NULL DEFAULT 0, cap INTEGER, has_few_keys INTEGER NOT NULL DEFAULT 0,
  answered_at INTEGER,
  -- why it stands still; null: it does not
  reason_code TEXT, reason_detail TEXT, reason_at INTEGER
) STRICT, WITHOUT ROWID;
`,
  },
  {
    name: 'patients whose old studies were asked for',
    sql: `
CREATE TABLE crawl_patients (
  peer TEXT NOT NULL, patient_id TEXT NOT NULL, asked_at INTEGER NOT NULL,
  PRIMARY KEY (peer, patient_id)
) STRICT, WITHOUT ROWID;
`,
  },
];
