/**
 * What leads from what a project got back to whom it is of, sealed by the project's key: whoever erases that
 * key erases this, and without it no row tells which study it belongs to.
 *
 *   before a job is sent ─► keep ─► token of the new study UID, AES-256-GCM ─► of(study) ─► result-origin.ts
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { CarriedElement } from '../deidentify/carried-elements.ts';
import type { PseudonymMap } from '../deidentify/pseudonym-map.ts';
import { RouteError } from './route-error.ts';

/** As jobs: the delivery's week, and two months after it. */
const REMEMBER_MS = 68 * 86_400_000;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What one job sent under pseudonyms. */
export interface JobPseudonyms {
  readonly jobKey: number;
  readonly studyInstanceUID: string;
  /** The study's patient, as the index had it. */
  readonly patient: {
    readonly patientId: string;
    readonly issuer: string;
    readonly birthDate: string | null;
  };
  /** SOP Instance UIDs as they were sent. */
  readonly sent: readonly string[];
  readonly map: PseudonymMap;
}

export class PseudonymStore {
  readonly #statements: ReturnType<typeof prepareStatements>;

  constructor(db: Sqlite) {
    this.#statements = prepareStatements(db);
  }

  /** @param key of re-identification @param newStudyUID as it is sent */
  keep(key: Buffer, newStudyUID: string, job: JobPseudonyms, now: number): void {
    const jobToken = tokenOf(key, 'job', `${job.jobKey}`);
    this.#statements.keep.run(
      ...([jobToken, tokenOf(key, 'study', newStudyUID), seal(key, jobToken, job), now] as const),
    );
  }

  /** @throws RouteError for what the key does not open */
  ofJob(key: Buffer, jobKey: number): JobPseudonyms | undefined {
    const row = this.#statements.ofJob.get(tokenOf(key, 'job', `${jobKey}`));
    return row && open(key, row);
  }

  /** Of a study as it was sent; none when the key is another. @throws RouteError */
  ofStudy(key: Buffer, newStudyUID: string): JobPseudonyms[] {
    return this.#statements.ofStudy
      .all(tokenOf(key, 'study', newStudyUID))
      .map((row) => open(key, row));
  }

  forgetOld(now: number): void {
    this.#statements.forget.run(now - REMEMBER_MS);
  }
}

interface SealedRow {
  readonly jobToken: Buffer;
  readonly sealed: Buffer;
}

const tokenOf = (key: Buffer, kind: 'job' | 'study', of: string): Buffer =>
  createHmac('sha256', key).update(`${kind}\0${of}`).digest();

function seal(key: Buffer, jobToken: Buffer, job: JobPseudonyms): Buffer {
  const { uids, dates, texts, ...map } = job.map;
  const entries = { uids: [...uids], dates: [...dates], texts: [...texts] };
  const plain = deflateRawSync(JSON.stringify({ ...job, map: { ...map, ...entries } }));
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(jobToken);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

interface Opened extends Omit<JobPseudonyms, 'map'> {
  readonly map: {
    readonly patient: string;
    readonly charset: string;
    readonly identity: readonly CarriedElement[];
    readonly uids: readonly (readonly [string, string])[];
    readonly dates: readonly (readonly [string, string])[];
    readonly texts: readonly (readonly [string, string])[];
  };
}

function open(key: Buffer, { jobToken, sealed }: SealedRow): JobPseudonyms {
  try {
    const nonce = sealed.subarray(0, NONCE_BYTES);
    const text = sealed.subarray(NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce)
      .setAAD(jobToken)
      .setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    const plain = inflateRawSync(Buffer.concat([decipher.update(text), decipher.final()]));
    const { map, ...job } = JSON.parse(plain.toString('utf8')) as Opened;
    const { uids, dates, texts } = map;
    const maps = { uids: new Map(uids), dates: new Map(dates), texts: new Map(texts) };
    return { ...job, map: { ...map, ...maps } };
  } catch (cause) {
    throw new RouteError("what leads back from a project's pseudonyms was damaged or changed", {
      cause,
    });
  }
}

function prepareStatements(db: Sqlite) {
  return {
    keep: db.prepare<[Buffer, Buffer, Buffer, number]>(
      `INSERT INTO route_pseudonyms VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET study_token = excluded.study_token, sealed = excluded.sealed, kept_at = excluded.kept_at`,
    ),
    ofJob: db.prepare<[Buffer], SealedRow>(
      'SELECT job_token AS jobToken, sealed FROM route_pseudonyms WHERE job_token = ?',
    ),
    ofStudy: db.prepare<[Buffer], SealedRow>(
      `SELECT job_token AS jobToken, sealed FROM route_pseudonyms
       WHERE study_token = ? ORDER BY kept_at`,
    ),
    forget: db.prepare<[number]>('DELETE FROM route_pseudonyms WHERE kept_at < ?'),
  };
}
