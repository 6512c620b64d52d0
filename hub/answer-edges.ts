/**
 * What edges may ask of the hub, by request and reply: `cdip.rpc.<ods>.…`. What they ask for their own people is
 * recorded in the audit trail before it is answered. architecture.md, rule 10.
 */
import { createHash } from 'node:crypto';
import type { AuditEntry, AuditMove, AuditSubjects } from '../shared/audit/entry.ts';
import {
  ContentsRequestSchema,
  type Directory,
  FetchRpcRequestSchema,
  KeysRequestSchema,
} from '../shared/contract/rpc.ts';
import { UnaidedReportSchema } from '../shared/contract/unaided.ts';
import { codeOf } from '../shared/errors.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { moveBetween, subjectsOfFetches, subjectsOfStudies } from './audit/subjects.ts';
import type { CallEdge } from './dicomweb/call-edge.ts';
import { listContents } from './dicomweb/list-contents.ts';
import { FetchError } from './fetch/fetch-error.ts';
import type { FetchOrders } from './fetch/fetch-orders.ts';
import { orderForEdge } from './fetch/order-for-edge.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { NetworkLog } from './log/network-log.ts';
import type { Discloser, Disclosure } from './relations/disclosure.ts';
import { findDisclosed } from './relations/find-studies.ts';
import type { Relations } from './relations/relations.ts';
import { personsMeant } from './relations/whom.ts';
import { answerQuery } from './search/answer-query.ts';
import type { Page, StudyQuery } from './search/query.ts';
import type { StudyView } from './search/rows.ts';
import { findStudy } from './search/study.ts';

interface Asked {
  readonly audit: { append(entry: AuditEntry): void };
  readonly disclosure: Pick<Disclosure, 'toWorkstation'>;
  readonly db: Sqlite;
  readonly fleet: Fleet;
  readonly fetches: FetchOrders;
  readonly callEdge: CallEdge;
  readonly relations: Pick<Relations, 'reviewAfterwards'>;
  /** What one edge is told, with what is for it alone. */
  directoryFor(ods: string): Promise<Directory>;
  /** @throws AccessError, LogError */
  tellKeys(ods: string, keys: { current: string; next: string | undefined }): Promise<object>;
}

const NOTHING: AuditSubjects = { patients: [], studies: [], homes: [] };

export function answerEdges(networkLog: Pick<NetworkLog, 'answer'>, asked: Asked): void {
  const { audit, db, disclosure, fleet, fetches, callEdge } = asked;
  networkLog.answer('directory', (ods) => asked.directoryFor(ods));
  networkLog.answer('keys', (ods, request) => rotated(asked, ods, request));
  networkLog.answer('unaided', (ods, request) => toldUnaided(asked, ods, request));
  networkLog.answer('query', (ods, request) =>
    recorded(audit, { ods, name: 'query', request }, () => {
      const discloser = disclosure.toWorkstation(ods);
      const answer = answerQuery(
        { db, answered: () => fleet.answered(), ...shownTo(db, discloser) },
        request,
      );
      const seen = 'studies' in answer ? subjectsOfStudies(answer.studies) : NOTHING;
      return { answer, seen, discloser };
    }),
  );
  networkLog.answer('contents', (ods, request) =>
    recorded(audit, { ods, name: 'contents', request }, async () => {
      const isLive = (trust: string): boolean =>
        fleet.answered().some((one) => one.ok && one.trust === trust);
      const { studyInstanceUID, home } = ContentsRequestSchema.parse(request);
      const discloser = disclosure.toWorkstation(ods);
      const shown = requireShown(db, discloser, { studyInstanceUID, home });
      const answer = await listContents({ db, callEdge, isLive }, request);
      return { answer, seen: subjectsOfStudies(shown), discloser };
    }),
  );
  networkLog.answer('fetch', (ods, request) =>
    recorded(audit, { ods, name: 'fetch', request }, async () => {
      const discloser = disclosure.toWorkstation(ods);
      const { studyInstanceUID, home } = FetchRpcRequestSchema.parse(request);
      requireShown(db, discloser, { studyInstanceUID, home });
      const [basis] = discloser.bases;
      const answer = await orderForEdge(fetches, { ods, basis }, request);
      const order = 'fetchId' in answer ? fetches.find(answer.fetchId) : null;
      if (order === null) return { answer, seen: NOTHING, discloser };
      const moved = moveBetween(order.home, ods);
      return { answer, seen: subjectsOfFetches(db, [order]), discloser, moved };
    }),
  );
}

function shownTo(db: Sqlite, discloser: Discloser) {
  return {
    isShown: (study: StudyView): boolean => discloser.study(study).kind === 'shown',
    search: (query: StudyQuery, page: Page) => {
      const { withheld, ...found } = findDisclosed(db, discloser, { query, page });
      return { ...found, withheld: withheld.unrelated + withheld.restricted.length };
    },
  };
}

