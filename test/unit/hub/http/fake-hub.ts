/**
 * A hub's HTTP over a seeded projection and fake parts, for the tests of the API and the pages.
 * Three trusts: RRK and RJE answer, RXK is silent since a moment that is given.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Access, LIMITS } from '../../../../hub/access/access.ts';
import { type Principal, refusalOf } from '../../../../hub/access/rules.ts';
import { accessSchema } from '../../../../hub/access/schema.ts';
import { Alerts } from '../../../../hub/alerts/alerts.ts';
import { parseHubConfig } from '../../../../hub/config.ts';
import { AlertsSchema } from '../../../../hub/config-alerts.ts';
import { Configurations } from '../../../../hub/configuration/configurations.ts';
import { type CallEdge, EdgeCallError } from '../../../../hub/dicomweb/call-edge.ts';
import { FleetStore } from '../../../../hub/fleet/fleet-store.ts';
import type { HttpParts } from '../../../../hub/http/parts.ts';
import { startHttp } from '../../../../hub/http/server.ts';
import { LogError } from '../../../../hub/log/network-log.ts';
import { MEASURES } from '../../../../hub/measures/all-measures.ts';
import { MeasureError } from '../../../../hub/measures/measure-error.ts';
import { subscriptionSchema } from '../../../../hub/measures/subscriptions/schema.ts';
import { Subscriptions } from '../../../../hub/measures/subscriptions/subscriptions.ts';
import type { Change } from '../../../../hub/projection/change.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { Disclosure } from '../../../../hub/relations/disclosure.ts';
import { Relations } from '../../../../hub/relations/relations.ts';
import { Relay } from '../../../../hub/relay/relay.ts';
import { ReleaseStore } from '../../../../hub/releases/release-store.ts';
import { Rollouts } from '../../../../hub/releases/rollouts.ts';
import { Scheduling } from '../../../../hub/scheduling/scheduling.ts';
import { SupportBundles } from '../../../../hub/support/support-bundles.ts';
import { Teaching } from '../../../../hub/teaching/teaching.ts';
import { AuditTrail } from '../../../../shared/audit/trail.ts';
import { rfc3339, systemClock } from '../../../../shared/clock.ts';
import type { HealthEvent } from '../../../../shared/contract/events.ts';
import { type Log, silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite, type Sqlite } from '../../../../shared/sqlite/open.ts';
import { fakeDecisions } from '../../../support/fake-decisions.ts';
import { FakeFetches, FetchRefused } from './fake-fetches.ts';

export const CLINICIAN: Principal = { name: 'Dr A. Osei', role: 'clinician', trust: 'RRK' };
export const KEY = 'key-of-a-machine';
export const SESSION = 'session-of-a-person';
export const LINK = 'one-time-link';
export const ACCESS = {
  daysAfterCare: 90,
  workstations: 'trust',
  region: 'West Midlands',
} as const;
const TRUSTS = [
  { ods: 'RRK', name: 'Queen Elizabeth Hospital' },
  { ods: 'RJE', name: 'Royal Stoke' },
  { ods: 'RXK', name: 'Sandwell and City' },
];
export const RXK_SILENT_SINCE = '2026-03-02T10:42:00.000Z';

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
    /** Trusts whose edges were cut off. */
    revoked: string[];
  };
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** A real one, in memory: accounts, clients and sessions that a test makes count beside those that are given. */
  readonly access: Access;
  /** What its clock is ahead of the real one. */
  readonly accessClock: { aheadMs: number };
  stop(): Promise<void>;
}

