/**
 * A network of 15 trusts whose past is known: examinations from the request to the report over the change of
 * the hour, moved and missed bookings, addenda, withdrawn reports, examinations reported together, merged
 * patients, images fetched, reports by others; and all of it told late, twice and out of order. The same seed
 * gives the same world. What the measures must say of it is counted apart, by measure-truth.py.
 */
import { randomFrom } from '../../demo/phantom/random.ts';
import type { CountedEvent } from '../../hub/projection/measure-inbox.ts';
import {
  CLASSES,
  CODES,
  EXAMINATIONS,
  iso,
  LEVELS,
  onTheWall,
  type Person,
  PRIORITIES,
  REASONS,
  SESSIONS,
  type WorldFetch,
  type WorldView,
  who,
} from './measure-world-words.ts';
import { nhsNumberOf } from './population.ts';

export const WORLD_TRUSTS = [
  ...['RRK', 'RJE', 'RXK', 'RBK', 'RKB', 'RNA', 'RWP', 'RQ3', 'RYW', 'RXW', 'RL4', 'RJC', 'RLT'],
  ...['RLQ', 'R1D'],
] as const;
/** The data are as of then. */
export const WORLD_NOW = '2026-07-10T09:30:00.000Z';
const FIRST = Date.parse('2026-01-05T00:00:00Z');
const DAYS = 170;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export interface World {
  readonly events: readonly CountedEvent[];
  readonly fetches: readonly WorldFetch[];
  /** Rows of the hub's audit trail: who opened what. */
  readonly views: readonly WorldView[];
  /** Rows of kinds that come by CSV. */
  readonly csv: Readonly<
    Record<'session' | 'dose' | 'alert' | 'review' | 'code' | 'level' | 'reason', readonly object[]>
  >;
}

/** @param trusts that it is about; the fewer, the denser, as with the people */
export function measureWorld(
  exams: number,
  seed: string,
  trusts: readonly string[] = WORLD_TRUSTS,
  people = 900,
): World {
  const world = new Builder(seed, trusts, people);
  for (let at = 0; at < exams; at += 1) world.examination(at);
  world.mergeSome();
  world.csvFacts();
  return world.done();
}

