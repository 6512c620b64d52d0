/**
 * Rollouts of builds: proposed, approved by another person, and then watched until they are over or stand still.
 *
 *   propose ─► log ─► approve ─► log ─► every few seconds: rollout.ts ─► log ─► commands to the edges of the ring
 *
 * Several hubs watch the same rollouts: the log takes what follows from one of them.
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Release } from './release-store.ts';
import {
  type EdgeNow,
  type EdgeProgress,
  isLeftOut,
  isOpen,
  nextOf,
  progressOf,
  type Rollout,
  ringOf,
  runsIt,
  stepped,
  toldOf,
} from './rollout.ts';
import { RolloutError } from './rollout-error.ts';
import { lastRolloutDecision, listRollouts, ROLLOUT_SUBJECT } from './rollout-rows.ts';

const LOOK_MS = 5_000;
/** What an edge does not tell of is sent again. */
const AGAIN_MS = 60_000;
const SECOND_RING = 3;

export interface RolloutsOptions {
  readonly trusts: readonly { readonly ods: string }[];
  readonly db: Sqlite;
  readonly networkLog: Pick<NetworkLog, 'append' | 'sendCommand'>;
  readonly untilDecided: (streamSeq: number) => Promise<void>;
  /** @param since RFC 3339: alerts that page from then on count */
  readonly edgeNow: (trust: string, since: string) => EdgeNow;
  /** Null: it has no edge. */
  readonly isEnrolled: (trust: string) => boolean;
  readonly findRelease: (sha256: string) => Release | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface RolloutProposal {
  readonly sha256: string;
  readonly canary: string;
  /** The second ring; undefined: the first three of the others. */
  readonly second: readonly string[] | undefined;
  readonly gateMinutes: number;
  readonly patienceMinutes: number;
  readonly reason: string;
}

/** Who decides. People of one trust do not decide on the edges of others. */
export interface Decider {
  readonly name: string;
  readonly trust: string | null;
}

export type RolloutView = Rollout & {
  readonly edges: readonly (EdgeProgress & {
    readonly ring: number;
    readonly version: string | null;
  })[];
};

export class Rollouts {
  readonly #options: RolloutsOptions;
  /** By trust: which command was sent, and when it is sent again. */
  readonly #sent = new Map<string, { readonly id: string; readonly dueMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: RolloutsOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** The newest first, with how each edge stands now. */
  list(): RolloutView[] {
    return listRollouts(this.#options.db).map((rollout) => ({
      ...rollout,
      edges: this.#edgesOf(rollout),
    }));
  }

  /** @returns its number @throws RolloutError; LogError */
  async propose(proposal: RolloutProposal, by: Decider): Promise<number> {
    requireNetwork(by);
    const { db, findRelease, clock } = this.#options;
    const { sha256, gateMinutes, patienceMinutes, reason } = proposal;
    const release = findRelease(sha256);
    if (release === undefined)
      throw new RolloutError('RELEASE_UNKNOWN', 'This hub has no such build: cdip hub release add');
    const rings = this.#ringsOf(proposal);
    const all = listRollouts(db);
    const open = all.find(isOpen);
    if (open !== undefined)
      throw new RolloutError('ROLLOUT_STATE', `rollout ${open.number} is under way: stop it first`);
    const now = clock.now();
    const at = rfc3339(now);
    const { version, bytes, signature } = release;
    const rollout: Rollout = {
      ...{ number: this.#nextNumber(all), version, sha256, bytes, signature, rings, reason },
      ...{ gateMinutes, patienceMinutes, state: 'proposed', attempt: 1, ring: 0, since: at },
      ...{ gateSince: null, leftOut: [], trouble: [], proposedBy: by.name, proposedAt: at },
      ...{ approvedBy: null, steps: [] },
    };
    await this.#decide(stepped(rollout, { now, what: 'proposed', by: by.name }));
    return rollout.number;
  }

  /** @throws RolloutError; LogError */
  async approve(number: number, by: Decider): Promise<void> {
    const rollout = this.#require(number, by, ['proposed']);
    const newest = listRollouts(this.#options.db)[0]?.number;
    if (newest !== number)
      throw new RolloutError('ROLLOUT_STATE', `a newer one was proposed: rollout ${newest}`);
    if (rollout.proposedBy === by.name)
      throw new RolloutError('APPROVAL_FORBIDDEN', 'somebody else has to approve it');
    const now = this.#options.clock.now();
    const running = { ...rollout, state: 'running' as const, since: rfc3339(now) };
    const what = `approved; ring 1: ${ringOf(rollout).join(', ')}`;
    await this.#decide(stepped({ ...running, approvedBy: by.name }, { now, what, by: by.name }));
    await this.look();
  }

  /**
   * What stands still goes on: edges in trouble are left out, those of `again` are told once more. An edge that runs the
   * build and is in trouble for an alert stays in.
   *
   * @throws RolloutError; LogError
   */
  async goOn(number: number, again: readonly string[], by: Decider): Promise<void> {
    const rollout = this.#require(number, by, ['standing']);
    const now = this.#options.clock.now();
    const out = rollout.trouble.filter(
      ({ trust, code }) => code !== 'PAGE_ALERT' && !again.includes(trust),
    );
    const at = rfc3339(now);
    const leftOut = out.map(({ trust, code, detail }) => ({
      ...{ trust, by: by.name, at, reason: `${code}: ${detail}` },
    }));
    const words = out.length === 0 ? '' : `, without ${out.map(({ trust }) => trust).join(', ')}`;
    const next: Rollout = {
      ...{ ...rollout, state: 'running', attempt: rollout.attempt + 1, since: at, trouble: [] },
      leftOut: [...rollout.leftOut, ...leftOut],
    };
    await this.#decide(stepped(next, { now, what: `goes on${words}`, by: by.name }));
    await this.look();
  }

  /** An edge that, say, waits for its trust does not hold the others up. @throws RolloutError; LogError */
  async leaveOut(
    number: number,
    { trust, reason }: { trust: string; reason: string },
    by: Decider,
  ): Promise<void> {
    const rollout = this.#require(number, by, ['running']);
    if (!rollout.rings.flat().includes(trust))
      throw new RolloutError('TRUST_UNKNOWN', `${trust} is not in rollout ${number}`);
    if (isLeftOut(rollout, trust)) return;
    const now = this.#options.clock.now();
    const left = { trust, by: by.name, at: rfc3339(now), reason };
    const next = { ...rollout, leftOut: [...rollout.leftOut, left] };
    await this.#decide(stepped(next, { now, what: `without ${trust}: ${reason}`, by: by.name }));
  }

  /** Nobody else gets it; what is not installed yet is taken back. @throws RolloutError; LogError */
  async end(number: number, reason: string, by: Decider): Promise<void> {
    const rollout = this.#require(number, by, ['proposed', 'running', 'standing']);
    const now = this.#options.clock.now();
    const next = { ...rollout, state: 'stopped' as const, gateSince: null };
    await this.#decide(stepped(next, { now, what: `stopped: ${reason}`, by: by.name }));
    await this.look();
  }

  /** One look; the one that runs, when one does. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        const { log } = this.#options;
        // Another hub was quicker, or the log is away: the next look sees.
        if (error instanceof GatewayError) log.warn('rollout.look-failed', { code: codeOf(error) });
        else log.error('program.bug', { where: 'rollouts', error });
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { db, edgeNow, clock } = this.#options;
    const newest = listRollouts(db).find(({ approvedBy }) => approvedBy !== null);
    if (newest === undefined) return;
    const edges = ringOf(newest).map((trust) => edgeNow(trust, newest.since));
    const next = nextOf(newest, edges, clock.now());
    if (next !== null) await this.#decide(next);
    const current = next ?? newest;
    for (const trust of current.rings.slice(0, current.ring + 1).flat())
      await this.#tell(current, edgeNow(trust, current.since));
  }

  /** What an edge has still to hear. */
  async #tell(rollout: Rollout, edge: EdgeNow): Promise<void> {
    const { trust } = edge;
    const command = this.#commandFor(rollout, edge);
    if (command === null) {
      this.#sent.delete(trust);
      return;
    }
    const { networkLog, clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    const sent = this.#sent.get(trust);
    if (sent?.id === command.id && sent.dueMs > nowMs) return;
    this.#sent.set(trust, { id: command.id, dueMs: nowMs + AGAIN_MS });
    try {
      await networkLog.sendCommand(trust, command);
    } catch (error) {
      this.#sent.delete(trust);
      log.warn('rollout.not-sent', { trust, rollout: rollout.number, code: codeOf(error) });
    }
  }

  #commandFor(rollout: Rollout, edge: EdgeNow): Command | null {
    const { number, attempt, version, sha256, bytes, signature, state } = rollout;
    if (runsIt(rollout, edge) || state === 'done') return null;
    const told = toldOf(rollout, edge);
    const at = rfc3339(this.#options.clock.now());
    const name = `${number}.${attempt}-${edge.trust}`;
    if (state === 'running' && !isLeftOut(rollout, edge.trust)) {
      if (!ringOf(rollout).includes(edge.trust) || told?.attempt === attempt) return null;
      return {
        ...{ v: 1, id: `upgrade-${name}`, at, kind: 'upgrade', rollout: number, attempt },
        ...{ version, sha256, bytes, signature },
      };
    }
    // One that has told nothing may have the command still before it.
    const mayBegin = told === undefined || ['downloading', 'waiting'].includes(told.state);
    if (!mayBegin) return null;
    return { v: 1, id: `withdraw-upgrade-${name}`, at, kind: 'withdraw-upgrade', rollout: number };
  }

  #edgesOf(rollout: Rollout): RolloutView['edges'] {
    const { edgeNow, clock } = this.#options;
    const now = clock.now();
    return rollout.rings.flatMap((trusts, ring) =>
      trusts.map((trust) => {
        const edge = edgeNow(trust, rollout.since);
        const isLater = ring > rollout.ring || rollout.approvedBy === null;
        const progress = isLater
          ? { trust, is: 'later' as const, code: '', detail: '' }
          : progressOf(rollout, edge, now);
        return { ...progress, ring, version: edge.version };
      }),
    );
  }

  /** Above what any edge was told before, by a hub whose log is gone, too: an edge passes over what is not. */
  #nextNumber(all: readonly Rollout[]): number {
    const { trusts, edgeNow, clock } = this.#options;
    const now = rfc3339(clock.now());
    const told = trusts.map(({ ods }) => edgeNow(ods, now).upgrade?.rollout ?? 0);
    return Math.max(all[0]?.number ?? 0, ...told) + 1;
  }

  #ringsOf({ canary, second }: RolloutProposal): string[][] {
    const { trusts, isEnrolled } = this.#options;
    const all = trusts.map(({ ods }) => ods).filter(isEnrolled);
    const unknown = [canary, ...(second ?? [])].find((trust) => !all.includes(trust));
    if (unknown !== undefined)
      throw new RolloutError('TRUST_UNKNOWN', `${unknown} has no edge in this network`);
    const others = all.filter((trust) => trust !== canary);
    const few = second?.filter((trust) => trust !== canary) ?? others.slice(0, SECOND_RING);
    const rest = others.filter((trust) => !few.includes(trust));
    return [[canary], [...new Set(few)], rest].filter((ring) => ring.length > 0);
  }

  #require(number: number, by: Decider, states: readonly Rollout['state'][]): Rollout {
    const rollout = listRollouts(this.#options.db).find((one) => one.number === number);
    if (rollout === undefined)
      throw new RolloutError('ROLLOUT_UNKNOWN', `there is no rollout ${number}`);
    requireNetwork(by);
    if (!states.includes(rollout.state))
      throw new RolloutError('ROLLOUT_STATE', `rollout ${number} is ${rollout.state}`);
    return rollout;
  }

  async #decide(rollout: Rollout): Promise<void> {
    const { networkLog, db, untilDecided, log } = this.#options;
    const expectedLastSeq = lastRolloutDecision(db);
    const body = { v: 1, rollout };
    await untilDecided(await networkLog.append(ROLLOUT_SUBJECT, body, { expectedLastSeq }));
    const { number, state, ring, trouble } = rollout;
    log.info('rollout.state', { rollout: number, state, ring, code: trouble[0]?.code ?? '' });
  }
}

function requireNetwork({ trust }: Decider): void {
  if (trust === null) return;
  throw new RolloutError(
    'ROLLOUT_FORBIDDEN',
    `People of ${trust} look after its own edge: rollouts are decided by the network's staff.`,
  );
}
