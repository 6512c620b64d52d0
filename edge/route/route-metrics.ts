/** The numbers of routing at /metrics. */
import { Counter, Gauge, type Registry } from '../../shared/metrics.ts';
import type { Outages } from './outages.ts';
import type { ResultInbox } from './result-inbox.ts';
import type { RouteStore } from './route-store.ts';

export interface RouteCounters {
  /** A job is over: its objects are where they were to go, or will not be sent. */
  ended(destination: string, outcome: string): void;
  /** @param outcome `clean`, or the reason why it is withheld */
  deidentified(project: string, outcome: string): void;
}

export function openRouteCounters(
  registry: Registry,
  { store, inbox, outages }: { store: RouteStore; inbox: ResultInbox; outages: Outages },
): RouteCounters {
  const registers = [registry];
  const ended = new Counter({
    name: 'cdip_route_jobs_ended_total',
    help: 'Jobs of routing that are over, by what became of them',
    labelNames: ['destination', 'outcome'],
    registers,
  });
  const deidentified = new Counter({
    name: 'cdip_route_deidentified_total',
    help: 'Objects of projects that are clean, or why they are withheld',
    labelNames: ['project', 'outcome'],
    registers,
  });
  new Gauge({
    name: 'cdip_route_jobs',
    help: 'Jobs of routing that are not over, or failed, by state',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset();
      for (const [state, jobs] of store.counts()) this.set({ state }, jobs);
    },
  });
  new Gauge({
    name: 'cdip_route_undecided_objects',
    help: 'Objects on which the rules have not decided yet',
    registers,
    collect() {
      this.set(store.queueLength());
    },
  });
  new Gauge({
    name: 'cdip_route_results_held',
    help: 'Results of AI models that wait for a person',
    registers,
    collect() {
      this.set(inbox.heldCount());
    },
  });
  new Gauge({
    name: 'cdip_route_stopped_since_seconds',
    help: 'Since when, in seconds since 1970, a part of routing can not work, and why',
    labelNames: ['part', 'code'],
    registers,
    collect() {
      this.reset();
      for (const { part, code, since } of outages.list())
        this.set({ part, code }, Math.round(since / 1000));
    },
  });
  return {
    ended: (destination, outcome) => ended.inc({ destination, outcome }),
    deidentified: (project, outcome) => deidentified.inc({ project, outcome }),
  };
}
