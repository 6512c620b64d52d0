/**
 * What people decide about who sees whom: emergency accesses and their reviews, restrictions, lists of meetings.
 * Each is written to the log on top of what it was decided on, and waited for until it stands in the rows.
 */
import { randomUUID } from 'node:crypto';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { hubSubject } from '../../shared/contract/subjects.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Principal } from '../access/rules.ts';
import { type IdentityKey, keyText } from '../identity/identities.ts';
import type { Person } from '../identity/persons.ts';
import type { NetworkLog } from '../log/network-log.ts';
import type { Projection } from '../projection/projection.ts';
import {
  applyGlass,
  findGlass,
  GLASS_MS,
  type Glass,
  type GlassReason,
  type ReviewOutcome,
  reviewersOf,
} from './glass.ts';
import { applyMdtList, findMdtList, type MdtList } from './mdt-lists.ts';
import { RelationError } from './relation-error.ts';
import {
  applyRestriction,
  findRestriction,
  isSensitive,
  levelsOfPatient,
  type Restriction,
  restrictionId,
} from './restrictions.ts';

export interface RelationsOptions {
  readonly projection: Pick<Projection, 'db' | 'registerHubAggregate' | 'untilDecided'>;
  readonly networkLog: Pick<NetworkLog, 'append'>;
  readonly clock: Clock;
}

export class Relations {
  readonly #options: RelationsOptions;
  readonly #db: Sqlite;

  /** Before the projection starts. */
  constructor(options: RelationsOptions) {
    const { projection } = options;
    this.#options = options;
    this.#db = projection.db;
    projection.registerHubAggregate('glass', applyGlass);
    projection.registerHubAggregate('restriction', applyRestriction);
    projection.registerHubAggregate('mdt', applyMdtList);
  }

