/**
 * A hub's HTTP over a seeded projection and fake parts, for the tests of the API and the pages.
 * Three trusts: RRK and RJE answer, RXK is silent since a moment that is given.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Principal, refusalOf } from '../../../../hub/access/rules.ts';
import { Alerts } from '../../../../hub/alerts/alerts.ts';
import { parseHubConfig } from '../../../../hub/config.ts';
import { AlertsSchema } from '../../../../hub/config-alerts.ts';
import { Configurations } from '../../../../hub/configuration/configurations.ts';
import { type CallEdge, EdgeCallError } from '../../../../hub/dicomweb/call-edge.ts';
import type { FetchRequest, FetchView } from '../../../../hub/fetch/order.ts';
import { FleetStore } from '../../../../hub/fleet/fleet-store.ts';
import type { HttpParts } from '../../../../hub/http/parts.ts';
import { startHttp } from '../../../../hub/http/server.ts';
import { LogError } from '../../../../hub/log/network-log.ts';
import { MEASURES } from '../../../../hub/measures/all-measures.ts';
import { MeasureError } from '../../../../hub/measures/measure-error.ts';
import type { Change } from '../../../../hub/projection/change.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Relay } from '../../../../hub/relay/relay.ts';
import { Scheduling } from '../../../../hub/scheduling/scheduling.ts';
import { readDate } from '../../../../hub/search/dates.ts';
import { AuditTrail } from '../../../../shared/audit/trail.ts';
import { rfc3339, systemClock } from '../../../../shared/clock.ts';
import type { FetchStateName, HealthEvent } from '../../../../shared/contract/events.ts';
import { GatewayError } from '../../../../shared/errors.ts';
import { type Log, silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite, type Sqlite } from '../../../../shared/sqlite/open.ts';
import { fakeDecisions } from '../../../support/fake-decisions.ts';

export const CLINICIAN: Principal = { name: 'Dr A. Osei', role: 'clinician', trust: 'RRK' };
export const KEY = 'key-of-a-machine';
export const SESSION = 'session-of-a-person';
export const LINK = 'one-time-link';
const TRUSTS = [
  { ods: 'RRK', name: 'Queen Elizabeth Hospital' },
  { ods: 'RJE', name: 'Royal Stoke' },
  { ods: 'RXK', name: 'Sandwell and City' },
];
export const RXK_SILENT_SINCE = '2026-03-02T10:42:00.000Z';

/** One row of `studies`; what is left out is ordinary. */
export interface Seed {
  trust: string;
  uid: string;
  home?: string;
  nhsNumber?: string | null;
  patientId?: string;
  issuer?: string;
  name?: string | null;
  birthDate?: string | null;
  sex?: string | null;
  date?: string | null;
  time?: string | null;
  accession?: string | null;
  accessionIssuer?: string | null;
  description?: string | null;
  modalities?: string;
  series?: {
    uid: string;
    modality: string;
    number: number;
    description: string;
    instances: number;
  }[];
  instances?: number;
  setHash?: string;
  quiet?: boolean;
}

const ORDINARY = {
  nhsNumber: '9434765919' as string | null,
  patientId: '1001',
  name: 'SMITH^ANNA' as string | null,
  birthDate: '19580131' as string | null,
  sex: 'F' as string | null,
  date: '20260131' as string | null,
  time: '101500' as string | null,
  accessionIssuer: null as string | null,
  description: 'CT Thorax' as string | null,
  modalities: 'CT',
  series: [] as NonNullable<Seed['series']>,
  instances: 300,
  setHash: 'a'.repeat(64),
  quiet: true,
};

