/**
 * Under which identifiers the objects at hand know their patients: who shares a number is one patient, and
 * all that any object says of him is looked for in each.
 *
 *   every object's Subject ─► add ─► one group a patient ─► keyOf, identifiersOf
 */
import type { KnownIdentifiers } from '../../shared/identifier-search.ts';
import type { Subject } from './subject.ts';

interface Group {
  readonly id: number;
  readonly nhsNumbers: Set<string>;
  readonly names: Set<string>;
  readonly numbers: Set<string>;
  readonly birthDates: Set<string>;
  readonly addresses: Set<string>;
}

type Whom = Pick<Subject, 'nhsNumber' | 'localKey'>;
const SETS = ['nhsNumbers', 'names', 'numbers', 'birthDates', 'addresses'] as const;

export class Aliases {
  readonly #groups = new Map<string, Group>();
  #count = 0;

  add(subject: Whom & Pick<Subject, 'identifiers'>): void {
    const { nhsNumber, localKey, identifiers } = subject;
    const group = this.#joined(namesOf(subject));
    if (nhsNumber !== null) group.nhsNumbers.add(nhsNumber);
    // A Patient ID is one whether or not an issuer is named.
    if (nhsNumber !== null) group.numbers.add(nhsNumber);
    this.#groups.set(localKey, group);
    for (const set of ['names', 'numbers', 'birthDates', 'addresses'] as const)
      for (const value of identifiers[set]) group[set].add(value);
  }

  /** What the patient's pseudonym is made of: the NHS number, where exactly one is known, else the local one. */
  keyOf(whom: Whom): string {
    const { nhsNumber, localKey } = whom;
    const [only, ...more] = this.#groupOf(whom)?.nhsNumbers ?? [];
    const known = nhsNumber ?? (more.length === 0 ? only : undefined);
    return known === undefined ? localKey : `nhs ${known}`;
  }

  /** The same object for the same patient, until something is added. */
  identifiersOf(whom: Whom): { readonly id: number; readonly identifiers: KnownIdentifiers } {
    const group = this.#groupOf(whom) ?? this.#joined(namesOf(whom));
    const { id, names, numbers, birthDates, addresses } = group;
    return {
      id,
      identifiers: {
        ...{ names: [...names], numbers: [...numbers] },
        ...{ birthDates: [...birthDates], addresses: [...addresses] },
      },
    };
  }

  #groupOf(whom: Whom): Group | undefined {
    return namesOf(whom)
      .map((name) => this.#groups.get(name))
      .find((group) => group !== undefined);
  }

  #joined(names: readonly string[]): Group {
    const groups = new Set(names.flatMap((name) => this.#groups.get(name) ?? []));
    const [first = this.#newGroup(), ...others] = groups;
    for (const other of others)
      for (const set of SETS) for (const value of other[set]) first[set].add(value);
    if (others.length > 0)
      for (const [name, group] of this.#groups)
        if (others.includes(group)) this.#groups.set(name, first);
    for (const name of names) this.#groups.set(name, first);
    return first;
  }

  #newGroup(): Group {
    this.#count += 1;
    return {
      id: this.#count,
      ...{ nhsNumbers: new Set(), names: new Set(), numbers: new Set() },
      ...{ birthDates: new Set(), addresses: new Set() },
    };
  }
}

const namesOf = ({ nhsNumber, localKey }: Whom): string[] => [
  ...(nhsNumber === null ? [] : [`nhs ${nhsNumber}`]),
  localKey,
];
