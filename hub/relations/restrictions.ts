/**
 * What is kept closer than the rest: patients and studies that their trust restricted (HL7 table 0177: R, V), and
 * patients with the S-flag. As it stands in the log: `cdip.hub.restriction.<id>`; the newest counts. ID-20 to ID-22.
 */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { ODSCode } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { statement } from '../../shared/sqlite/statement.ts';
import { CONFIDENTIALITIES, type Confidentiality, strictest } from '../access/decide.ts';
import type { IdentityKey } from '../identity/identities.ts';
import type { HubDecision } from '../projection/projection.ts';

/** Why: in the words of the form. */
export const RESTRICTION_KINDS = {
  'staff-or-public-figure': 'Member of staff, or known to the public',
  'sexual-assault': 'Sexual assault',
  safeguarding: 'Safeguarding',
  prison: 'Prison or custody',
  'sexual-health': 'Sexual health, by law',
  'fertility-treatment': 'Fertility treatment, by law',
  'patient-objects': 'The patient objects to sharing',
} as const;
export type RestrictionKind = keyof typeof RESTRICTION_KINDS;

export const RestrictionSchema = z.object({
  v: z.literal(1),
  /** Whose patient or study it is. */
  trust: ODSCode,
  /** One of the two. */
  patient: z.object({ patientId: z.string(), issuer: z.string() }).nullable(),
  studyInstanceUID: z.string().nullable(),
  /** N: not restricted any more. */
  level: z.enum(CONFIDENTIALITIES),
  kind: z.string(),
  reason: z.string(),
  by: z.string(),
  at: z.iso.datetime(),
});
export type Restriction = z.output<typeof RestrictionSchema>;

type Subject = Pick<Restriction, 'trust' | 'patient' | 'studyInstanceUID'>;

/** Tells nothing of whom it is. */
export const restrictionId = ({ trust, patient, studyInstanceUID }: Subject): string =>
  createHash('sha256')
    .update(JSON.stringify([trust, patient?.patientId, patient?.issuer, studyInstanceUID]))
    .digest('hex')
    .slice(0, 32);

/** @throws ZodError for a body of another version */
export function applyRestriction(db: Sqlite, { id, body, streamSeq }: HubDecision): [] {
  const one = RestrictionSchema.parse(body);
  db.prepare<[object]>(
    `INSERT OR REPLACE INTO restrictions
     VALUES (@id, @trust, @patientId, @issuer, @study, @level, @streamSeq, @body)`,
  ).run({
    ...{ id, streamSeq, trust: one.trust, level: one.level, study: one.studyInstanceUID },
    ...{ patientId: one.patient?.patientId ?? null, issuer: one.patient?.issuer ?? null },
    body: JSON.stringify(one),
  });
  return [];
}

interface Row {
  readonly id: string;
  readonly streamSeq: number;
  readonly body: string;
}

export interface RestrictionRecord extends Restriction {
  readonly id: string;
  readonly streamSeq: number;
}

const recordOf = ({ id, streamSeq, body }: Row): RestrictionRecord => ({
  ...(JSON.parse(body) as Restriction),
  ...{ id, streamSeq },
});
const COLUMNS = 'id, stream_seq AS streamSeq, body';

export function findRestriction(db: Sqlite, id: string): RestrictionRecord | undefined {
  const row = statement<Row>(db, `SELECT ${COLUMNS} FROM restrictions WHERE id = ?`).get(id);
  return row && recordOf(row);
}

/** Those in force, the newest first; of one trust, or of all. */
export function listRestrictions(
  db: Sqlite,
  trust: string | null,
  page: { limit: number; offset: number },
): { readonly restrictions: RestrictionRecord[]; readonly total: number } {
  const from = `FROM restrictions WHERE level <> 'N' AND (@trust IS NULL OR trust = @trust)`;
  const given = { trust, ...page };
  const rows = statement<Row>(
    db,
    `SELECT ${COLUMNS} ${from} ORDER BY stream_seq DESC LIMIT @limit OFFSET @offset`,
  ).all(given);
  const total = statement<{ n: number }>(db, `SELECT count(*) AS n ${from}`).get({ trust })?.n ?? 0;
  return { restrictions: rows.map(recordOf), total };
}

/** Of the study, as its home has restricted it, the order that it was made for, or its own objects do. */
export function levelOfStudy(db: Sqlite, studyInstanceUID: string, home: string): Confidentiality {
  const sql = `SELECT level FROM restrictions WHERE study_uid = @uid AND trust = @home
    UNION ALL SELECT level FROM order_levels WHERE study_uid = @uid AND trust = @home
    UNION ALL SELECT level FROM studies
      WHERE study_uid = @uid AND home = @home AND trust = @home AND level IS NOT NULL
    UNION ALL SELECT o.level FROM studies s CROSS JOIN order_levels o
      ON o.trust = s.home AND o.accession_number = s.accession_number
      WHERE s.study_uid = @uid AND s.home = @home AND s.trust = s.home`;
  return statement<{ level: Confidentiality }>(db, sql)
    .all({ uid: studyInstanceUID, home })
    .reduce<Confidentiality>((level, row) => strictest(level, row.level), 'N');
}