  /**
   * Opens the records of these persons to this one asker, for four hours.
   *
   * @throws RelationError `PATIENT_UNKNOWN`, `GLASS_FORBIDDEN`; LogError
   */
  async breakGlass(
    by: Principal,
    given: { persons: readonly Person[]; reason: GlassReason; words: string },
  ): Promise<Glass> {
    const { name, role, trust } = by;
    if (trust === null)
      throw new RelationError('GLASS_FORBIDDEN', 'No trust would review an access of yours.');
    const members = given.persons.flatMap((person) => person.members);
    if (members.length === 0)
      throw new RelationError('PATIENT_UNKNOWN', 'Nobody who is known is meant.');
    const now = this.#options.clock.now();
    const levels = levelsOfPatient(this.#db, members);
    // Of a trust that keeps the patient to itself nothing is opened: that it is one is not told either.
    const open = members.filter((one) => one.trust === trust || levels.get(one.trust) !== 'V');
    const glass: Glass = {
      ...{ v: 1, id: randomUUID(), by: { name, role, trust } },
      patients: members.map(keyText),
      holders: [...new Set(open.map((one) => one.trust))].toSorted(),
      ...{ reason: given.reason, words: given.words, isSensitive: isSensitive(this.#db, members) },
      ...{ openedAt: rfc3339(now), until: rfc3339(now + GLASS_MS), reviews: [] },
    };
    await this.#append('glass', glass.id, glass, 0);
    return glass;
  }

  /**
   * What was looked at while no hub could decide is reviewed as an emergency access. It opens nothing any more.
   *
   * @param id the same for the same access: told twice, it is one @throws LogError
   */
  async reviewAfterwards(
    id: string,
    by: Glass['by'],
    { persons, words, at }: { persons: readonly Person[]; words: string; at: string },
  ): Promise<void> {
    const members = persons.flatMap((person) => person.members);
    if (members.length === 0 || findGlass(this.#db, id) !== undefined) return;
    const glass: Glass = {
      ...{ v: 1, id, by, patients: members.map(keyText) },
      holders: [...new Set(members.map(({ trust }) => trust))].toSorted(),
      ...{ reason: 'emergency', words, isSensitive: isSensitive(this.#db, members) },
      ...{ openedAt: at, until: at, reviews: [] },
    };
    await this.#append('glass', id, glass, 0);
  }

  /**
   * Closes the review of the reviewer's trust. What was not right ends the access at once.
   *
   * @throws RelationError `GLASS_UNKNOWN`, `REVIEW_FORBIDDEN`, `REVIEW_ENDED`; LogError `LOG_CONFLICT`
   */
  async review(
    by: Principal,
    id: string,
    given: { outcome: ReviewOutcome; words: string; trust?: string | undefined },
  ): Promise<Glass> {
    const record = findGlass(this.#db, id);
    const trust = by.trust ?? given.trust;
    if (record === undefined || trust === undefined || !reviewersOf(record.glass).includes(trust))
      throw new RelationError('GLASS_UNKNOWN', 'There is no such emergency access to review.');
    const { glass, streamSeq } = record;
    if (glass.by.name === by.name)
      throw new RelationError('REVIEW_FORBIDDEN', 'Nobody reviews what they did themselves.');
    if (glass.reviews.some((review) => review.trust === trust))
      throw new RelationError('REVIEW_ENDED', `${trust} has reviewed it.`);
    const at = rfc3339(this.#options.clock.now());
    const { outcome, words } = given;
    const reviewed: Glass = {
      ...glass,
      ...(outcome === 'not-appropriate' && glass.until > at ? { until: at } : {}),
      reviews: [...glass.reviews, { trust, by: by.name, at, outcome, words }],
    };
    await this.#append('glass', id, reviewed, streamSeq);
    return reviewed;
  }

  /** @throws RelationError `RESTRICTION_FORBIDDEN` for records of another trust; LogError */
  async restrict(
    by: Principal,
    given: Pick<
      Restriction,
      'trust' | 'patient' | 'studyInstanceUID' | 'level' | 'kind' | 'reason'
    >,
  ): Promise<Restriction & { readonly id: string }> {
    if (by.trust !== null && by.trust !== given.trust)
      throw new RelationError(
        'RESTRICTION_FORBIDDEN',
        `People of ${by.trust} restrict its own records, not those of ${given.trust}.`,
      );
    const id = restrictionId(given);
    const at = rfc3339(this.#options.clock.now());
    const restriction: Restriction = { v: 1, ...given, by: by.name, at };
    const streamSeq = findRestriction(this.#db, id)?.streamSeq ?? 0;
    await this.#append('restriction', id, restriction, streamSeq);
    return { id, ...restriction };
  }

  /** @throws RelationError `MDT_LIST_FORBIDDEN` for a meeting of another trust; LogError */
  async planMeeting(
    by: Principal,
    given: Pick<MdtList, 'trust' | 'name' | 'meetsOn' | 'trusts'>,
  ): Promise<MdtList> {
    requireHolder(by, given.trust);
    const list: MdtList = {
      ...{ v: 1, listId: randomUUID(), ...given, patients: [], by: by.name },
      trusts: [...new Set([given.trust, ...given.trusts])],
    };
    await this.#append('mdt', list.listId, list, 0);
    return list;
  }

  /** @throws RelationError `MDT_LIST_UNKNOWN`, `MDT_LIST_FORBIDDEN`, `PATIENT_UNKNOWN`; LogError */
  async putOnList(
    by: Principal,
    listId: string,
    { person, question }: { person: Person | undefined; question: string },
  ): Promise<MdtList> {
    const { list, streamSeq } = this.requireList(by, listId);
    const [first] = person?.members ?? [];
    if (first === undefined)
      throw new RelationError(
        'PATIENT_UNKNOWN',
        'Nobody who is known, or more than one person, is meant.',
      );
    const { trust, patientId, issuer } = first;
    const key: IdentityKey = { trust, patientId, issuer };
    const at = rfc3339(this.#options.clock.now());
    const others = list.patients.filter((one) => keyText(one.key) !== keyText(key));
    const patients = [...others, { key, question, by: by.name, at }];
    return this.#putList({ ...list, patients }, streamSeq);
  }

  /** @param at the place of the patient on the list @throws as {@link putOnList} */
  async takeOffList(by: Principal, listId: string, at: number): Promise<MdtList> {
    const { list, streamSeq } = this.requireList(by, listId);
    if (list.patients[at] === undefined)
      throw new RelationError('PATIENT_UNKNOWN', 'The list has no patient at this place.');
    return this.#putList({ ...list, patients: list.patients.toSpliced(at, 1) }, streamSeq);
  }

  /** @throws RelationError `MDT_LIST_UNKNOWN`, `MDT_LIST_FORBIDDEN` */
  requireList(by: Principal, listId: string): { list: MdtList; streamSeq: number } {
    const found = findMdtList(this.#db, listId);
    if (found === undefined) throw new RelationError('MDT_LIST_UNKNOWN', 'There is no such list.');
    requireHolder(by, found.list.trust);
    return found;
  }

  async #putList(list: MdtList, streamSeq: number): Promise<MdtList> {
    await this.#append('mdt', list.listId, list, streamSeq);
    return list;
  }

  async #append(aggregate: string, id: string, body: object, expectedLastSeq: number) {
    const { networkLog, projection } = this.#options;
    const how = { expectedLastSeq, messageId: randomUUID() };
    await projection.untilDecided(await networkLog.append(hubSubject(aggregate, id), body, how));
  }
}

function requireHolder({ trust }: Principal, holder: string): void {
  if (trust === null || trust === holder) return;
  throw new RelationError(
    'MDT_LIST_FORBIDDEN',
    `People of ${trust} put patients on lists of ${trust}, not of ${holder}.`,
  );
}
