/** The lists of all sites, each in the order of the rules as far as it does not depend on a slot. */
import { BANDS } from '../../../hub/scheduling/rules/facts.ts';
import type { Patient } from './population.ts';

export class WaitingLists {
  /** By trust, and by the site that these patients may go to. */
  readonly #lists = new Map<string, Patient[]>();
  readonly #trusts: readonly string[];
  readonly #goesTo: (patient: Patient) => readonly string[];

  /** @param goesTo trusts whose sites a patient may go to, the own one too */
  constructor(trusts: readonly string[], goesTo: (patient: Patient) => readonly string[]) {
    this.#trusts = trusts;
    this.#goesTo = goesTo;
    for (const trust of trusts) for (const site of trusts) this.#lists.set(`${trust} ${site}`, []);
  }

  get size(): number {
    return this.#trusts.reduce((sum, trust) => sum + this.of(trust).length, 0);
  }

  of(trust: string): readonly Patient[] {
    return this.for(trust, trust);
  }

  /** Those of a trust who may go to a site. */
  for(trust: string, site: string): readonly Patient[] {
    return this.#lists.get(`${trust} ${site}`) ?? [];
  }

  add(patient: Patient): void {
    for (const list of this.#listsOf(patient)) list.splice(placeIn(list, patient), 0, patient);
  }

  remove(patient: Patient): void {
    for (const list of this.#listsOf(patient)) {
      const at = list.indexOf(patient, placeIn(list, patient));
      if (at >= 0) list.splice(at, 1);
    }
  }

  count(isWanted: (patient: Patient) => boolean): number {
    let count = 0;
    for (const trust of this.#trusts)
      for (const one of this.of(trust)) if (isWanted(one)) count += 1;
    return count;
  }

  #listsOf(patient: Patient): Patient[][] {
    return this.#goesTo(patient).flatMap((site) => {
      const list = this.#lists.get(`${patient.demand.trust} ${site}`);
      return list === undefined ? [] : [list];
    });
  }
}

/** The first so many who may be meant, over all these lists together. */
export function firstOf(
  lists: readonly (readonly Patient[])[],
  most: number,
  isMeant: (patient: Patient) => boolean,
): Patient[] {
  const heads = lists.map((list) => ({ list, at: 0 }));
  const found: Patient[] = [];
  while (found.length < most) {
    let next: { list: readonly Patient[]; at: number } | undefined;
    for (const head of heads) {
      const patient = head.list[head.at];
      if (patient === undefined) continue;
      const best = next?.list[next.at];
      if (best === undefined || compare(patient, best) < 0) next = head;
    }
    const patient = next?.list[next.at];
    if (next === undefined || patient === undefined) break;
    next.at += 1;
    if (isMeant(patient)) found.push(patient);
  }
  return found;
}

function compare({ demand: a }: Patient, { demand: b }: Patient): number {
  return (
    BANDS.indexOf(a.band) - BANDS.indexOf(b.band) ||
    (a.breachAt < b.breachAt ? -1 : a.breachAt > b.breachAt ? 1 : 0) ||
    (a.since < b.since ? -1 : a.since > b.since ? 1 : 0) ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

function placeIn(list: readonly Patient[], patient: Patient): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(list[middle] as Patient, patient) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
