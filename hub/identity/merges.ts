/**
 * Merges of patients and their undoing, as trusts told them, and their place in the audit trail. ID-13 of the
 * domain notes: nothing moves by a merge, so that the trail of it is what tells why two numbers are shown as one.
 *
 *   patient event ─► points elsewhere than before? ─► patient_merges ─► audit trail, once
 */
import { type AuditEntry, auditedPatient } from '../../shared/audit/entry.ts';
import type { PatientEvent } from '../../shared/contract/events.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';

const LOOK_MS = 5_000;
const CHUNK = 200;

interface Pointer {
  readonly patientId: string;
  readonly issuer: string;
}

/** Within the transaction that applies the event, before the patient's row is replaced. */
export function noteMerge(db: Sqlite, { trust, patient, mergedInto, asOf }: PatientEvent): void {
  const { patientId, issuer, nhsNumber } = patient;
  const before = db
    .prepare<[string, string, string], { id: string | null; issuer: string | null }>(
      `SELECT merged_into_id AS id, merged_into_issuer AS issuer FROM patients
       WHERE trust = ? AND patient_id = ? AND issuer = ?`,
    )
    .get(trust, patientId, issuer);
  const from = before?.id ? { patientId: before.id, issuer: before.issuer ?? '' } : null;
  if (isSame(from, mergedInto)) return;
  const insert = db.prepare<[object]>(
    `INSERT INTO patient_merges (trust, prior_id, prior_issuer, prior_nhs_number, other_id,
       other_issuer, kind, as_of) VALUES (@trust, @patientId, @issuer, @nhsNumber, @otherId,
       @otherIssuer, @kind, @asOf)`,
  );
  const prior = { trust, patientId, issuer, nhsNumber, asOf };
  const note = (kind: string, other: Pointer): void =>
    void insert.run({ ...prior, kind, otherId: other.patientId, otherIssuer: other.issuer });
  if (from !== null) note('unmerge', from);
  if (mergedInto !== null) note('merge', mergedInto);
}

const isSame = (a: Pointer | null, b: Pointer | null): boolean =>
  a?.patientId === b?.patientId && a?.issuer === b?.issuer;

interface MergeRow {
  readonly mergeKey: number;
  readonly trust: string;
  readonly priorId: string;
  readonly priorIssuer: string;
  readonly priorNhsNumber: string | null;
  readonly otherId: string;
  readonly otherIssuer: string;
  readonly kind: 'merge' | 'unmerge';
  readonly asOf: string;
}

export interface MergeAuditOptions {
  readonly db: Sqlite;
  readonly audit: {
    append(entry: AuditEntry): void;
    find(
      filter: { patient: string; user: string },
      page: { limit: number; offset: number },
    ): { readonly events: readonly { readonly query: Readonly<Record<string, unknown>> }[] };
  };
  readonly log: Log;
}

export class MergeAudit {
  readonly #options: MergeAuditOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MergeAuditOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.#lookOrReport(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Records what is not recorded yet; a view that was built anew records nothing twice. */
  look(): void {
    const { db } = this.#options;
    const done = db.prepare<[number]>(
      'UPDATE patient_merges SET is_audited = 1 WHERE merge_key = ?',
    );
    const rows = db
      .prepare<[number], MergeRow>(
        `SELECT merge_key AS mergeKey, trust, prior_id AS priorId, prior_issuer AS priorIssuer,
           prior_nhs_number AS priorNhsNumber, other_id AS otherId, other_issuer AS otherIssuer,
           kind, as_of AS asOf
         FROM patient_merges WHERE is_audited = 0 ORDER BY merge_key LIMIT ?`,
      )
      .all(CHUNK);
    for (const row of rows) {
      this.#record(row);
      done.run(row.mergeKey);
    }
  }

  #record({ trust, priorId, priorIssuer, priorNhsNumber, ...row }: MergeRow): void {
    const { audit, db } = this.#options;
    const { kind, otherId, otherIssuer, asOf } = row;
    const user = `PAS of ${trust}`;
    const [prior, other] = [`${priorId}^^^${priorIssuer}`, `${otherId}^^^${otherIssuer}`];
    const query = { prior, [kind === 'merge' ? 'into' : 'from']: other, asOf };
    const known = audit.find({ patient: prior, user }, { limit: 100, offset: 0 }).events;
    if (known.some((event) => JSON.stringify(event.query) === JSON.stringify(query))) return;
    const nhsNumber = db
      .prepare<[string, string, string], string | null>(
        'SELECT nhs_number FROM patients WHERE trust = ? AND patient_id = ? AND issuer = ?',
      )
      .pluck()
      .get(trust, otherId, otherIssuer);
    const numbers = [
      auditedPatient({ nhsNumber: priorNhsNumber, patientId: priorId, issuer: priorIssuer }),
      auditedPatient({ nhsNumber: nhsNumber ?? null, patientId: otherId, issuer: otherIssuer }),
    ];
    audit.append({
      ...{ event: 'identity', action: 'U', outcome: 0, code: null, user, role: 'edge', trust },
      ...{ what: `patient ${kind}`, address: null, purpose: null, query },
      patients: [...new Set([prior, other, ...numbers])],
      ...{ studies: [], homes: [trust] },
    });
  }

  #lookOrReport(): void {
    try {
      this.look();
    } catch (error) {
      this.#options.log.error('identity.audit-failed', { code: codeOf(error) });
    }
  }
}
