/**
 * Whose studies a PACS is asked for by patient, because old ones may have come: imports of the CDs that a patient
 * brings carry the dates of their examinations, which the sweeps of the last days do not look at.
 *
 *   a study of the last days, an order ─► the patient ─► asked every few hours, while the care lasts
 *
 * One short query a patient. Those of whom nothing is told here wait for the daily look at all days.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The same patient is asked for again after so long. */
const AGAIN_MS = 3 * HOUR_MS;
/** Care that is this long past brings no further imports. */
export const CARE_MS = 2 * DAY_MS;
/** How often it is looked who is new, when nobody was left. */
const LOOK_MS = 60_000;

export interface InCare {
  readonly now: number;
  /** YYYYMMDD: studies of this day or later. */
  readonly sinceDay: string;
  readonly limit: number;
}

export class PatientsInCare {
  readonly #peer: string;
  readonly #next;
  readonly #asked;
  readonly #forget;
  #lookAt = 0;

  constructor(db: Sqlite, { peer, trust }: { peer: string; trust: string }) {
    this.#peer = peer;
    const due = db.prepare<object, string>(
      `SELECT patient_id FROM (
         SELECT patient_id FROM studies WHERE study_date >= @sinceDay AND home = @trust
         UNION
         SELECT patient_id FROM orders WHERE updated_at >= @since
       ) p
       WHERE patient_id <> '' AND NOT EXISTS (SELECT 1 FROM crawl_patients c
         WHERE c.peer = @peer AND c.patient_id = p.patient_id AND c.asked_at > @before)
       LIMIT @limit`,
    );
    this.#next = (given: object): string[] =>
      due.pluck().all({ ...given, peer, trust }) as string[];
    this.#asked = db.prepare<[string, string, number]>(
      'INSERT OR REPLACE INTO crawl_patients (peer, patient_id, asked_at) VALUES (?, ?, ?)',
    );
    this.#forget = db.prepare<[string, number]>(
      'DELETE FROM crawl_patients WHERE peer = ? AND asked_at <= ?',
    );
  }

  /** Patient IDs that are due. Those that would match other patients' are left out: PS3.4 C.2.2.2.4. */
  due({ now, sinceDay, limit }: InCare): string[] {
    if (now < this.#lookAt) return [];
    const since = now - CARE_MS;
    const found = this.#next({ sinceDay, since, limit, before: now - AGAIN_MS });
    if (found.length < limit) this.#lookAt = now + LOOK_MS;
    this.#forget.run(this.#peer, now - CARE_MS);
    for (const patientId of found.filter(isAmbiguous)) this.asked(patientId, now);
    return found.filter((patientId) => !isAmbiguous(patientId));
  }

  asked(patientId: string, now: number): void {
    this.#asked.run(this.#peer, patientId, now);
  }
}

const isAmbiguous = (patientId: string): boolean => /[*?\\]/.test(patientId);
