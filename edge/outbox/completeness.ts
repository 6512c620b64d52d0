/**
 * Whether all of a study has come. Pure; IS-35, IS-36 of the domain notes.
 *
 *   nothing came for a while (by modality) and ─┬─ every performed step is over, and what it lists is here
 *                                               ├─ the PACS counts as many as are here
 *                                               └─ neither: three times as long
 */
import { rfc3339 } from '../../shared/clock.ts';
import type { StudyEvent } from '../../shared/contract/events.ts';

export type CompleteBy = NonNullable<StudyEvent['completeBy']>;

export interface CompletenessFacts {
  /** When the last object came, milliseconds since the epoch. */
  readonly lastAt: number;
  readonly modalities: readonly string[];
  readonly instances: number;
  /** As the PACS counts; null: it does not, or does not know the study. */
  readonly pacsInstances: number | null;
  readonly steps: readonly PerformedStep[];
}

export interface PerformedStep {
  readonly status: 'IN PROGRESS' | 'COMPLETED' | 'DISCONTINUED';
  /** That it lists; null: it lists none. */
  readonly instances: number | null;
  /** As the modality says, milliseconds since the epoch. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
}

export interface Verdict {
  /** Null: it may still grow. */
  readonly completeBy: CompleteBy | null;
  /** When time alone may change that. */
  readonly lookAgainAt: number | null;
}

const OTHERS_SECONDS = 300;
/** How long nothing comes between two objects of one study. */
const QUIET_SECONDS: QuietSeconds = {
  ...{ US: 120, CR: 120, DX: 120, RF: 120 },
  ...{ NM: 900, PT: 900, MG: 900 },
};
const WITHOUT_WITNESS = 3;

/** By modality. */
export type QuietSeconds = Readonly<Record<string, number>>;

/** Of the slowest modality. */
function quietMsOf(modalities: readonly string[], given: QuietSeconds): number {
  const of = (modality: string): number =>
    given[modality] ?? QUIET_SECONDS[modality] ?? OTHERS_SECONDS;
  return 1000 * (modalities.length === 0 ? OTHERS_SECONDS : Math.max(...modalities.map(of)));
}

/** @param quietSeconds those of the site, before the usual ones */
export function judgeCompleteness(
  facts: CompletenessFacts,
  { quietSeconds = {}, now }: { quietSeconds?: QuietSeconds; now: number },
): Verdict {
  const { lastAt, modalities, instances, pacsInstances } = facts;
  // What only the PACS holds is there as a whole, as far as it counts.
  if (instances === 0) {
    const completeBy = pacsInstances === null ? null : 'pacs-count';
    return { completeBy, lookAgainAt: null };
  }
  const quietMs = quietMsOf(modalities, quietSeconds);
  // A clock that was set back must not make it wait.
  const since = Math.abs(now - lastAt);
  if (since < quietMs) return { completeBy: null, lookAgainAt: lastAt + quietMs };
  if (areOver(facts)) return { completeBy: 'mpps', lookAgainAt: null };
  if (pacsInstances === instances) return { completeBy: 'pacs-count', lookAgainAt: null };
  const lookAgainAt = lastAt + WITHOUT_WITNESS * quietMs;
  return since >= WITHOUT_WITNESS * quietMs
    ? { completeBy: 'time', lookAgainAt: null }
    : { completeBy: null, lookAgainAt };
}

/**
 * When the examination was, by the steps of its study that were made: the first start, the last end. Null: there is
 * none. The end is null while one of them goes on.
 */
export function performedOf(
  steps: readonly PerformedStep[],
): { startedAt: string | null; endedAt: string | null } | null {
  const made = steps.filter(({ status }) => status !== 'DISCONTINUED');
  const starts = made.flatMap(({ startedAt }) => startedAt ?? []);
  const ends = made.flatMap(({ endedAt }) => endedAt ?? []);
  const isOver = made.every(({ status }) => status === 'COMPLETED');
  if (starts.length + ends.length === 0) return null;
  return {
    startedAt: starts.length === 0 ? null : rfc3339(Math.min(...starts)),
    endedAt: ends.length === 0 || !isOver ? null : rfc3339(Math.max(...ends)),
  };
}

/** There is a step, none goes on, and no fewer objects are here than they list. */
function areOver({ steps, instances }: CompletenessFacts): boolean {
  const listed = steps.reduce((sum, step) => sum + (step.instances ?? 0), 0);
  const isGoingOn = steps.some(({ status }) => status === 'IN PROGRESS');
  return steps.length > 0 && !isGoingOn && instances >= listed;
}