export async function startFakeHub(
  options: {
    silent?: boolean;
    /** Principals by key or session, decided on by the real rules; absent: one clinician, allowed everything. */
    principals?: ReadonlyMap<string, Principal>;
    /** Absent: measures that were never built. */
    measures?: HttpParts['measures'];
    /** Absent: some that nothing is sent from. */
    subscriptions?: HttpParts['subscriptions'];
    /** Absent: one that can decide nothing. */
    scheduling?: Scheduling;
    /** Keys of hub.yaml beside its own. */
    config?: object;
    provider?: HttpParts['provider'];
    /** Absent: no edge answers. */
    callEdge?: CallEdge;
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
    revoked: [],
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
  const accessClock = { aheadMs: 0 };
  const clock = { ...systemClock, now: () => systemClock.now() + accessClock.aheadMs };
  const access = new Access(openSqlite(':memory:', accessSchema), clock, {
    ...{ ...LIMITS, passwordCost: { ln: 4, r: 8, p: 1 } },
  });
  const parts = {
    ...fakeParts({ db, fetches, listeners, state, log, healths, access }),
    ...{ audit, alerts, fleetStore: store },
    ...(options.callEdge && { callEdge: options.callEdge }),
  };
  const { health } = prepareProjection(db);
  const { principals, measures, subscriptions, scheduling, provider = null } = options;
  Object.assign(parts, measures && { measures }, scheduling && { scheduling });
  Object.assign(parts, subscriptions && { subscriptions });
  Object.assign(parts, { config: parseHubConfig({ ...RAW_CONFIG, ...options.config }), provider });
  if (principals !== undefined)
    Object.assign(parts.access, {
      authenticate: (given: { bearer?: string; session?: string }) =>
        principals.get(given.bearer ?? given.session ?? '') ?? access.authenticate(given),
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
    ...{ change, state, alerts, access, accessClock },
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

const RAW_CONFIG = { dataDirectory: '/tmp/none', http: { port: 0 }, trusts: TRUSTS };

/** A hub that was started this moment. */
const unbuiltMeasures: HttpParts['measures'] = {
  definitions: MEASURES,
  answer: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
  overview: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
  rows: async () => [],
  parquet: async () => Buffer.alloc(0),
  forecast: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
  dids: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
  sql: async () => {
    throw new MeasureError('MEASURES_NOT_BUILT', 'not built yet');
  },
};

/** Teaching files that no edge is told of. */
function fakeTeaching(db: Sqlite, log: Log): Teaching {
  const { networkLog, projection } = fakeDecisions(db);
  return new Teaching({
    ...{ clock: systemClock, log, projection: { ...projection, onChange: () => () => {} } },
    networkLog: { ...networkLog, sendCommand: async () => {} },
  });
}

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
  access: Access;
}): Omit<HttpParts, 'audit' | 'alerts' | 'fleetStore'> {
  const { db, fetches, listeners, state, log, healths, access } = world;
  const now = (): string => new Date().toISOString();
  const trusts = TRUSTS;
  const isSilent = (ods: string): boolean => state.silent && ods === 'RXK';
  const asOf = (ods: string): string => (isSilent(ods) ? RXK_SILENT_SINCE : now());
  return {
    config: parseHubConfig(RAW_CONFIG),
    log,
    callEdge: noEdge,
    metrics: openMetrics({ program: 'hub' }),
    clock: systemClock,
    ...{ fetches, decideIdentity: async () => {} },
    relations: new Relations({ ...fakeDecisions(db), clock: systemClock }),
    teaching: fakeTeaching(db, log),
    disclosure: new Disclosure({ db, clock: systemClock, config: ACCESS }),
    measures: unbuiltMeasures,
    subscriptions: subscriptionsOf(log),
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
    provider: null,
    access: {
      ...{ sessions: access.sessions, machines: access.machines, accounts: access.accounts },
      authenticate: (given) =>
        given.bearer === KEY || given.session === SESSION ? CLINICIAN : access.authenticate(given),
      refuse: () => state.refuse,
      readSignInLink: (token) =>
        token === LINK && !state.linkUsed ? CLINICIAN : access.readSignInLink(token),
      useSignInLink: (token, device) => {
        if (token !== LINK || state.linkUsed) return access.useSignInLink(token, device);
        state.linkUsed = true;
        return { session: SESSION, seconds: 3_600, principal: CLINICIAN };
      },
      endSession: (session) => access.endSession(session),
      invite: (person) => access.invite(person),
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
    revokeEdge: async (trust) => void state.revoked.push(trust),
    relay: new Relay({ tickets: refusingTickets, metrics: openMetrics({}) }),
    scheduling: schedulingWithoutLog(db, trusts),
    configurations: configurationsWithoutLog(db, trusts),
    ...releasesOf(db, trusts),
    support: supportWithoutLog(trusts),
    edgeCertificates: { authority: '', isEnrolled: () => false },
    ticketKeys: () => ({ keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'k1' }] }),
  };
}

/** The real ones, of which none is ever due. */
function subscriptionsOf(log: Log): Subscriptions {
  return new Subscriptions({
    ...{ db: openSqlite(':memory:', subscriptionSchema), config: undefined, log },
    ...{ measures: unbuiltMeasures, clock: systemClock, hubUrl: () => '' },
    people: { find: () => undefined, refusal: () => null },
    audit: { append: () => {} },
  });
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

/** No build, and a log that takes nothing. */
function releasesOf(db: Sqlite, trusts: HttpParts['config']['trusts']) {
  const gone = () => Promise.reject(new LogError('LOG_UNAVAILABLE', 'there is no log here'));
  const releases = new ReleaseStore('/tmp/none');
  const rollouts = new Rollouts({
    ...{
      trusts,
      db,
      networkLog: { append: gone, sendCommand: gone },
      untilDecided: async () => {},
    },
    ...{ isEnrolled: () => true, findRelease: () => undefined, clock: systemClock, log: silentLog },
    edgeNow: (trust) => ({
      ...{ trust, lastHeardAt: null, isLive: false, version: null, isReady: false, pages: [] },
      upgrade: undefined,
    }),
  });
  return { releases, rollouts };
}

/** One that asks nobody, and takes nothing. */
function supportWithoutLog(trusts: HttpParts['config']['trusts']): SupportBundles {
  const gone = () => Promise.reject(new LogError('LOG_UNAVAILABLE', 'there is no log here'));
  return new SupportBundles({
    ...{ trusts, dataDirectory: '/tmp/none', networkLog: { sendCommand: gone } },
    ...{ isEnrolled: () => true, audit: { append: () => {} }, clock: systemClock, log: silentLog },
    tickets: { signUpload: gone, uploadOf: gone },
  });
}

const refuse = (): Promise<string> => Promise.reject(new Error('no ticket'));
const refusingTickets = {
  audienceOf: refuse,
  readerOf: refuse,
  holderOf: refuse,
  signPass: refuse,
};