class Builder {
  readonly #trusts: readonly string[];
  readonly #people: number;
  readonly #random: () => number;
  readonly #events: CountedEvent[] = [];
  readonly #fetches: WorldFetch[] = [];
  readonly #views: WorldView[] = [];
  readonly #csv = {
    session: [] as object[],
    dose: [] as object[],
    alert: [] as object[],
    review: [] as object[],
    code: CODES.filter((_, at) => at % 3 !== 1).map(([code, modality, region]) => ({
      ...{ code, modality, region, reporting_minutes: modality === 'MR' ? 20 : 10 },
      ...(code in EXAMINATIONS ? { examination: EXAMINATIONS[code] } : {}),
      ...(code === 'UABDO' ? { delegated: true } : {}),
    })) as object[],
    level: LEVELS as object[],
    // What a trust's own code means.
    reason: [{ trust: 'RRK', told: 'cx7', common: 'staff' }] as object[],
  };
  /** When somebody was on a scanner. */
  readonly #times: { trust: string; at: number }[] = [];
  readonly #merges: { trust: string; from: Person; to: Person }[] = [];
  #seq = 0;
  #earlier: { trust: string; accession: string; patient: Person; endedAt: number } | undefined;

  constructor(seed: string, trusts: readonly string[], people: number) {
    this.#trusts = trusts;
    this.#people = people;
    this.#random = randomFrom(seed);
  }

  examination(number: number): void {
    const trust = this.#pick(this.#trusts);
    const person = this.#person();
    const [code, modality, region] = this.#pick(CODES);
    const accession = `A${number}`;
    const requestedAt = FIRST + Math.floor(this.#random() * DAYS * DAY);
    const priority = this.#pick(PRIORITIES);
    const waitMs = (priority === 'STAT' ? 6 * HOUR : 55 * DAY) * this.#random() + HOUR;
    const startedAt = requestedAt + Math.floor(waitMs);
    const fate = this.#random();
    const order = {
      ...{
        kind: 'order',
        trust,
        orderId: accession,
        accessionNumber: accession,
        patient: who(trust, person),
      },
      ...{ accessionIssuer: null, placerNumber: `P${number}`, fillerNumber: null, modality },
      ...{ procedure: { code, text: null, system: 'NICIP' }, priority, referrer: null },
      ...{ requestedAt: iso(requestedAt), location: `${trust}0${number % 2}`, reason: null },
      ...{ studyInstanceUID: null, patientClass: this.#pick(CLASSES) },
    };
    const tell = (asOf: number, over: object): void =>
      this.#tell({ ...order, ...over, asOf: iso(asOf) });
    tell(requestedAt + 5 * 60_000, { status: 'requested', scheduledAt: null });
    const bookedAt = requestedAt + Math.floor(waitMs * 0.3);
    tell(bookedAt, { status: 'scheduled', scheduledAt: iso(startedAt) });
    this.#bookings({ number, trust, person, bookedAt, startedAt, isCancelled: fate < 0.06 });
    if (fate < 0.06) {
      tell(startedAt - 2 * HOUR, { status: 'cancelled', scheduledAt: iso(startedAt) });
      return;
    }
    if (startedAt > Date.parse(WORLD_NOW) - DAY) return;
    const endedAt = startedAt + Math.floor((10 + this.#random() * 50) * 60_000);
    const isTimed = this.#random() < 0.7;
    const done = isTimed ? { startedAt: iso(startedAt), endedAt: iso(endedAt) } : {};
    // Some say with each message when they sent that, in place of when it was asked for.
    const sent = number % 5 === 0 ? { requestedAt: iso(endedAt + 60_000) } : {};
    tell(endedAt + 60_000, { status: 'completed', scheduledAt: iso(startedAt), ...done, ...sent });
    const uid = `2.999.7.${number}`;
    if (this.#random() < 0.9)
      this.#study({ trust, person, accession, uid, startedAt, modality, region });
    this.#report({ trust, person, accession, uid, endedAt, number });
    if (this.#random() < 0.25) this.#fetch({ number, uid, trust, modality, at: endedAt });
    if (number % 3 !== 2) this.#knows(trust, person);
    if (modality === 'CT') this.#dose({ trust, accession, at: startedAt, number });
    if (modality === 'DX' || modality === 'RF')
      this.#doseReport({ trust, accession, uid, at: startedAt, number });
  }

  /** The trust knew the patient before. */
  #knows(trust: string, person: Person): void {
    this.#tell({
      ...{ kind: 'patient', trust, patient: who(trust, person), nhsNumberStatus: '01' },
      ...{ postcode: null, deceased: false, restricted: false, deleted: false, mergedInto: null },
      asOf: iso(FIRST - HOUR),
    });
  }

  /** As a modality sends it: some name the study alone, some come again with other values. */
  #doseReport(given: {
    trust: string;
    accession: string;
    uid: string;
    at: number;
    number: number;
  }): void {
    const { trust, accession, uid, at, number } = given;
    const report = (sop: number, factor: number): void =>
      this.#tell({
        ...{ kind: 'dose', trust, sopInstanceUID: `${uid}.9.${sop}`, studyInstanceUID: uid },
        ...{ accessionNumber: number % 2 === 0 ? accession : null, modality: null },
        ...{ device: `${trust}-X1`, at: iso(at + sop * HOUR) },
        irradiations: [1, 2].map((part) => ({
          ...{ eventUID: `${uid}.8.${part}`, startedAt: iso(at), protocol: 'PA' },
          ...{ isLocaliser: false, ctdivolMGy: null, dlpMGyCm: null },
          ...{ dapGyCm2: factor * (0.02 + (number % 9) / 100), referencePointMGy: null },
          fluoroSeconds: part === 1 ? number % 60 : null,
          glandularMGy: number % 4 === 0 ? factor * (0.6 + part / 2) : null,
          activityMBq: number % 5 === 0 ? factor * (80 + number) : null,
        })),
      });
    report(1, 1);
    if (number % 7 === 0) report(2, 2);
  }

  /** Numbers of one trust that turn out to be one person's. */
  mergeSome(): void {
    for (const { trust, from, to } of this.#merges)
      this.#tell({
        ...{
          kind: 'patient',
          trust,
          patient: who(trust, from),
          nhsNumberStatus: '01',
          postcode: null,
        },
        ...{ deceased: false, restricted: false, deleted: false, asOf: iso(FIRST + 60 * DAY) },
        mergedInto: { patientId: `L${to.number}`, issuer: trust },
      });
    for (let at = 0; at < 40; at += 1) {
      const person = this.#person();
      const trust = this.#pick(this.#trusts);
      this.#tell({
        ...{
          kind: 'patient',
          trust,
          patient: who(trust, person),
          nhsNumberStatus: at % 3 === 0 ? '01' : '03',
        },
        ...{
          postcode: null,
          deceased: false,
          restricted: at % 7 === 0,
          deleted: false,
          mergedInto: null,
        },
        asOf: iso(FIRST + at * HOUR),
      });
    }
  }

  csvFacts(): void {
    for (let at = 0; at < 300; at += 1) {
      // Some sessions are shorter than what was done in them.
      const short = at % 4 === 3 ? this.#times[at * 2] : undefined;
      const drawn = this.#pick(this.#trusts);
      const trust = short?.trust ?? drawn;
      const early = FIRST + Math.floor(this.#random() * DAYS) * DAY + 8 * HOUR;
      const starts = short === undefined ? early : short.at - 5 * 60_000;
      this.#csv.session.push({
        ...{
          trust,
          resource: `${trust}-CT1`,
          modality: 'CT',
          kind: SESSIONS[at % 9] ?? 'staffed',
        },
        ...{
          starts_at: iso(starts),
          ends_at: iso(starts + (short === undefined ? 9 * HOUR : HOUR / 3)),
        },
      });
      const sent = FIRST + Math.floor(this.#random() * DAYS * DAY);
      this.#csv.alert.push({
        ...{ trust, alert_id: `${trust}-${at}`, category: at % 2 === 0 ? 'critical' : 'urgent' },
        sent_at: iso(sent),
        ...(at % 5 === 0
          ? {}
          : { acknowledged_at: iso(sent + Math.floor(this.#random() * 40) * HOUR) }),
      });
      this.#csv.review.push({
        ...{ trust, review_id: `${trust}-${at}`, modality: 'CT', grade: String(at % 4) },
        reviewed_at: iso(sent),
      });
    }
  }

  /** In the order of a bad day: each place in the sequence comes somewhere, and one in ten comes twice. */
  done(): World {
    const events = this.#events.flatMap((event) =>
      this.#random() < 0.1 ? [event, event] : [event],
    );
    for (let at = events.length - 1; at > 0; at -= 1) {
      const other = Math.floor(this.#random() * (at + 1));
      [events[at], events[other]] = [events[other] as CountedEvent, events[at] as CountedEvent];
    }
    const views = this.#views
      .filter(({ at }) => at <= WORLD_NOW)
      .sort((a, b) => (a.at < b.at ? -1 : 1));
    return { events, fetches: this.#fetches, views, csv: this.#csv };
  }

  #person(): Person {
    const number = Math.floor(this.#random() * this.#people);
    return { number, nhsNumber: number % 8 === 0 ? null : nhsNumberOf(number) };
  }

  #bookings(given: {
    number: number;
    trust: string;
    person: Person;
    bookedAt: number;
    startedAt: number;
    isCancelled: boolean;
  }): void {
    const { number, trust, person, bookedAt, startedAt, isCancelled } = given;
    const base = {
      ...{ kind: 'appointment', trust, appointmentId: `B${number}`, patient: who(trust, person) },
      ...{ minutes: 20, procedure: null, resource: `${trust}-CT1`, location: null },
      ...{ placerNumber: `P${number}`, fillerNumber: null, reason: null },
    };
    const tell = (asOf: number, over: object): void =>
      this.#tell({ ...base, ...over, asOf: iso(asOf) });
    const draw = this.#random();
    const first = draw < 0.15 ? startedAt - 3 * HOUR : startedAt;
    tell(bookedAt, { status: 'booked', startsAt: iso(first) });
    if (draw < 0.15)
      tell(bookedAt + 10 * 60_000, { status: 'booked', startsAt: iso(startedAt), reason: 'moved' });
    if (isCancelled) {
      const early = this.#random() < 0.5 ? 10 * DAY : 3 * HOUR;
      const at = Math.max(bookedAt + 20 * 60_000, startedAt - early);
      tell(at, { status: 'cancelled', startsAt: iso(startedAt), reason: this.#pick(REASONS) });
      if (draw > 0.6) this.#refill({ number, trust, startedAt, at });
    } else if (startedAt < Date.parse(WORLD_NOW) - DAY) {
      const status = draw > 0.93 ? 'missed' : 'attended';
      tell(startedAt + 40 * 60_000, { status, startsAt: iso(startedAt) });
      if (status === 'attended') this.#times.push({ trust, at: startedAt });
    }
  }

  #refill({
    number,
    trust,
    startedAt,
    at,
  }: {
    number: number;
    trust: string;
    startedAt: number;
    at: number;
  }): void {
    this.#tell({
      ...{
        kind: 'appointment',
        trust,
        appointmentId: `R${number}`,
        patient: who(trust, this.#person()),
      },
      ...{ minutes: 20, procedure: null, resource: `${trust}-CT1`, location: null, reason: null },
      ...{ placerNumber: null, fillerNumber: null, status: 'booked', startsAt: iso(startedAt) },
      asOf: iso(at + 5 * 60_000),
    });
  }

  #study(given: {
    trust: string;
    person: Person;
    accession: string;
    uid: string;
    startedAt: number;
    modality: string;
    region: string;
  }): void {
    const { trust, person, accession, uid, startedAt, modality, region } = given;
    const local = onTheWall(startedAt);
    const series = { seriesInstanceUID: `${uid}.1`, modality, seriesNumber: 1, description: null };
    this.#tell({
      ...{ kind: 'study', trust, home: trust, studyInstanceUID: uid, patient: who(trust, person) },
      ...{
        rev: 1,
        deleted: false,
        quiet: true,
        studyDate: local.slice(0, 8),
        studyTime: local.slice(8),
      },
      ...{ studyId: null, accessionNumber: accession, accessionIssuer: null, description: null },
      ...{ referringPhysician: null, institution: null, instances: 1, bytes: 1, conflicts: 0 },
      setHash: 'a'.repeat(64),
      ...(startedAt % 3 === 0
        ? {
            performed: {
              startedAt: iso(startedAt + 90_000),
              endedAt: iso(startedAt + 26 * 60_000),
            },
          }
        : {}),
      series: [{ ...series, bodyPart: region, instances: 1, bytes: 1, setHash: 'a'.repeat(64) }],
      at: iso(startedAt + HOUR),
    });
  }

  #report(given: {
    trust: string;
    person: Person;
    accession: string;
    uid: string;
    endedAt: number;
    number: number;
  }): void {
    const { trust, person, accession, uid, endedAt, number } = given;
    const draw = this.#random();
    const before = this.#earlier;
    this.#earlier = { trust, accession, patient: person, endedAt };
    if (draw < 0.08) return;
    const isLinked = before?.trust === trust && before.endedAt < endedAt;
    const author = draw > 0.9 ? 'MEDICA' : draw > 0.8 ? this.#pick(this.#trusts) : null;
    const base = {
      ...{
        kind: 'report',
        trust,
        reportId: `R${number}`,
        patient: who(trust, person),
        title: null,
      },
      accessionNumbers: isLinked ? [accession, before.accession] : [accession],
      ...{ studyInstanceUIDs: draw > 0.5 ? [uid] : [], author: null, text: '', isCut: false },
      ...{ document: null, authorOrganisation: author },
    };
    const tell = (version: number, status: string, at: number): void =>
      this.#tell({ ...base, version, status, issuedAt: iso(at) });
    const issuedAt = endedAt + Math.floor(this.#random() ** 3 * 40 * DAY);
    tell(1, 'preliminary', endedAt + Math.floor((issuedAt - endedAt) / 2));
    tell(2, 'final', issuedAt);
    if (draw > 0.85) tell(3, 'corrected', issuedAt + 5 * DAY);
    if (draw < 0.12) tell(3, 'withdrawn', issuedAt + DAY);
  }

  #fetch(given: {
    number: number;
    uid: string;
    trust: string;
    modality: string;
    at: number;
  }): void {
    const { number, uid, trust, modality, at } = given;
    const to = this.#pick(this.#trusts.filter((ods) => ods !== trust));
    const requestedAt = at + Math.floor(this.#random() * 5 * DAY);
    const draw = this.#random();
    const arrivedAt = requestedAt + Math.floor(this.#random() ** 4 * 6 * HOUR) + 1_000;
    const state = draw < 0.85 ? 'available' : draw < 0.93 ? 'failed' : 'transferring';
    const steps = [{ state: 'transferring', at: iso(requestedAt + 500) }];
    this.#opened({ number, uid, to, at: arrivedAt });
    this.#fetches.push({
      order: {
        ...{ fetchId: `F${number}`, studyInstanceUID: uid, home: trust, source: trust, modality },
        ...{ to: { trust: to, peer: null }, priority: this.#pick(['urgent', 'scheduled', 'bulk']) },
        ...{ requestedAt: iso(requestedAt), cancelled: null, deliver: number % 3 === 0 },
        neededBy: number % 4 === 0 ? iso(requestedAt + 2 * HOUR) : null,
      },
      receipt:
        draw > 0.98
          ? null
          : {
              ...{
                v: 1,
                kind: 'receipt',
                trust: to,
                epoch: 1,
                seq: number + 1,
                fetchId: `F${number}`,
              },
              ...{ state, reason: null, etaSeconds: null, failures: [], localPatient: null },
              ...{ instances: { done: 1, expected: 1 }, bytes: { done: 1, expected: 1 } },
              steps: state === 'available' ? [...steps, { state, at: iso(arrivedAt) }] : steps,
              at: iso(arrivedAt),
            },
    });
  }

  /** At the trust that it came to, now and then; some before it came, some without images, some in vain. */
  #opened({ number, uid, to, at }: { number: number; uid: string; to: string; at: number }): void {
    if (number % 2 === 0) return;
    const days = [-1, 0.5, 3, 29, 45][number % 5] ?? 0;
    const what = number % 7 < 4 ? 'GET /dicom-web/studies/:study/*' : 'GET /studies/:uid';
    this.#views.push({
      ...{ event: 'look', what, trust: number % 13 === 0 ? null : to, studies: [uid] },
      ...{ outcome: number % 11 === 0 ? 4 : 0, at: iso(at + days * DAY) },
    });
  }

  #dose({
    trust,
    accession,
    at,
    number,
  }: {
    trust: string;
    accession: string;
    at: number;
    number: number;
  }): void {
    for (let part = 0; part < 2; part += 1) {
      const row = {
        ...{ trust, exam: accession, event_uid: `2.999.8.${number}.${part}`, as_of: iso(at) },
        ...{
          modality: 'CT',
          protocol: number % 2 === 0 ? 'Thorax' : 'Head',
          device: `${trust}-CT1`,
        },
        ...{ ctdivol_mgy: 5 + (number % 7), dlp_mgycm: 100 + (number % 400) },
      };
      // The report of the dose came twice.
      this.#csv.dose.push(row, ...(number % 5 === 0 ? [row] : []));
    }
    if (number % 40 !== 0) return;
    const [from, to] = [this.#person(), this.#person()];
    if (
      from.number !== to.number &&
      !this.#merges.some((one) => [from.number, to.number].includes(one.from.number))
    )
      this.#merges.push({ trust, from, to });
  }

  #tell(event: object): void {
    const { asOf, issuedAt, ...rest } = event as { asOf?: string; issuedAt?: string; at?: string };
    const at = asOf ?? issuedAt ?? rest.at ?? '';
    if (at > WORLD_NOW) return;
    this.#seq += 1;
    this.#events.push({ v: 1, epoch: 1, seq: this.#seq, ...event, at } as unknown as CountedEvent);
  }

  #pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)] as T;
  }
}
