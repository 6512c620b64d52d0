/** The clock on the wall, and what words of many systems mean, as macros of the store. */

/**
 * Summer time of the United Kingdom since 1996: last Sundays of March and October, 01:00 UTC. Only in these two months
 * is the Sunday looked for.
 */
export const MACROS = `
CREATE OR REPLACE MACRO last_sunday(y, m) AS
  (make_date(y, m, 31) - dayofweek(make_date(y, m, 31))::INTEGER)::TIMESTAMP + INTERVAL 1 HOUR;
CREATE OR REPLACE MACRO london(t) AS t + CASE
  WHEN month(t) BETWEEN 4 AND 9 THEN INTERVAL 1 HOUR
  WHEN month(t) NOT IN (3, 10) THEN INTERVAL 0 HOUR
  WHEN t >= last_sunday(year(t), 3) AND t < last_sunday(year(t), 10) THEN INTERVAL 1 HOUR
  ELSE INTERVAL 0 HOUR END;
CREATE OR REPLACE MACRO utc_of_london(w) AS w - CASE
  WHEN month(w) BETWEEN 4 AND 9 THEN INTERVAL 1 HOUR
  WHEN month(w) NOT IN (3, 10) THEN INTERVAL 0 HOUR
  WHEN w - INTERVAL 1 HOUR >= last_sunday(year(w), 3)
    AND w - INTERVAL 1 HOUR < last_sunday(year(w), 10) THEN INTERVAL 1 HOUR
  ELSE INTERVAL 0 HOUR END;
-- A place in the order of telling: when it was so, then what came first. Aggregates by it are four times as fast as by
-- a decimal; where it is kept it is a decimal, since a file of Parquet has no such integer.
CREATE OR REPLACE MACRO seq_of(moment, n) AS epoch_us(moment)::HUGEINT * 1099511627776 + n;
CREATE OR REPLACE MACRO kept_seq(seq) AS seq::DECIMAL(38, 0);
-- The first of several: as one text, since an aggregate by two columns compares rows.
CREATE OR REPLACE MACRO first_study(started_at, study_uid) AS substr(min(
  lpad((epoch_us(coalesce(started_at, TIMESTAMP '9999-01-01')) + 62135596800000000)::VARCHAR, 18, '0') || study_uid), 19);
-- A site's code is the trust's and two more: a pattern made of each row would be compiled for each.
CREATE OR REPLACE MACRO is_site_of(site, trust) AS starts_with(site, trust)
  AND regexp_full_match(substr(site, length(trust) + 1), '[0-9A-Z]{2}');
CREATE OR REPLACE MACRO day_of(t) AS london(t)::DATE;
CREATE OR REPLACE MACRO month_of(d) AS strftime(d, '%Y-%m');
CREATE OR REPLACE MACRO month_number(t) AS date_diff('month', DATE '0001-01-01', day_of(t)) + 12;
CREATE OR REPLACE MACRO month_name(n) AS printf('%04d-%02d', n // 12, n % 12 + 1);
CREATE OR REPLACE MACRO month_end(n) AS utc_of_london(make_date((n + 1) // 12, (n + 1) % 12 + 1, 1)::TIMESTAMP);
-- A sum that is the same in whatever order it is made. What is beyond any dose counts as not told.
CREATE OR REPLACE MACRO exact_sum(x) AS sum(CASE WHEN abs(x) < 1e15 THEN (x * 1e9)::HUGEINT END) / 1e9;
CREATE OR REPLACE MACRO hours_between(a, b) AS epoch_us(b - a) / 3600000000.0;
CREATE OR REPLACE MACRO days_between(a, b) AS epoch_us(b - a) / 86400000000.0;
-- How long an examination took, in whole seconds, where both ends are told and can be true.
CREATE OR REPLACE MACRO minutes_of(a, b) AS CASE WHEN b > a AND b <= a + INTERVAL 12 HOUR
  THEN (epoch_us(b - a) // 1000000) / 60.0 END;
-- How many local days before its time a booking was given back.
CREATE OR REPLACE MACRO lead_time_of(days) AS CASE
  WHEN days < 1 THEN 'on the day' WHEN days < 3 THEN '1-2 d' WHEN days < 7 THEN '3-6 d'
  WHEN days < 14 THEN '7-13 d' WHEN days IS NOT NULL THEN '14+ d' END;
-- How many before its time it was made.
CREATE OR REPLACE MACRO notice_of(days) AS CASE
  WHEN days < 2 THEN '0-1 d' WHEN days < 7 THEN '2-6 d' WHEN days < 14 THEN '7-13 d'
  WHEN days < 28 THEN '14-27 d' ELSE '28+ d' END;
CREATE OR REPLACE MACRO band_of(priority) AS CASE
  WHEN upper(priority) IN ('P1', 'S', 'STAT', 'EMERGENCY', 'IMMEDIATE', '1') THEN 'P1'
  WHEN upper(priority) IN ('P2', '2WW', 'TWW', 'USC', 'CANCER', '2') THEN 'P2'
  WHEN upper(priority) IN ('P3', 'A', 'ASAP', 'U', 'URGENT', 'T', 'C', 'P', '3') THEN 'P3'
  WHEN upper(priority) IN ('P4', 'R', 'ROUTINE', '4') THEN 'P4'
  WHEN upper(priority) IN ('P5', 'PLANNED', 'SURVEILLANCE', '5') THEN 'P5'
  ELSE 'not told' END;
CREATE OR REPLACE MACRO modality_of_nicip(code) AS CASE left(upper(code), 1)
  WHEN 'C' THEN 'CT' WHEN 'M' THEN 'MR' WHEN 'U' THEN 'US' WHEN 'X' THEN 'DX' WHEN 'F' THEN 'RF'
  WHEN 'N' THEN 'NM' WHEN 'I' THEN 'XA' END;
CREATE OR REPLACE MACRO known_modality(m) AS CASE WHEN m IN ('CT', 'MR', 'US', 'CR', 'DX', 'RG', 'XA',
  'RF', 'NM', 'PT', 'MG', 'BMD', 'DXA', 'IO', 'PX', 'ES', 'ECG', 'IVUS', 'OCT', 'OP') THEN m END;
CREATE OR REPLACE MACRO dm01_test(modality, code) AS CASE
  WHEN upper(code) LIKE 'FBAE%' THEN 'Barium Enema'
  WHEN modality IN ('BMD', 'DXA') OR upper(code) LIKE '%DEX%' THEN 'DEXA Scan'
  WHEN modality = 'MR' THEN 'Magnetic Resonance Imaging'
  WHEN modality = 'CT' THEN 'Computed Tomography'
  WHEN modality = 'US' AND upper(coalesce(code, '')) NOT LIKE 'UOB%' THEN 'Non-obstetric Ultrasound' END;
`;
