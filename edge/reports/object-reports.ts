/**
 * Reports among the objects that the trust's own modalities and PACS send: read once they are durable, and told as
 * those of the RIS are; reports of radiation dose for the measures.
 *
 *   object stored ─► report_objects, in its transaction ─► read ─┬─► Records ─► the hub is told
 *                                                                └─► doses ─► the hub is told
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { DoseEvent, EventBody, Patient } from '../../shared/contract/events.ts';
import { readSmallDataSet, type SmallDataSet } from '../../shared/dicom/small-data-set.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { utcOfLocal, type ZonedClock } from '../../shared/time-zone.ts';
import type { EdgeIndex, ObjectListener } from '../index/edge-index.ts';
import type { Records } from '../index/records/records.ts';
import type { PatientFacts } from '../index/records/types.ts';
import type { StoredInstance } from '../index/types.ts';
import { readDataSet } from '../spool/read-instance.ts';
import type { Spool } from '../spool/spool.ts';
import { isDoseClass, isDoseReport, readDoseReport } from './read-dose-report.ts';
import { isReportClass, readObjectReport } from './read-structured-report.ts';

const LOOK_MS = 1_000;
const CHUNK = 20;
/** A document that is larger is looked at as an object only. */
const MAX_BYTES = 50_000_000;

export interface ObjectReportsOptions {
  readonly trust: string;
  readonly db: Sqlite;
  readonly index: Pick<EdgeIndex, 'findInstance' | 'studyState'>;
  readonly spool: Spool;
  readonly records: Pick<Records, 'apply'>;
  /** What the hub is told of dose, in the transaction that is open. */
  readonly tellDose: (body: EventBody<DoseEvent>) => void;
  readonly zone: ZonedClock;
  readonly now: () => number;
  readonly log: Log;
}

/** Notes what is to be read. Results of AI models, and copies, are none of the trust's reports. */
export function reportInlet(db: Sqlite, trust: string): ObjectListener {
  const insert = db.prepare<[string]>('INSERT OR IGNORE INTO report_objects (sop_uid) VALUES (?)');
  return ({ attributes, home }) => {
    const { sopClassUID, sopInstanceUID, modified = [] } = attributes;
    const isOurs = modified.some(({ system }) => system === `CDIP_${trust}`);
    const isRead = isReportClass(sopClassUID) || isDoseClass(sopClassUID);
    if (home === trust && !isOurs && isRead) insert.run(sopInstanceUID);
  };
}

