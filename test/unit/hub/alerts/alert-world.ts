/** A fleet of heartbeats and a clock that the test sets: rows, rhythms and alerts as a hub has them, no broker. */
import type { Test } from 'tap';
import { Alerts } from '../../../../hub/alerts/alerts.ts';
import { type Channel, ChannelError, type Message } from '../../../../hub/alerts/channels.ts';
import { AlertsSchema } from '../../../../hub/config-alerts.ts';
import { FleetStore } from '../../../../hub/fleet/fleet-store.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import { prepareProjection } from '../../../../hub/projection/statements.ts';
import { type HealthEvent, HealthEventSchema } from '../../../../shared/contract/events.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openMetrics } from '../../../../shared/metrics.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';
import { VERSION } from '../../../../shared/version.ts';
import { fakeDecisions } from '../../../support/fake-decisions.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A heartbeat of an edge that is well; the rest as given. */
export function heartbeatOf(
  trust: string,
  now: number,
  more: Partial<HealthEvent> = {},
): HealthEvent {
  return {
    ...{ v: 1, kind: 'health', at: new Date(now).toISOString(), trust, version: VERSION },
    startedAt: new Date(Date.UTC(2026, 0, 5)).toISOString(),
    ...{ httpUrl: `http://${trust}.example`, epoch: 1, lastSeq: 9, committedSeq: 9 },
    outbox: { waiting: 0, oldestSeconds: 0 },
    index: { studies: 10, series: 20, instances: 900 },
    ...{ quarantined: 0, otherPatient: 0, conflicts: 0, associations: 1, fetches: 0 },
    disk: { freeBytes: 6e11, totalBytes: 1e12, reserveBytes: 2e10, hoursToFull: null },
    machine: { cpu: 0.2, memory: 0.4, rssBytes: 2e8, eventLoopMs: 4, files: 0.05 },
    ...{ queues: [], callers: [], pacs: [], certificates: [], clock: { offsetMs: 12 } },
    ...more,
  };
}

export interface AlertWorld {
  now: number;
  readonly alerts: Alerts;
  /** Another hub on the same log. */
  readonly otherHub: Alerts;
  readonly store: FleetStore;
  readonly sent: Message[];
  readonly sentByOther: Message[];
  /** The channel takes nothing. */
  isBroken: boolean;
  readonly decisions: ReturnType<typeof fakeDecisions>;
  beat(health: HealthEvent): void;
}

export function alertWorld(t: Test, trusts: readonly string[], config: object = {}): AlertWorld {
  const db = openSqlite(':memory:', projectionSchema);
  const statements = prepareProjection(db);
  const store = new FleetStore({ dataDirectory: ':memory:', bankHolidays: [] });
  const decisions = fakeDecisions(db);
  const channel = (sent: Message[]): Channel => ({
    ...{ name: 'test', level: 'warn', trusts: undefined },
    send: async (message) => {
      if (world.isBroken) throw new ChannelError('it takes nothing');
      sent.push(message);
    },
  });
  const clock = { now: () => world.now, monotonicMs: () => world.now };
  const hub = (sent: Message[]): Alerts =>
    new Alerts({
      ...{ ...decisions, store, clock, log: silentLog, metrics: openMetrics({}) },
      config: AlertsSchema.parse(config),
      trusts: trusts.map((ods) => ({ ods, name: `Trust ${ods}` })),
      links: { hubUrl: () => 'https://hub.example' },
      channels: [channel(sent)],
    });
  const sent: Message[] = [];
  const sentByOther: Message[] = [];
  const world: AlertWorld = {
    now: Date.UTC(2026, 5, 1),
    ...{ alerts: hub(sent), otherHub: hub(sentByOther), store, sent, sentByOther },
    ...{ isBroken: false, decisions },
    beat(given) {
      // As it comes over the wire: one that a hub could not read would be nobody's heartbeat.
      const health = HealthEventSchema.parse(given);
      const heardAt = new Date(world.now).toISOString();
      statements.health.run(health.trust, health.at, JSON.stringify(health), heardAt);
      store.take(health, heardAt);
    },
  };
  t.teardown(() => {
    store.close();
    db.close();
  });
  return world;
}
