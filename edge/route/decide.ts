/**
 * What the rules say of one object. Pure: the same rules and facts give the same way.
 *
 *   rules, from the first ─► when, unless ─┬─ deliver     one send for each destination
 *                                          ├─ disclose    to a project, in its form
 *                                          ├─ prioritise  of the sends below; never lowered
 *                                          ├─ hold        the sends below wait for a person
 *                                          └─ drop        no rule below is tried
 */
import { createHash } from 'node:crypto';
import { PRIORITIES } from '../../shared/contract/commands.ts';
import type { EdgeConfig } from '../config.ts';
import type { RouteRule } from '../config-routes.ts';
import { whyNot } from './conditions.ts';
import type { ObjectFacts } from './facts.ts';

/** What became of one rule. */
export interface Step {
  readonly rule: string;
  readonly acted: boolean;
  /** What it did, or why it did not. */
  readonly what: string;
}

export interface Send {
  readonly rule: string;
  /** A peer or another destination. */
  readonly to: string;
  /** Of secondary use: its gate is asked when it is sent. */
  readonly project: string | null;
  /** Index in PRIORITIES: 0 is the most urgent. */
  readonly priority: number;
  /** Waits for a person, for this reason. */
  readonly held: string | null;
}

/** The way of an object through the rules. */
export interface Way {
  readonly version: string;
  readonly steps: readonly Step[];
  readonly sends: readonly Send[];
}

/** How far the rules above have brought an object. */
interface Course {
  readonly sends: Send[];
  priority: number;
  held: string | null;
}

export type RouteConfig = Pick<
  EdgeConfig,
  'peers' | 'destinations' | 'models' | 'projects' | 'routes'
>;

const DEFAULT_PRIORITY = PRIORITIES.indexOf('scheduled');

export class RuleSet {
  /** Names what decided: other rules, another version. */
  readonly version: string;
  readonly rules: readonly RouteRule[];
  readonly #aeTitles: ReadonlyMap<string, string>;
  readonly #projects: ReadonlyMap<string, string>;

  constructor({ peers, destinations, models, projects, routes }: RouteConfig) {
    this.rules = routes;
    const text = JSON.stringify({ routes, destinations, models, projects });
    this.version = createHash('sha256').update(text).digest('hex').slice(0, 12);
    const aeTitles = new Map(peers.map(({ name, aeTitle }) => [name, aeTitle]));
    for (const { name, peer } of models) aeTitles.set(name, aeTitles.get(peer) ?? '');
    this.#aeTitles = aeTitles;
    this.#projects = new Map(projects.map(({ name, destination }) => [name, destination]));
  }

  decide(facts: ObjectFacts): Way {
    const steps: Step[] = [];
    const course: Course = { sends: [], priority: DEFAULT_PRIORITY, held: null };
    for (const rule of this.rules) {
      const not = this.#whyNot(rule, facts);
      steps.push({ rule: rule.name, acted: not === undefined, what: not ?? said(rule) });
      if (not !== undefined) continue;
      if (rule.action === 'drop') break;
      this.#act(rule, facts, course);
    }
    return { version: this.version, steps, sends: course.sends };
  }

  #act(rule: RouteRule, facts: ObjectFacts, course: Course): void {
    const { priority, held } = course;
    if (rule.action === 'hold') course.held = rule.reason;
    else if (rule.action === 'prioritise')
      course.priority = Math.min(course.priority, PRIORITIES.indexOf(rule.priority));
    else if (rule.action === 'disclose') {
      const to = this.#projects.get(rule.project) ?? '';
      course.sends.push({ rule: rule.name, to, project: rule.project, priority, held });
    } else if (rule.action === 'deliver')
      for (const to of rule.to) {
        const isNew = !course.sends.some((send) => send.to === to);
        if (isNew && !this.#cameFrom(to, facts))
          course.sends.push({ rule: rule.name, to, project: null, priority, held });
      }
  }

  #whyNot(rule: RouteRule, facts: ObjectFacts): string | undefined {
    const not = whyNot(rule.when, facts);
    if (not !== undefined) return not;
    if (rule.unless !== undefined && whyNot(rule.unless, facts) === undefined)
      return 'what it excludes is so';
    if (rule.action === 'deliver' && rule.to.every((name) => this.#cameFrom(name, facts)))
      return 'it came from there';
    return undefined;
  }

  /** What a PACS sends is not sent back to it. */
  #cameFrom(to: string, { callingAETitle }: ObjectFacts): boolean {
    return this.#aeTitles.get(to) === callingAETitle;
  }
}

function said(rule: RouteRule): string {
  switch (rule.action) {
    case 'deliver':
      return `sent to ${rule.to.join(', ')}`;
    case 'disclose':
      return `sent to the project ${rule.project}, as far as its gate lets it`;
    case 'prioritise':
      return `what is sent below is ${rule.priority}`;
    case 'hold':
      return `what is sent below waits for a person: ${rule.reason}`;
    case 'drop':
      return `no further rule is tried: ${rule.reason}`;
  }
}
