/**
 * Rules that are not live yet, tried on what the trust has: what they would have sent. Nothing is written.
 *
 *   studies since ─► facts ─► decide ─► a project's gate ─► sums by rule and destination
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { RuleSet, Way } from './decide.ts';
import type { FactsReader, ObjectFacts } from './facts.ts';
import type { Gate, GatePatient } from './gate.ts';

export interface TrialSum {
  readonly studies: number;
  readonly objects: number;
  readonly bytes: number;
}

export interface Trial {
  readonly version: string;
  readonly studies: number;
  readonly objects: number;
  /** Of each rule, how many objects it acted on. */
  readonly rules: readonly (TrialSum & { readonly rule: string })[];
  readonly sends: readonly (TrialSum & {
    readonly to: string;
    readonly rule: string;
    /** Of these objects, so many would wait for a person. */
    readonly held: number;
    /** Of those to a project, so many its gate would not let through now, by its reasons. */
    readonly withheld: Readonly<Record<string, number>>;
  })[];
  /** Objects that no rule would send anywhere. */
  readonly unsent: number;
}

export interface TrialParts {
  readonly db: Sqlite;
  readonly trust: string;
  readonly rules: RuleSet;
  readonly facts: FactsReader;
  readonly gate: Pick<Gate, 'whyNot'>;
  readonly now: number;
}

interface StudyRow extends GatePatient {
  readonly studyInstanceUID: string;
}

/** @param since milliseconds since the epoch: studies that got an object then or later */
export async function tryRules(parts: TrialParts, since: number): Promise<Trial> {
  const { db, trust, rules, facts, gate, now } = parts;
  const studies = db
    .prepare<[string, number], StudyRow>(
      `SELECT study_uid AS studyInstanceUID, patient_id AS patientId, issuer, nhs_number AS nhsNumber
       FROM studies WHERE home = ? AND last_at >= ? ORDER BY study_key`,
    )
    .all(trust, since);
  const tally = new Tally(rules);
  for (const study of studies) {
    const { studyInstanceUID } = study;
    // Of each project once: its lists are files.
    const known = new Map<string, string | undefined>();
    const whyNot = (project: string): string | undefined => {
      if (!known.has(project)) known.set(project, gate.whyNot(project, study, now)?.code);
      return known.get(project);
    };
    for (const object of await facts.ofStudy({ studyInstanceUID, home: trust }))
      tally.add(object, rules.decide(object), whyNot);
  }
  return { version: rules.version, studies: studies.length, ...tally.value() };
}

interface TalliedSend {
  readonly rule: string;
  readonly to: string;
  readonly sum: Sum;
  held: number;
  readonly withheld: Record<string, number>;
}

class Tally {
  readonly #rules: ReadonlyMap<string, Sum>;
  readonly #sends = new Map<string, TalliedSend>();
  #objects = 0;
  #unsent = 0;

  constructor({ rules }: RuleSet) {
    this.#rules = new Map(rules.map(({ name }) => [name, new Sum()]));
  }

  add(
    object: ObjectFacts,
    { steps, sends }: Way,
    whyNot: (project: string) => string | undefined,
  ): void {
    this.#objects += 1;
    if (sends.length === 0) this.#unsent += 1;
    for (const { rule, acted } of steps) if (acted) this.#rules.get(rule)?.add(object);
    for (const { rule, to, held, project } of sends) {
      const key = `${rule} ${to}`;
      const entry = this.#sends.get(key) ?? { rule, to, sum: new Sum(), held: 0, withheld: {} };
      this.#sends.set(key, entry);
      entry.sum.add(object);
      if (held !== null) entry.held += 1;
      const code = project === null ? undefined : whyNot(project);
      if (code !== undefined) entry.withheld[code] = (entry.withheld[code] ?? 0) + 1;
    }
  }

  value(): Pick<Trial, 'objects' | 'unsent' | 'rules' | 'sends'> {
    const sends = [...this.#sends.values()];
    return {
      ...{ objects: this.#objects, unsent: this.#unsent },
      rules: [...this.#rules].map(([rule, sum]) => ({ rule, ...sum.value() })),
      sends: sends.map(({ sum, ...send }) => ({ ...send, ...sum.value() })),
    };
  }
}

class Sum {
  readonly #studies = new Set<string>();
  #objects = 0;
  #bytes = 0;

  add({ studyInstanceUID, dataSetBytes }: ObjectFacts): void {
    this.#studies.add(studyInstanceUID);
    this.#objects += 1;
    this.#bytes += dataSetBytes;
  }

  value(): TrialSum {
    return { studies: this.#studies.size, objects: this.#objects, bytes: this.#bytes };
  }
}