/** A report, by what it is of. */
export interface ReportAsked extends IdentityKey {
  readonly studyInstanceUIDs: readonly string[];
  readonly accessionNumbers: readonly string[];
}

/** The strictest of the studies that it is of. */
export function levelOfReport(db: Sqlite, report: ReportAsked): Confidentiality {
  const sql = `SELECT r.level FROM json_each(@uids) u CROSS JOIN restrictions r
      ON r.study_uid = u.value AND r.trust = @trust
    UNION ALL
    SELECT r.level FROM json_each(@numbers) a CROSS JOIN studies s ON s.accession_number = a.value
      AND s.trust = @trust AND s.home = @trust
    JOIN restrictions r ON r.study_uid = s.study_uid AND r.trust = s.home
    UNION ALL
    SELECT s.level FROM json_each(@uids) u CROSS JOIN studies s ON s.study_uid = u.value
      AND s.trust = @trust AND s.home = @trust WHERE s.level IS NOT NULL
    UNION ALL
    SELECT s.level FROM json_each(@numbers) a CROSS JOIN studies s ON s.accession_number = a.value
      AND s.trust = @trust AND s.home = @trust WHERE s.level IS NOT NULL
    UNION ALL
    SELECT o.level FROM json_each(@numbers) a CROSS JOIN order_levels o
      ON o.trust = @trust AND o.accession_number = a.value
    UNION ALL
    SELECT o.level FROM json_each(@uids) u CROSS JOIN order_levels o
      ON o.study_uid = u.value AND o.trust = @trust`;
  return statement<{ level: Confidentiality }>(db, sql)
    .all({
      trust: report.trust,
      uids: JSON.stringify(report.studyInstanceUIDs),
      numbers: JSON.stringify(report.accessionNumbers),
    })
    .reduce<Confidentiality>((level, row) => strictest(level, row.level), 'N');
}

/**
 * Of a row `x` of studies: it says so itself, or stands under somebody, or an order, that is restricted. The rule in SQL, for whoever asks
 * of many studies at once.
 */
export const ROW_IS_RESTRICTED = `
      x.level IS NOT NULL OR
      x.nhs_number IN (SELECT nhs_number FROM patients WHERE restricted = 1 AND nhs_number IS NOT NULL)
      OR EXISTS (SELECT 1 FROM patients p WHERE p.trust = x.trust AND p.patient_id = x.patient_id
        AND p.issuer = x.patient_issuer AND p.restricted = 1)
      OR EXISTS (SELECT 1 FROM restrictions r WHERE r.trust = x.trust AND r.level <> 'N'
        AND r.patient_id = x.patient_id AND r.issuer = x.patient_issuer)
      OR EXISTS (SELECT 1 FROM order_levels o WHERE x.trust = x.home AND o.trust = x.home
        AND (o.accession_number = x.accession_number OR o.study_uid = x.study_uid))`;

/** By what it stands under at any trust; quick, for feeds: who is restricted under another number is not looked for. */
export function isStudyRestricted(db: Sqlite, studyInstanceUID: string): boolean {
  const sql = `SELECT 1 AS one FROM studies x WHERE x.study_uid = @uid AND (${ROW_IS_RESTRICTED})
    UNION ALL SELECT 1 FROM restrictions WHERE study_uid = @uid AND level <> 'N' LIMIT 1`;
  return statement(db, sql).get({ uid: studyInstanceUID }) !== undefined;
}

const keysOf = (members: readonly IdentityKey[]): string =>
  JSON.stringify(members.map((one) => [one.trust, one.patientId, one.issuer]));

/** Of the patient at one trust: a trust restricts its own record, not those of others. */
export function levelsOfPatient(
  db: Sqlite,
  members: readonly IdentityKey[],
): ReadonlyMap<string, Confidentiality> {
  const rows = statement<{ trust: string; level: Confidentiality }>(
    db,
    `SELECT t.trust, t.level FROM json_each(?) k CROSS JOIN restrictions t ON t.trust = k.value ->> 0
       AND t.patient_id = k.value ->> 1 AND t.issuer = k.value ->> 2`,
  ).all(keysOf(members));
  const levels = new Map<string, Confidentiality>();
  for (const { trust, level } of rows)
    levels.set(trust, strictest(levels.get(trust) ?? 'N', level));
  return levels;
}

/** The S-flag, whichever trust told it: also one of whom it is only doubted that it is the same person. */
export function isSensitive(
  db: Sqlite,
  members: readonly (IdentityKey & { readonly nhsNumber: string | null })[],
): boolean {
  const numbers = JSON.stringify(members.flatMap(({ nhsNumber }) => nhsNumber ?? []));
  const found = statement<{ one: number }>(
    db,
    `SELECT 1 AS one FROM json_each(@keys) k CROSS JOIN patients t ON t.trust = k.value ->> 0
       AND t.patient_id = k.value ->> 1 AND t.issuer = k.value ->> 2 WHERE t.restricted = 1
     UNION ALL
     SELECT 1 FROM json_each(@numbers) n CROSS JOIN patients p ON p.nhs_number = n.value AND p.restricted = 1
     LIMIT 1`,
  ).get({ keys: keysOf(members), numbers });
  return found !== undefined;
}
