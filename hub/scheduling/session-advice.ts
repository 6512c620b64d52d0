/** How each trust stands in a modality, and which sessions would even out waits that no patient's journey does. SC-22. SQL. */
import { rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { waitsByTrust } from './refill-rows.ts';
import { DAY_MS } from './rules/facts.ts';
import { middleOf } from './rules/guardrails.ts';
import { type SessionMove, type Standing, sessionMoves } from './rules/session-moves.ts';
import { ukDay } from './rules/uk-time.ts';

/** Referrals are counted back, slots ahead. */
const COUNTED_WEEKS = 4;

export interface SessionAdvice {
  readonly modality: string;
  /** RFC 3339. */
  readonly at: string;
  readonly standings: readonly Standing[];
  readonly moves: readonly SessionMove[];
}

/** Of trusts whose diaries are kept here: what others have nobody knows. */
export function sessionAdvice(db: Sqlite, modality: string, now: number): SessionAdvice {
  const [at, span] = [rfc3339(now), COUNTED_WEEKS * 7 * DAY_MS];
  // By whole days, as diaries are kept.
  const slots = slotsByTrust(db, { modality, from: ukDay(now), to: ukDay(now + span) });
  const referrals = referralsByTrust(db, { modality, from: rfc3339(now - span), to: at });
  const waits = waitsByTrust(db, modality, at);
  const standings = [...slots].map(([trust, count]): Standing => {
    const days = waits.get(trust) ?? [];
    return {
      ...{ trust, waiting: days.length, medianWaitDays: Number(middleOf(days).toFixed(1)) },
      slotsAWeek: count / COUNTED_WEEKS,
      referralsAWeek: (referrals.get(trust) ?? 0) / COUNTED_WEEKS,
    };
  });
  return { modality, at, standings, moves: sessionMoves(standings) };
}

interface Counted {
  readonly modality: string;
  readonly from: string;
  readonly to: string;
}

const slotsByTrust = (db: Sqlite, counted: Counted): Map<string, number> =>
  byTrust(
    db,
    `SELECT r.trust AS trust, count(*) AS count FROM resources r JOIN slots s ON s.resource = r.id
       WHERE r.modality = @modality AND s.date >= @from AND s.date < @to GROUP BY r.trust ORDER BY r.trust`,
    counted,
  );

const referralsByTrust = (db: Sqlite, counted: Counted): Map<string, number> =>
  byTrust(
    db,
    `SELECT trust, count(*) AS count FROM requests
       WHERE modality = @modality AND is_cancelled = 0 AND since >= @from AND since < @to GROUP BY trust`,
    counted,
  );

const byTrust = (db: Sqlite, sql: string, counted: Counted): Map<string, number> =>
  new Map(
    statement<{ trust: string; count: number }>(db, sql)
      .all({ ...counted })
      .map(({ trust, count }) => [trust, count]),
  );