export function seedStudy(db: Sqlite, given: Seed): void {
  const own = { home: given.trust, issuer: given.trust, accession: `A${given.uid.slice(-4)}` };
  const seed = { ...ORDINARY, ...own, ...given };
  const { home, series, name } = seed;
  const row = {
    trust: seed.trust,
    study_uid: seed.uid,
    home,
    rev: 1,
    quiet: Number(seed.quiet),
    patient_id: seed.patientId,
    patient_issuer: seed.issuer,
    nhs_number: seed.nhsNumber,
    patient_name: name,
    birth_date: seed.birthDate,
    sex: seed.sex,
    study_date: seed.date,
    study_time: seed.time,
    study_id: '1',
    accession_number: seed.accession,
    accession_issuer: seed.accessionIssuer,
    description: seed.description,
    referring_physician: null,
    institution: null,
    modalities: seed.modalities,
    series: series.length || 1,
    instances: seed.instances,
    bytes: seed.instances * 526_000,
    set_hash: seed.setHash,
    conflicts: 0,
    day: readDate(seed.date ?? '') ?? 'undated',
    event_at: '2026-03-02T10:41:00.000Z',
    applied_at: '2026-03-02T10:41:01.000Z',
  };
  const columns = Object.keys(row);
  db.prepare(
    `INSERT INTO studies (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
  ).run(row);
  const insert = db.prepare('INSERT INTO series VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const one of series)
    insert.run(
      seed.trust,
      seed.uid,
      home,
      one.uid,
      one.modality,
      one.number,
      one.description,
      null,
      one.instances,
      one.instances * 526_000,
      'b'.repeat(64),
    );
}

class FetchRefused extends GatewayError {
  override readonly name = 'FetchRefused';
  readonly retry = 'never';
  readonly code: string;
  constructor(code: string) {
    super(`refused: ${code}`);
    this.code = code;
  }
}

/** Orders in memory, driven by the test. */
export class FakeFetches {
  readonly orders = new Map<string, FetchView>();
  readonly asked: FetchRequest[] = [];
  readonly named: object[] = [];
  onChange: (change: Change) => void = () => {};

  readonly find = (id: string): FetchView | null => this.orders.get(id) ?? null;

  readonly request = async (request: FetchRequest, by: Principal): Promise<FetchView> => {
    if (request.studyInstanceUID === '1.2.404') throw new FetchRefused('STUDY_UNKNOWN');
    this.asked.push(request);
    const at = new Date().toISOString();
    return this.put({
      fetchId: `f${this.orders.size + 1}`,
      studyInstanceUID: request.studyInstanceUID,
      seriesInstanceUIDs: request.seriesInstanceUIDs ?? null,
      home: request.home ?? 'RJE',
      source: 'RJE',
      to: { trust: request.to.trust, peer: request.to.peer ?? null },
      priority: request.priority,
      purpose: request.purpose,
      reason: request.reason ?? null,
      neededBy: request.neededBy ?? null,
      localPatient: null,
      requestedBy: by.name,
      requestedAt: at,
      state: 'authorised',
      stateReason: null,
      updatedAt: at,
      instances: { done: 0, expected: 300 },
      bytes: { done: 0, expected: 157_800_000 },
      etaSeconds: null,
      failures: [],
      steps: [
        { state: 'requested', at },
        { state: 'authorised', at },
      ],
    });
  };

  readonly list = (filter: {
    state?: FetchStateName;
    trust?: string;
    studyInstanceUID?: string;
    limit: number;
    offset: number;
  }) => {
    const all = [...this.orders.values()]
      .reverse()
      .filter((order) => filter.state === undefined || order.state === filter.state)
      .filter(
        (order) =>
          filter.trust === undefined || [order.to.trust, order.source].includes(filter.trust),
      )
      .filter(
        (order) =>
          filter.studyInstanceUID === undefined ||
          order.studyInstanceUID === filter.studyInstanceUID,
      );
    return { fetches: all.slice(filter.offset, filter.offset + filter.limit), total: all.length };
  };

  readonly cancel = async (id: string): Promise<FetchView> => this.move(id, 'cancelled', {});

  readonly namePatient = async (id: string, patient: object): Promise<FetchView> => {
    if (this.orders.get(id)?.state !== 'held') throw new FetchRefused('FETCH_NOT_HELD');
    this.named.push(patient);
    return this.move(id, 'coercing', { stateReason: null });
  };

  /** The edge reports a state. */
  move(id: string, state: FetchStateName, more: Partial<FetchView>): FetchView {
    const order = this.orders.get(id);
    if (order === undefined) throw new Error(`no fetch ${id}`);
    const at = more.updatedAt ?? new Date().toISOString();
    const isNew = !order.steps.some((step) => step.state === state);
    const steps = isNew ? [...order.steps, { state, at }] : order.steps;
    return this.put({ ...order, state, steps, updatedAt: at, ...more });
  }

  put(order: FetchView): FetchView {
    this.orders.set(order.fetchId, order);
    this.onChange({ kind: 'fetch', fetchId: order.fetchId });
    return order;
  }
}

export interface FakeHub {
  readonly url: string;
  readonly db: Sqlite;
  readonly fetches: FakeFetches;
  /** Fails when no listener of the feed is left or too many are. */
  readonly listeners: Set<(change: Change) => void>;
  /** Errors that were logged as bugs: a test that expects none checks that it is empty. */
  readonly bugs: unknown[];
  readonly routes: readonly string[];
  /** A real one, in a directory of its own. */
  readonly audit: AuditTrail;
  change(change: Change): void;
  /** Over heartbeats that the test gives. */
  readonly alerts: Alerts;
  beat(health: HealthEvent): void;
  state: {
    silent: boolean;
    connected: boolean;
    breaks: boolean;
    refuse: string | null;
    linkUsed: boolean;
  };
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

export async function startFakeHub(
  options: {
    silent?: boolean;
    /** Principals by key or session, decided on by the real rules; absent: one clinician, allowed everything. */
    principals?: ReadonlyMap<string, Principal>;
    /** Absent: measures that were never built. */
    measures?: HttpParts['measures'];
    /** Absent: one that can decide nothing. */
    scheduling?: Scheduling;
  } = {},
): Promise<FakeHub> {
  const db = openSqlite(':memory:', projectionSchema);
  const fetches = new FakeFetches();
  const listeners = new Set<(change: Change) => void>();
  const change = (one: Change): void => {
    for (const listener of listeners) listener(one);
  };
  fetches.onChange = change;
  const state = {
    silent: options.silent ?? true,
    connected: true,
    breaks: false,
    refuse: null as string | null,
    linkUsed: false,
  };
  const bugs: unknown[] = [];
  const log: Log = {
    ...silentLog,
    error: (_event, fields) => void bugs.push((fields as { error?: unknown }).error),
  };
  const directory = mkdtempSync(join(tmpdir(), 'cdip-hub-'));
  const audit = new AuditTrail(directory, systemClock);
  const store = new FleetStore({ dataDirectory: ':memory:', bankHolidays: [] });
  const healths = new Map<string, HealthEvent>();
  const alerts = openAlerts({ db, store, trusts: TRUSTS, log });
  const parts = {
    ...fakeParts({ db, fetches, listeners, state, log, healths }),
    ...{ audit, alerts, fleetStore: store },
  };
  const { health } = prepareProjection(db);
  const { principals, measures, scheduling } = options;
  Object.assign(parts, measures && { measures }, scheduling && { scheduling });
  if (principals !== undefined)
    Object.assign(parts.access, {
      authenticate: ({ bearer, session }: { bearer?: string; session?: string }) =>
        principals.get(bearer ?? session ?? '') ?? null,
      refuse: refusalOf,
    });
  const server = await startHttp(parts);
  const url = `http://127.0.0.1:${server.port}`;
  return {
    url,
    db,
    fetches,
    listeners,
    bugs,
    audit,
    routes: server.routes,
    ...{ change, state, alerts },
    beat(given) {
      const heardAt = rfc3339(Date.now());
      healths.set(given.trust, given);
      health.run(given.trust, given.at, JSON.stringify(given), heardAt);
      store.take(given, heardAt);
      change({ kind: 'completeness', trust: given.trust });
    },
    get: (path, headers = { authorization: `Bearer ${KEY}` }) =>
      fetch(url + path, { headers, redirect: 'manual' }),
    stop: async () => {
      await server.stop();
      store.close();
      db.close();
      audit.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** A hub that was started this moment. */
const unbuiltMeasures: HttpParts['measures'] = {
  definitions: MEASURES,
  answer: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
  rows: async () => [],
  parquet: async () => Buffer.alloc(0),
};

const noEdge: CallEdge = async ({ trust }) => {
  throw new EdgeCallError('EDGE_UNREACHABLE', `no edge of ${trust}`);
};

function fakeParts(world: {
  db: Sqlite;
  fetches: FakeFetches;
  listeners: Set<(change: Change) => void>;
  state: FakeHub['state'];
  log: Log;
  healths: ReadonlyMap<string, HealthEvent>;
}): Omit<HttpParts, 'audit' | 'alerts' | 'fleetStore'> {
  const { db, fetches, listeners, state, log, healths } = world;
  const now = (): string => new Date().toISOString();
  const trusts = TRUSTS;
  const isSilent = (ods: string): boolean => state.silent && ods === 'RXK';
  const asOf = (ods: string): string => (isSilent(ods) ? RXK_SILENT_SINCE : now());
  return {
    config: parseHubConfig({ dataDirectory: '/tmp/none', http: { port: 0 }, trusts }),
    log,
    callEdge: noEdge,
    metrics: openMetrics({ program: 'hub' }),
    clock: systemClock,
    ...{ fetches, decideIdentity: async () => {} },
    measures: unbuiltMeasures,
    projection: {
      db,
      connected: () => state.connected,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      completeness: () => {
        if (state.breaks) throw new Error('secret: SMITH^ANNA');
        return trusts.map(({ ods, name }, at) => ({
          trust: ods,
          name,
          here: { studies: 12_400 + at, series: 41_000, instances: 2_760_000 },
          there: { studies: 12_400 + (at === 1 ? 3 : at), series: 41_000, instances: 2_760_000 },
          equal: at !== 1,
          comparedAt: asOf(ods),
          asOf: asOf(ods),
          ...{ lagSeconds: isSilent(ods) ? 5_400 : 0, crawl: [] },
        }));
      },
    },
    access: {
      authenticate: ({ bearer, session }) =>
        bearer === KEY || session === SESSION ? CLINICIAN : null,
      refuse: () => state.refuse,
      readSignInLink: (token) => (token === LINK && !state.linkUsed ? CLINICIAN : null),
      useSignInLink: (token) => {
        if (token !== LINK || state.linkUsed) return null;
        state.linkUsed = true;
        return { session: SESSION, seconds: 3_600, principal: CLINICIAN };
      },
      endSession: () => {},
    },
    fleet: {
      health: (ods) => healths.get(ods),
      answered: () =>
        trusts.map(({ ods, name }) => ({
          trust: ods,
          name,
          ok: !isSilent(ods),
          asOf: asOf(ods),
          ...(isSilent(ods) ? { reason: 'no heartbeat' } : {}),
        })),
      list: () =>
        trusts.map(({ ods, name }) => ({
          trust: ods,
          name,
          httpUrl: `http://127.0.0.1:1/${ods}`,
          state: isSilent(ods) ? 'silent' : 'live',
          lastHeardAt: asOf(ods),
          version: '0.1.0',
          outboxWaiting: 0,
          quarantined: 0,
          freeBytes: 1e12,
        })),
    },
    enrol: () => Promise.reject(new FetchRefused('TOKEN_INVALID')),
    relay: new Relay({ tickets: refusingTickets, metrics: openMetrics({}) }),
    scheduling: schedulingWithoutLog(db, trusts),
    configurations: configurationsWithoutLog(db, trusts),
    ticketKeys: () => ({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'k1' }] }),
  };
}

/** The real one, over a log that takes nothing. */
function schedulingWithoutLog(db: Sqlite, trusts: HttpParts['config']['trusts']): Scheduling {
  const gone = () => Promise.reject(new LogError('LOG_UNAVAILABLE', 'there is no log here'));
  const projection = {
    ...{ db, registerHubAggregate: () => {}, untilDecided: async () => {} },
    onChange: () => () => {},
  };
  const networkLog = { append: gone, sendCommand: gone };
  return new Scheduling({
    ...{ trusts, projection, networkLog, travel: null, clock: systemClock, log: silentLog },
    messages: { ports: [], publicUrl: () => '' },
    bringPriors: async () => {},
  });
}

function openAlerts(world: {
  db: Sqlite;
  store: FleetStore;
  trusts: readonly { ods: string; name: string }[];
  log: Log;
}): Alerts {
  const { networkLog, projection } = fakeDecisions(world.db);
  return new Alerts({
    ...{ ...world, networkLog, projection, clock: systemClock, metrics: openMetrics({}) },
    ...{ config: AlertsSchema.parse({}), links: { hubUrl: () => 'http://hub.example' } },
  });
}

function configurationsWithoutLog(
  db: Sqlite,
  trusts: HttpParts['config']['trusts'],
): Configurations {
  const gone = () => Promise.reject(new LogError('LOG_UNAVAILABLE', 'there is no log here'));
  return new Configurations({
    ...{ trusts, db, networkLog: { append: gone, sendCommand: gone }, toldBy: () => undefined },
    ...{ untilDecided: async () => {}, clock: systemClock, log: silentLog },
  });
}

const refuse = (): Promise<string> => Promise.reject(new Error('no ticket'));
const refusingTickets = { audienceOf: refuse, holderOf: refuse, signPass: refuse };
