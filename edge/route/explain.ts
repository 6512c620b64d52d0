/** Why an object went where it went: each rule's word, and what became of what was sent. No patient is in it. */
import { PRIORITIES } from '../../shared/contract/commands.ts';
import type { Step, Way } from './decide.ts';
import type { JobRow } from './route-statements.ts';
import type { RouteStore } from './route-store.ts';

/** Objects of a study that went the same way. */
export interface ExplainedWay {
  readonly objects: number;
  /** One of them. */
  readonly sopInstanceUID: string;
  readonly studyInstanceUID: string;
  readonly version: string;
  readonly decidedAt: number;
  readonly steps: readonly Step[];
}

export interface ExplainedJob {
  readonly job: number;
  readonly rule: string;
  readonly to: string;
  readonly objects: number;
  readonly priority: string;
  readonly state: string;
  readonly why: string;
}

export interface Explanation {
  readonly ways: readonly ExplainedWay[];
  readonly jobs: readonly ExplainedJob[];
}

/** @param uid of a study or of an object */
export function explain(store: RouteStore, uid: string): Explanation {
  const ways = new Map<string, ExplainedWay>();
  for (const { way, studyInstanceUID, sopInstanceUID, decidedAt } of store.decided(uid)) {
    const known = ways.get(way);
    const { version, steps } = JSON.parse(way) as Way;
    const first = { sopInstanceUID, studyInstanceUID, version, decidedAt, steps };
    ways.set(way, { ...(known ?? first), objects: (known?.objects ?? 0) + 1 });
  }
  return { ways: [...ways.values()], jobs: store.jobsOf(uid).map(explainJob) };
}

export function explainJob(job: JobRow): ExplainedJob {
  const { jobKey, rule, destination, instances, priority, state, reasonCode, reasonDetail } = job;
  return {
    ...{ job: jobKey, rule, to: destination, objects: instances, state },
    priority: PRIORITIES[priority] ?? '',
    why: reasonCode === null ? '' : `${reasonCode}: ${reasonDetail ?? ''}`,
  };
}
