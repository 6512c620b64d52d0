/**
 * A rollout of one build, ring by ring, and what follows from what its edges tell. Pure: rows and the time come in.
 *
 *   proposed ─► approved by another person ─► ring 1 ─ gate ─► ring 2 ─ gate ─► the rest ─ gate ─► done
 *                                              └─► stands still: a person says go on, or stop
 *
 * The gate between rings: every edge of the ring runs the build, is ready and heard of, and no alert that pages was
 * opened of it, for as long as the gate says without a break.
 */
import * as z from 'zod';
import { rfc3339 } from '../../shared/clock.ts';
import { ReleaseVersion, Sha256, type UpgradeTold } from '../../shared/contract/releases.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';

const Time = z.iso.datetime();
const Trouble = z.object({ trust: ODSCode, code: z.string(), detail: z.string() });

export const RolloutSchema = z.object({
  number: z.int().positive(),
  version: ReleaseVersion,
  sha256: Sha256,
  bytes: z.int().positive(),
  signature: z.base64(),
  rings: z.array(z.array(ODSCode)).min(1),
  gateMinutes: z.number().nonnegative(),
  /** An edge that is silent, or gets nowhere, for so long holds the rollout up. */
  patienceMinutes: z.number().positive(),
  reason: z.string(),
  state: z.enum(['proposed', 'running', 'standing', 'stopped', 'done']),
  /** Counts up each time that somebody lets it go on. */
  attempt: z.int().positive(),
  /** Of `rings`. */
  ring: z.int().nonnegative(),
  /** Since when this ring is told, or was let go on. */
  since: Time,
  /** Since when all edges of the ring are well; null: they are not. */
  gateSince: Time.nullable(),
  leftOut: z.array(z.object({ trust: ODSCode, by: z.string(), at: Time, reason: z.string() })),
  /** Why it stands still. */
  trouble: z.array(Trouble),
  proposedBy: z.string(),
  proposedAt: Time,
  approvedBy: z.string().nullable(),
  /** What was decided, oldest first; `by` null: by the hub itself. */
  steps: z.array(z.object({ at: Time, by: z.string().nullable(), what: z.string() })),
});
export type Rollout = z.output<typeof RolloutSchema>;

/** What is known of an edge at one moment. */
export interface EdgeNow {
  readonly trust: string;
  /** Milliseconds since the epoch; null: never. */
  readonly lastHeardAt: number | null;
  readonly isLive: boolean;
  readonly version: string | null;
  readonly isReady: boolean;
  readonly upgrade: UpgradeTold | undefined;
  /** Alerts that page, opened or raised at or after `since` of the rollout: their titles. */
  readonly pages: readonly string[];
}

export type Progress =
  /** A later ring. */
  'later' | 'left-out' | 'told' | 'downloading' | 'waiting' | 'installing' | 'well' | 'trouble';

export interface EdgeProgress {
  readonly trust: string;
  readonly is: Progress;
  /** Empty: nothing to be said. */
  readonly code: string;
  readonly detail: string;
}

/** False: it can't change any more, or not by itself. */
export const isOpen = ({ state }: Rollout): boolean => state === 'running' || state === 'standing';

export const isLeftOut = ({ leftOut }: Rollout, trust: string): boolean =>
  leftOut.some((one) => one.trust === trust);

/** Of an edge of the ring that is told, or of one before it. */
export function progressOf(rollout: Rollout, edge: EdgeNow, now: number): EdgeProgress {
  const { trust } = edge;
  const say = (is: Progress, code = '', detail = ''): EdgeProgress => ({
    ...{ trust, is, code, detail },
  });
  if (isLeftOut(rollout, trust)) return say('left-out');
  const trouble = troubleOf(rollout, edge, now);
  if (trouble !== null) return say('trouble', ...trouble);
  const told = toldOf(rollout, edge);
  const { code = '', detail = '' } = told?.reason ?? {};
  if (runsIt(rollout, edge)) {
    if (told?.state === 'installing') return say('installing', '', 'it is being watched');
    if (!edge.isLive) return say('installing', 'EDGE_SILENT', 'it is silent');
    return edge.isReady ? say('well') : say('installing', 'NOT_READY', 'it is not ready');
  }
  if (told?.state === 'downloading' || told?.state === 'waiting' || told?.state === 'installing')
    return say(told.state, code, detail);
  return say('told');
}

/** What the edge says of this rollout; undefined: nothing. */
export function toldOf({ number }: Rollout, { upgrade }: EdgeNow): UpgradeTold | undefined {
  return upgrade?.rollout === number ? upgrade : undefined;
}

export const runsIt = ({ version }: Rollout, edge: EdgeNow): boolean => edge.version === version;

