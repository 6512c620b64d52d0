/**
 * Who is the same person: identities put together by merges of their trust, by the rules, and by what
 * people decided. Nobody joins a person with one of whom a doubt stands between them and any member.
 */
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { compareIdentities } from './compare.ts';
import { decisionsAbout, type PairDecision } from './decisions.ts';
import {
  findIdentity,
  type Identity,
  keyOfText,
  keyText,
  mergedInto,
  withNhsNumber,
} from './identities.ts';

export interface Member extends Identity {
  /** Why it belongs to the person; `self` for the first. */
  readonly by: 'self' | 'merge' | 'A' | 'B' | 'person';
}

export interface Person {
  readonly members: readonly Member[];
}

/** The persons under an NHS number, the best known first; more than one: a doubt that somebody has to settle. */
export function personsWithNhsNumber(db: Sqlite, nhsNumber: string): Person[] {
  return personsOf(db, withNhsNumber(db, nhsNumber));
}

/** The person that an identity belongs to, with all others of whom that is so. */
export function personOf(db: Sqlite, identity: Identity): Person {
  const key = keyText(identity);
  const persons = personsOf(db, [identity]);
  const found = persons.find(({ members }) => members.some((one) => keyText(one) === key));
  return found ?? { members: [{ ...identity, by: 'self' }] };
}

function personsOf(db: Sqlite, seeds: readonly Identity[]): Person[] {
  const found = new Map<string, Identity>();
  const waiting = [...seeds];
  const decisions: PairDecision[] = [];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    const key = keyText(one);
    if (found.has(key)) continue;
    found.set(key, one);
    const about = decisionsAbout(db, key);
    decisions.push(...about);
    waiting.push(...mergedInto(db, one), ...relatives(db, one, about));
  }
  return grouped([...found.values()], decisions).sort(bestKnownFirst);
}

/** The number in force, whom people called the same, and who has the same NHS number. */
function relatives(db: Sqlite, one: Identity, about: readonly PairDecision[]): Identity[] {
  const self = keyText(one);
  const keys = about
    .filter(({ decision }) => decision === 'same')
    .map(({ a, b }) => keyOfText(a === self ? b : a));
  const inForce = one.mergedInto && { trust: one.trust, ...one.mergedInto };
  const named = [...keys, inForce]
    .filter((key) => key !== null)
    .map((key) => findIdentity(db, key))
    .filter((identity) => identity !== undefined);
  return one.nhsNumber === null ? named : [...named, ...withNhsNumber(db, one.nhsNumber)];
}

function grouped(identities: readonly Identity[], decisions: readonly PairDecision[]): Person[] {
  const decided = new Map(decisions.map(({ a, b, decision }) => [`${a} ${b}`, decision]));
  const persons: Member[][] = [];
  // Numbers in force first: those merged into them follow whatever else they say.
  const ordered = identities.toSorted(
    (a, b) => strength(b) - strength(a) || (keyText(a) < keyText(b) ? -1 : 1),
  );
  for (const identity of ordered) {
    const links = persons.map((members) => linkOf(identity, members, decided));
    const at = links.findIndex((link) => link !== undefined);
    if (at < 0) persons.push([{ ...identity, by: 'self' }]);
    else persons[at]?.push({ ...identity, by: links[at] ?? 'self' });
  }
  return persons.map((members) => ({ members }));
}

const strength = ({ mergedInto: merged, nhsStatus, isTold }: Identity): number =>
  (merged === null ? 4 : 0) + (nhsStatus === '01' ? 2 : 0) + (isTold ? 1 : 0);

function linkOf(
  one: Identity,
  members: readonly Member[],
  decided: ReadonlyMap<string, 'same' | 'different'>,
): Member['by'] | undefined {
  const key = keyText(one);
  let best: Member['by'] | undefined;
  for (const member of members) {
    const [a, b] = [key, keyText(member)].toSorted();
    const decision = decided.get(`${a} ${b}`);
    if (isMerged(one, member)) return 'merge';
    if (decision === 'different') return undefined;
    const rule = compareIdentities(one, member).class;
    if (decision === 'same') best = 'person';
    // Somebody's own former number says nothing for or against others.
    else if (rule === 'A' || rule === 'B') best ??= rule;
    else if (member.by !== 'merge') return undefined;
  }
  return best;
}

const isMerged = (a: Identity, b: Identity): boolean =>
  a.trust === b.trust && (pointsTo(a, b) || pointsTo(b, a));

const pointsTo = ({ mergedInto: into }: Identity, to: Identity): boolean =>
  into?.patientId === to.patientId && into.issuer === to.issuer;

function bestKnownFirst(a: Person, b: Person): number {
  const verified = ({ members }: Person): number =>
    members.filter(({ nhsStatus }) => nhsStatus === '01').length;
  return verified(b) - verified(a) || b.members.length - a.members.length;
}
