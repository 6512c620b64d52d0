/**
 * C-FIND: the trust's own studies at once, those of all other trusts as soon as the hub has answered.
 * PS3.4 C.4.1.
 *
 *   identifier ─► level, keys ─┬─ LocalStudies ─► match ─► pending …
 *                              └─ hub ─► what is not here ─► match ─► pending …  ─► 0000 │ A700 │ B000
 *
 * An answer that does not speak for every trust says so: B000H, and which.
 */

import { keyFault } from '../../../shared/dicom/key-fault.ts';
import { type Matcher, matcherFor } from '../../../shared/dicom/match-value.ts';
import { codeOf, GatewayError } from '../../../shared/errors.ts';
import type { Log } from '../../../shared/log.ts';
import { Counter, type Registry } from '../../../shared/metrics.ts';
import type { Sqlite } from '../../../shared/sqlite/open.ts';
import type { ZonedClock } from '../../../shared/time-zone.ts';
import type { OperationLink, OperationReply, OperationRequest } from '../../dimse/service.ts';
import { type AskerZone, aroundDays, askerZone, byClock } from './asker-zone.ts';
import { type ContentsParts, instancesOf, seriesOf } from './contents.ts';
import type { FoundStudy, Values } from './found-study.ts';
import { type Identifier, readIdentifier, writeIdentifier } from './identifier.ts';
import {
  type InformationModel,
  keyOf,
  type Level,
  QUERY_KEYS,
  type QueryKey,
  QueryTag,
} from './keys.ts';
import type { LocalPacs } from './local-pacs.ts';
import { LocalStudies } from './local-studies.ts';
import type { Network } from './network.ts';
import { completed, isWhole, MAX_PARTIAL } from './partial-copies.ts';
import { findRemote, type RemoteAnswer, type RemoteParts } from './remote-studies.ts';

/** Matches of one query: more is cut, and said. IS-15 of the domain notes. */
export const MAX_MATCHES = 500;

/** What a C-FIND is answered. PS3.4 C.4.1.1.4. */
export const FindStatus = {
  success: 0x0000,
  outOfResources: 0xa700,
  identifierDoesNotMatch: 0xa900,
  unableToProcess: 0xc000,
  cancelled: 0xfe00,
  pending: 0xff00,
  /** Some optional keys are not supported. */
  pendingWithout: 0xff01,
  /** All that is known, of those who answered. */
  incomplete: 0xb000,
} as const;

export interface FindParts extends Omit<RemoteParts, 'network'> {
  readonly db: Sqlite;
  /** Absent: the trust works alone. */
  readonly network: (RemoteParts['network'] & Pick<Network, 'contents' | 'brought'>) | undefined;
  readonly pacs: LocalPacs;
  readonly ownAETitle: string;
  /** Of the dates and times that studies have. */
  readonly zone: ZonedClock;
  readonly log: Log;
  readonly metrics: Registry;
}

interface Query {
  readonly level: Level;
  readonly identifier: Identifier;
  /** Keys of the level, and of those above it that narrow; a day around, for another clock. */
  readonly keys: Values;
  readonly matchers: ReadonlyMap<number, Matcher>;
  /** Some keys are not supported. */
  readonly isPartlyKnown: boolean;
  readonly zone: AskerZone;
}

export class FindService {
  readonly #parts: FindParts;
  readonly #local: LocalStudies;
  readonly #queries: Counter<'outcome'>;