/**
 * The studies of the UID that the trust may be shown; none when nobody has told of one.
 *
 * @throws FetchError `STUDY_UNKNOWN`: to this trust it is not there
 */
function requireShown(
  db: Sqlite,
  discloser: Discloser,
  { studyInstanceUID, home }: { studyInstanceUID: string; home?: string | undefined },
): StudyView[] {
  const found = findStudy(db, studyInstanceUID).filter(
    (one) => home === undefined || one.home === home,
  );
  const shown = found.filter((study) => discloser.study(study).kind === 'shown');
  if (shown.length === found.length) return shown;
  throw new FetchError('STUDY_UNKNOWN', 'No trust has told of a study with this UID.');
}

/**
 * An urgent fetch that no hub ordered, as either edge tells it afterwards: in the trail, and to be reviewed as an
 * emergency access by both trusts. An answer that was lost is told again: it stands in the trail twice then, with
 * one id.
 */
async function toldUnaided(asked: Asked, ods: string, request: unknown): Promise<object> {
  const { audit, db, relations } = asked;
  const told = UnaidedReportSchema.parse(request);
  const { side, other, studyInstanceUID, home, by, reason, at, fetchId } = told;
  const reader = side === 'reader' ? ods : other;
  const known = findStudy(db, studyInstanceUID).filter((study) => study.home === home);
  const id = createHash('sha256')
    .update([reader, fetchId, studyInstanceUID].join(' '))
    .digest('hex');
  await relations.reviewAfterwards(
    id.slice(0, 32),
    { name: by, role: 'edge', trust: reader },
    {
      persons: known.length === 0 ? [] : personsMeant(db, { studyInstanceUID }),
      words: reason,
      at,
    },
  );
  const { patients } = subjectsOfStudies(known);
  audit.append({
    ...{ event: 'fetch', action: side === 'reader' ? 'C' : 'R', outcome: 0, code: null },
    ...{ user: `${by} at ${reader}`, role: 'edge', trust: reader, address: null },
    ...{ purpose: 'urgent, while no hub answered', what: `cdip.rpc.${ods}.unaided` },
    ...{ patients, studies: [studyInstanceUID], homes: [...new Set([home, ods, other])] },
    query: { side, other, fetchId, reason, at },
    moved: moveBetween(side === 'reader' ? other : ods, reader),
  });
  return { recorded: true };
}

/** What an edge only says again is no event; another key is. */
async function rotated({ audit, tellKeys }: Asked, ods: string, request: unknown): Promise<object> {
  const { current, next } = KeysRequestSchema.parse(request);
  const record = (code: string | null): void =>
    audit.append({
      ...{ event: 'enrolment', action: 'U', outcome: code === null ? 0 : 8, code, ...NOTHING },
      ...{ user: `edge of ${ods}`, role: 'edge', trust: ods, address: null, purpose: null },
      ...{ what: `cdip.rpc.${ods}.keys`, query: { next: next ?? null } },
    });
  try {
    const answer = await tellKeys(ods, { current, next });
    if (next !== undefined) record(null);
    return answer;
  } catch (error) {
    record(codeOf(error));
    throw error;
  }
}

interface EdgeCall {
  /** The trust whose edge asks. */
  readonly ods: string;
  readonly name: 'query' | 'contents' | 'fetch';
  readonly request: unknown;
}

/** @throws what `run` throws; SQLite's error when it can't be recorded, and then nothing is answered */
async function recorded<T>(
  audit: Asked['audit'],
  { ods, name, request }: EdgeCall,
  run: () => Promise<Answer<T>> | Answer<T>,
): Promise<T> {
  const event = name === 'fetch' ? 'fetch' : 'search';
  const record = (
    seen: AuditSubjects,
    code: string | null,
    { discloser, moved }: Partial<Answer<unknown>> = {},
  ): void =>
    audit.append({
      ...(discloser === undefined ? {} : { basis: discloser.bases, withheld: discloser.refused }),
      ...(moved === undefined ? {} : { moved }),
      ...{ event, action: event === 'search' ? 'E' : 'C', outcome: code === null ? 0 : 4, code },
      ...{ user: `workstation at ${ods}`, role: 'edge', trust: ods, address: null, purpose: null },
      ...{ what: `cdip.rpc.${ods}.${name}`, ...seen },
      query: typeof request === 'object' && request !== null ? { ...request } : {},
    });
  try {
    const answered = await run();
    record(answered.seen, null, answered);
    return answered.answer;
  } catch (error) {
    record(NOTHING, codeOf(error));
    throw error;
  }
}

interface Answer<T> {
  readonly answer: T;
  readonly seen: AuditSubjects;
  readonly discloser: Discloser;
  readonly moved?: AuditMove;
}