export class ObjectReports {
  readonly #options: ObjectReportsOptions;
  readonly #waiting;
  readonly #done;
  readonly #reportOf;
  readonly #putDose;
  readonly #dosesAfter;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ObjectReportsOptions) {
    this.#options = options;
    const { db } = options;
    this.#waiting = db
      .prepare<[number], string>(
        'SELECT sop_uid FROM report_objects WHERE read_at IS NULL ORDER BY rowid LIMIT ?',
      )
      .pluck();
    this.#done = db.prepare<[number, string | null, string | null, string]>(
      'UPDATE report_objects SET read_at = ?, report_id = ?, code = ? WHERE sop_uid = ?',
    );
    this.#reportOf = db
      .prepare<[string], string | null>('SELECT report_id FROM report_objects WHERE sop_uid = ?')
      .pluck();
    this.#putDose = db.prepare<[string, string]>(
      'INSERT OR REPLACE INTO doses (sop_uid, body) VALUES (?, ?)',
    );
    this.#dosesAfter = db.prepare<[number, number], { dose_key: number; body: string }>(
      'SELECT dose_key, body FROM doses WHERE dose_key > ? ORDER BY dose_key LIMIT ?',
    );
  }

  start(): void {
    this.#timer = setInterval(() => this.#begin(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Reads what waits, in the order in which it came. */
  async look(): Promise<void> {
    for (const uid of this.#waiting.all(CHUNK)) await this.#read(uid);
  }

  /** All that was told of dose, in chunks, in the order in which it came: for a hub that lost everything. */
  *everyDose(chunk: number): Generator<EventBody<DoseEvent>[]> {
    let after: number | undefined = 0;
    while (after !== undefined) {
      const rows: { dose_key: number; body: string }[] = this.#dosesAfter.all(after, chunk);
      yield rows.map(({ body }) => JSON.parse(body) as EventBody<DoseEvent>);
      after = rows.at(-1)?.dose_key;
    }
  }

  #begin(): void {
    this.#running ??= this.look()
      .catch((error: unknown) =>
        this.#options.log.error('report.look-failed', { code: codeOf(error), error }),
      )
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #read(sopInstanceUID: string): Promise<void> {
    const { index, trust, db, log, now } = this.#options;
    const object = index.findInstance(sopInstanceUID, trust);
    if (object === undefined || object.dataSetBytes > MAX_BYTES) {
      this.#done.run(now(), null, null, sopInstanceUID);
      return;
    }
    try {
      const dataSet = readSmallDataSet(object.transferSyntaxUID, await this.#bytesOf(object));
      const tell = isDoseReport(dataSet) ? this.#tellDose : this.#tell;
      db.transaction(() => tell.call(this, object, dataSet)).immediate();
    } catch (error) {
      const code = codeOf(error);
      if (code.startsWith('SQLITE_')) throw error;
      log.warn('report.object-unread', { sopInstanceUID, code });
      this.#done.run(now(), null, code, sopInstanceUID);
    }
  }

  #tell(object: StoredInstance, dataSet: SmallDataSet): void {
    const { index, trust, zone, records, now } = this.#options;
    const { sopClassUID, sopInstanceUID, studyInstanceUID } = object;
    const study = index.studyState(studyInstanceUID, trust);
    const report = readObjectReport({
      ...{ dataSet, sopClassUID, sopInstanceUID, receivedAt: rfc3339(now()) },
      toUTC: (date, time) => utcOf(date, time, zone),
      reportOf: (uid) => this.#reportOf.get(uid) ?? undefined,
    });
    if (report !== undefined && study !== undefined) {
      // Whatever PAS or RIS say of the patient is newer.
      const asOf = rfc3339(0);
      const patient = knownOf(study.patient);
      records.apply({ kind: 'report', patient, report }, { asOf, now: now() });
    }
    this.#done.run(now(), report?.reportId ?? null, null, sopInstanceUID);
  }

  #tellDose({ sopInstanceUID }: StoredInstance, dataSet: SmallDataSet): void {
    const { zone, now, tellDose } = this.#options;
    const dose = readDoseReport({
      ...{ dataSet, sopInstanceUID, receivedAt: rfc3339(now()) },
      toUTC: (date, time) => utcOf(date, time, zone),
    });
    if (dose !== undefined) {
      this.#putDose.run(sopInstanceUID, JSON.stringify(dose));
      tellDose(dose);
    }
    this.#done.run(now(), null, null, sopInstanceUID);
  }

  async #bytesOf(object: StoredInstance): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of readDataSet(this.#options.spool.absolute(object.path), object))
      chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  }
}

/** What an object does not say is not told as empty. */
function knownOf({ patientId, issuer, nhsNumber, name, birthDate, sex }: Patient): PatientFacts {
  return {
    ...{ patientId, issuer, nhsNumber: nhsNumber ?? undefined, name: name ?? undefined },
    ...{ birthDate: birthDate ?? undefined, sex: sex ?? undefined },
  };
}

function utcOf(date: string, time: string, zone: ZonedClock): string | null {
  const match = /^(\d{4})(\d{2})(\d{2})$/.exec(date);
  const clock = /^(\d{2})(\d{2})?(\d{2})?/.exec(time);
  if (match === null) return null;
  const [, year, month, day] = match.map(Number);
  const [, hour = 0, minute = 0, second = 0] = clock?.map((part) => Number(part ?? 0)) ?? [];
  const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second);
  if (Number.isNaN(local)) return null;
  return rfc3339(utcOfLocal(local, zone));
}