  constructor(parts: FindParts) {
    this.#parts = parts;
    this.#local = new LocalStudies(parts.db, parts.trust);
    this.#queries = new Counter({
      name: 'cdip_find_requests_total',
      help: 'C-FIND requests by how they were answered',
      labelNames: ['outcome'],
      registers: [parts.metrics],
    });
  }

  async handle(
    model: InformationModel,
    request: OperationRequest,
    link: OperationLink,
  ): Promise<OperationReply> {
    let query: Query;
    try {
      query = readQuery(model, request);
    } catch (error) {
      if (!(error instanceof GatewayError) && !(error instanceof QueryRefusal)) throw error;
      this.#queries.inc({ outcome: 'refused' });
      return error instanceof QueryRefusal
        ? { status: error.status, errorComment: error.message }
        : { status: FindStatus.unableToProcess, errorComment: error.message };
    }
    const answer = new Answer(this.#parts, { query, request, link });
    // Asked before the own studies are looked through, so that its time is not added to theirs.
    const remote = this.#askNetwork(query);
    const local = await this.#answerLocal(query, answer);
    const reply = await this.#answerRemote(answer, remote, local);
    this.#queries.inc({ outcome: reply.status.toString(16).padStart(4, '0') });
    return reply;
  }

  async #answerLocal(query: Query, answer: Answer): Promise<{ isCut: boolean }> {
    const pages = this.#local.candidates(query.keys);
    const partial: FoundStudy[] = [];
    for (;;) {
      const page = pages.next();
      if (page.done === true) {
        await this.#answerPartial(partial, answer);
        return page.value;
      }
      for (const study of page.value) {
        if (this.#isPartial(study) && partial.length < MAX_PARTIAL) partial.push(study);
        else await answer.give(study);
        if (answer.isOver) return { isCut: false };
      }
      // Ingest has its turn between two pages.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #isPartial(study: FoundStudy): boolean {
    const { network, trust } = this.#parts;
    return network !== undefined && study.home !== trust && !isWhole(network, study);
  }

  async #answerPartial(partial: readonly FoundStudy[], answer: Answer): Promise<void> {
    const { network } = this.#parts;
    if (partial.length === 0 || network === undefined) return;
    for (const { study, isKnown } of await completed({ ...this.#parts, network }, partial)) {
      if (answer.isOver) return;
      await answer.give(study);
      if (!isKnown) answer.isNotWhole(study);
    }
  }

  async #askNetwork({ keys, level }: Query): Promise<RemoteAnswer | Error | undefined> {
    const { network } = this.#parts;
    if (network === undefined) return undefined;
    const withSeries = level === 'SERIES' || level === 'IMAGE';
    return findRemote({ ...this.#parts, network }, keys, withSeries).catch(
      (error: unknown) => error as Error,
    );
  }

  async #answerRemote(
    answer: Answer,
    asking: Promise<RemoteAnswer | Error | undefined>,
    local: { isCut: boolean },
  ): Promise<OperationReply> {
    const early = answer.early(local.isCut);
    if (early !== undefined) return early;
    const remote = await asking;
    if (remote instanceof Error) {
      this.#parts.log.warn('find.incomplete', { trusts: 'all', code: codeOf(remote) });
      return {
        status: FindStatus.incomplete,
        errorComment: 'the hub does not answer: own studies only',
      };
    }
    for (const study of remote?.studies ?? []) {
      await answer.give(study);
      if (answer.isOver) break;
    }
    const late = answer.early(remote?.isCut ?? false);
    if (late !== undefined) return late;
    const silent = remote?.silent.map(({ trust }) => trust) ?? [];
    if (silent.length === 0 && remote?.withheld) {
      const errorComment = `${remote.withheld} withheld: open it on the hub's pages`;
      return { status: FindStatus.incomplete, errorComment };
    }
    if (silent.length === 0) return answer.known();
    this.#parts.log.warn('find.incomplete', { trusts: silent.join(' '), code: 'EDGE_SILENT' });
    return { status: FindStatus.incomplete, errorComment: `silent: ${silent.join(' ')}` };
  }
}

class QueryRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** @throws QueryRefusal, DimseError */
function readQuery(model: InformationModel, request: OperationRequest): Query {
  const identifier = readIdentifier(request.transferSyntaxUID, request.dataSet);
  const named = identifier.values.get(QueryTag.QueryRetrieveLevel)?.trim() ?? '';
  const level = model.levels.find((one) => one === named);
  if (level === undefined)
    throw new QueryRefusal(
      FindStatus.identifierDoesNotMatch,
      `level "${named.slice(0, 16)}" is none of ${model.name}`,
    );
  requireUpperKeys(level, identifier);
  const zone = askerZone(identifier.values.get(QueryTag.TimezoneOffsetFromUTC));
  if (zone.kind === 'malformed')
    throw new QueryRefusal(
      FindStatus.identifierDoesNotMatch,
      'Timezone Offset From UTC is as +0100 or -0500',
    );
  const levels = levelsFor(level);
  const keys = new Map<number, string>();
  const matchers = new Map<number, Matcher>();
  let isPartlyKnown = false;
  for (const [tag, value] of identifier.values) {
    const key = keyOf(tag);
    if (key === undefined) isPartlyKnown ||= !ABOUT_THE_QUERY.has(tag);
    if (key === undefined || !levels.includes(key.level)) continue;
    keys.set(tag, value);
    const matcher = key.kind === 'returned' ? undefined : matcherOf(key, value);
    if (matcher !== undefined) matchers.set(tag, matcher);
  }
  const around = zone.kind === 'offset' ? aroundDays(keys) : keys;
  return { level, identifier, keys: around, matchers, isPartlyKnown, zone };
}

/** @throws QueryRefusal for a value that nothing could match: it would be answered as if there were nothing */
function matcherOf({ keyword, vr }: QueryKey, value: string): Matcher | undefined {
  const fault = keyFault(value, vr);
  if (fault !== undefined)
    throw new QueryRefusal(FindStatus.identifierDoesNotMatch, `${keyword}: ${fault}`);
  return matcherFor(value, vr);
}

const ABOUT_THE_QUERY: ReadonlySet<number> = new Set(Object.values(QueryTag));

/** Patient and study stand in one row, and narrow each other. */
function levelsFor(level: Level): readonly Level[] {
  if (level === 'PATIENT') return ['PATIENT'];
  if (level === 'STUDY') return ['PATIENT', 'STUDY'];
  return level === 'SERIES' ? ['STUDY', 'SERIES'] : ['STUDY', 'SERIES', 'IMAGE'];
}

/** The unique keys above the level name one each. PS3.4 C.4.1.2.2. */
function requireUpperKeys(level: Level, { values }: Identifier): void {
  const above: readonly Level[] =
    level === 'IMAGE' ? ['STUDY', 'SERIES'] : level === 'SERIES' ? ['STUDY'] : [];
  for (const key of QUERY_KEYS) {
    if (key.kind !== 'unique' || !above.includes(key.level)) continue;
    const value = values.get(key.tag)?.trim() ?? '';
    if (value === '' || /[*?\\]/.test(value))
      throw new QueryRefusal(
        FindStatus.identifierDoesNotMatch,
        `${key.keyword} has to name one at level ${level}`,
      );
  }
}

/** The responses to one query. */
class Answer {
  readonly #parts: FindParts;
  readonly #query: Query;
  readonly #request: OperationRequest;
  readonly #link: OperationLink;
  /** Studies by UID and home, patients by ID and issuer: each once. */
  readonly #given = new Set<string>();
  /** Trusts whose studies match, but not all of what is in them is listed here. */
  readonly #unknown = new Set<string>();
  #count = 0;
  #isCut = false;

  constructor(
    parts: FindParts,
    { query, request, link }: { query: Query; request: OperationRequest; link: OperationLink },
  ) {
    this.#parts = parts;
    this.#query = query;
    this.#request = request;
    this.#link = link;
  }

  get isOver(): boolean {
    return this.#isCut || this.#request.signal.aborted;
  }

  /** What to answer when it ends here. */
  early(isSourceCut: boolean): OperationReply | undefined {
    if (this.#request.signal.aborted) return { status: FindStatus.cancelled };
    if (!this.#isCut && !isSourceCut) return undefined;
    const { log } = this.#parts;
    log.warn('find.cut', { calling: this.#request.peer.callingAETitle, matches: this.#count });
    const errorComment = `more than ${this.#count} matches: narrow the query`;
    return { status: FindStatus.outOfResources, errorComment };
  }

  /** When everybody answered: all there is, or what of it is not known here. */
  known(): OperationReply {
    if (this.#unknown.size === 0) return { status: FindStatus.success };
    const what = this.#query.level === 'SERIES' ? 'series' : 'images';
    const errorComment = `${what} of ${[...this.#unknown].join(' ')}: not listed here, retrieve the study`;
    return { status: FindStatus.incomplete, errorComment: errorComment.slice(0, 64) };
  }

  /** There may be more in a study that was given. */
  isNotWhole(study: FoundStudy): void {
    if (this.#given.has(`${study.studyInstanceUID} ${study.home}`)) this.#unknown.add(study.home);
  }

  async give(found: FoundStudy): Promise<void> {
    const { level, zone } = this.#query;
    const { values } = found;
    const study =
      zone.kind === 'offset'
        ? { ...found, values: byClock(values, zone.minutes, this.#parts.zone) }
        : found;
    const key = `${study.studyInstanceUID} ${study.home}`;
    if (this.#given.has(key) || !this.#matches(study.values)) return;
    this.#given.add(key);
    if (level === 'PATIENT') await this.#givePatient(study);
    else if (level === 'STUDY') await this.#send(study, study.values);
    else await this.#giveSeries(study);
  }

  async #givePatient(study: FoundStudy): Promise<void> {
    const identity = QUERY_KEYS.filter(({ level }) => level === 'PATIENT').map(
      ({ tag }) => [tag, study.values.get(tag) ?? ''] as const,
    );
    const patient = JSON.stringify(identity.slice(0, 3));
    if (this.#given.has(patient)) return;
    this.#given.add(patient);
    await this.#send(study, new Map(identity));
  }

  async #giveSeries(study: FoundStudy): Promise<void> {
    const listed = await seriesOf(this.#contents, study);
    if (listed === undefined) this.#unknown.add(study.home);
    for (const series of listed ?? study.series()) {
      const values = new Map([...study.values, ...series.values]);
      if (this.isOver) return;
      if (!this.#matches(values)) continue;
      if (this.#query.level === 'SERIES') await this.#send(study, values);
      else
        await this.#giveInstances(study, { seriesInstanceUID: series.seriesInstanceUID, values });
    }
  }

  async #giveInstances(
    study: FoundStudy,
    { seriesInstanceUID, values }: { seriesInstanceUID: string; values: Values },
  ): Promise<void> {
    const listed = await instancesOf(this.#contents, study, seriesInstanceUID);
    if (listed === undefined) this.#unknown.add(study.home);
    for (const instance of listed ?? study.instances(seriesInstanceUID) ?? []) {
      if (this.isOver) return;
      const all = new Map([...values, ...instance]);
      if (this.#matches(all)) await this.#send(study, all);
    }
  }

  get #contents(): ContentsParts {
    const { trust, pacs, network } = this.#parts;
    return {
      trust,
      listing: pacs.listing,
      askNetwork: network && ((request) => network.contents(request)),
    };
  }

  /** Keys whose level is not reached yet are not looked at. */
  #matches(values: Values): boolean {
    for (const [tag, matches] of this.#query.matchers) {
      const value = values.get(tag);
      if (value !== undefined && !matches(value)) return false;
    }
    return true;
  }

  async #send(study: FoundStudy, known: Values): Promise<void> {
    if (this.isOver) return;
    if (this.#count >= MAX_MATCHES) {
      this.#isCut = true;
      return;
    }
    this.#count += 1;
    const { identifier, level, isPartlyKnown } = this.#query;
    const values = new Map<number, string>([
      [QueryTag.QueryRetrieveLevel, level],
      [QueryTag.RetrieveAETitle, this.#parts.ownAETitle],
      [QueryTag.InstanceAvailability, study.availability],
    ]);
    const offset = identifier.values.get(QueryTag.TimezoneOffsetFromUTC);
    if (offset) values.set(QueryTag.TimezoneOffsetFromUTC, offset);
    for (const tag of identifier.values.keys()) {
      const value = known.get(tag);
      if (value !== undefined) values.set(tag, value);
    }
    const { transferSyntaxUID } = this.#request;
    await this.#link.pending({
      status: isPartlyKnown ? FindStatus.pendingWithout : FindStatus.pending,
      dataSet: writeIdentifier(transferSyntaxUID, values, identifier.charsetName),
    });
  }
}