type Why = readonly [code: string, detail: string];

function troubleOf(rollout: Rollout, edge: EdgeNow, now: number): Why | null {
  const [page] = edge.pages;
  return (
    endTrouble(rollout, edge) ??
    (page === undefined ? null : ['PAGE_ALERT', `an alert was opened since it began: ${page}`]) ??
    lateTrouble(rollout, edge, now)
  );
}

/** False: it tells of what was before somebody let the rollout go on. */
const isOfThisTry = ({ attempt, since }: Rollout, told: UpgradeTold): boolean =>
  told.attempt === attempt || Date.parse(told.at) > Date.parse(since);

/** It ended, and not well. */
function endTrouble(rollout: Rollout, edge: EdgeNow): Why | null {
  const told = toldOf(rollout, edge);
  if (told === undefined || !isOfThisTry(rollout, told)) return null;
  if (told.state === 'returned' || told.state === 'refused') {
    const { code = 'UPGRADE_RETURNED', detail = '' } = told.reason ?? {};
    return [code, detail];
  }
  if (told.state !== 'done' || !edge.isLive || runsIt(rollout, edge)) return null;
  return ['VERSION_BACK', `it runs ${edge.version} again, not ${rollout.version}`];
}

/** It has not got there in time. */
function lateTrouble(rollout: Rollout, edge: EdgeNow, now: number): Why | null {
  const begun = Date.parse(rollout.since);
  const patienceMs = rollout.patienceMinutes * 60_000;
  if (now - begun <= patienceMs) return null;
  if (!edge.isLive) {
    const silentMs = now - Math.max(begun, edge.lastHeardAt ?? 0);
    return silentMs > patienceMs
      ? ['EDGE_SILENT', `it has been silent for ${minutes(silentMs)}`]
      : null;
  }
  if (runsIt(rollout, edge))
    return edge.isReady ? null : ['NOT_READY', 'it runs the build and is not ready'];
  const told = toldOf(rollout, edge);
  if (told === undefined)
    return ['UPGRADE_NOT_TOLD', 'it says nothing of the build: one so old is upgraded by hand'];
  // Its trust says when.
  if (told.state === 'waiting' && isOfThisTry(rollout, told)) return null;
  const { code, detail } = told.reason ?? { code: 'UPGRADE_LATE', detail: told.state };
  return [code, `after ${minutes(now - begun)}: ${detail}`];
}

const minutes = (ms: number): string => `${Math.round(ms / 60_000)} min`;

/** The edges that the rollout is about now. */
export const ringOf = ({ rings, ring }: Rollout): readonly string[] => rings[ring] ?? [];

/** What follows; null: nothing changes. @param edges those of the ring */
export function nextOf(rollout: Rollout, edges: readonly EdgeNow[], now: number): Rollout | null {
  if (rollout.state !== 'running') return null;
  const progress = edges.map((edge) => progressOf(rollout, edge, now));
  const trouble = progress
    .filter(({ is }) => is === 'trouble')
    .map(({ trust, code, detail }) => ({ trust, code, detail }));
  if (trouble.length > 0) {
    const what = `stands still: ${trouble.map((one) => `${one.trust} ${one.code}`).join(', ')}`;
    return stepped({ ...rollout, state: 'standing', trouble, gateSince: null }, { now, what });
  }
  const concerned = progress.filter(({ is }) => is !== 'left-out');
  if (concerned.length === 0) return withNextRing(rollout, now);
  const { gateSince, gateMinutes } = rollout;
  if (concerned.some(({ is }) => is !== 'well'))
    return gateSince === null ? null : { ...rollout, gateSince: null };
  if (gateSince === null && gateMinutes > 0) return { ...rollout, gateSince: rfc3339(now) };
  const isOver = gateSince === null || now - Date.parse(gateSince) >= gateMinutes * 60_000;
  return isOver ? withNextRing(rollout, now) : null;
}

function withNextRing(rollout: Rollout, now: number): Rollout {
  const ring = rollout.ring + 1;
  const since = rfc3339(now);
  if (ring >= rollout.rings.length)
    return stepped({ ...rollout, state: 'done', gateSince: null }, { now, what: 'done' });
  const what = `ring ${ring + 1}: ${(rollout.rings[ring] ?? []).join(', ')}`;
  return stepped({ ...rollout, ring, since, gateSince: null }, { now, what });
}

/** With a line of what was decided. */
export function stepped(
  rollout: Rollout,
  { now, what, by = null }: { now: number; what: string; by?: string | null },
): Rollout {
  return { ...rollout, steps: [...rollout.steps, { at: rfc3339(now), by, what }] };
}
