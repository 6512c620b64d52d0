/**
 * What edges may ask of the hub, by request and reply: `cdip.rpc.<ods>.…`. What they ask for their own people is
 * recorded in the audit trail before it is answered. architecture.md, rule 10.
 */
import type { AuditEntry, AuditSubjects } from '../shared/audit/entry.ts';
import { ContentsRequestSchema, type Directory } from '../shared/contract/rpc.ts';
import { codeOf } from '../shared/errors.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { subjectsOfFetches, subjectsOfStudies } from './audit/subjects.ts';
import type { CallEdge } from './dicomweb/call-edge.ts';
import { listContents } from './dicomweb/list-contents.ts';
import type { FetchOrders } from './fetch/fetch-orders.ts';
import { orderForEdge } from './fetch/order-for-edge.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { NetworkLog } from './log/network-log.ts';
import { answerQuery } from './search/answer-query.ts';
import { findStudy } from './search/study.ts';

interface Asked {
  readonly audit: { append(entry: AuditEntry): void };
  readonly db: Sqlite;
  readonly fleet: Fleet;
  readonly fetches: FetchOrders;
  readonly callEdge: CallEdge;
  directory(): Directory;
}

const NOTHING: AuditSubjects = { patients: [], studies: [], homes: [] };

export function answerEdges(networkLog: Pick<NetworkLog, 'answer'>, asked: Asked): void {
  const { audit, db, fleet, fetches, directory, callEdge } = asked;
  networkLog.answer('directory', directory);
  networkLog.answer('query', (ods, request) =>
    recorded(audit, { ods, name: 'query', request }, () => {
      const answer = answerQuery({ db, answered: () => fleet.answered() }, request);
      return { answer, seen: 'studies' in answer ? subjectsOfStudies(answer.studies) : NOTHING };
    }),
  );
  networkLog.answer('contents', (ods, request) =>
    recorded(audit, { ods, name: 'contents', request }, async () => {
      const isLive = (trust: string): boolean =>
        fleet.answered().some((one) => one.ok && one.trust === trust);
      const answer = await listContents({ db, callEdge, isLive }, request);
      const { studyInstanceUID } = ContentsRequestSchema.parse(request);
      return { answer, seen: subjectsOfStudies(findStudy(db, studyInstanceUID)) };
    }),
  );
  networkLog.answer('fetch', (ods, request) =>
    recorded(audit, { ods, name: 'fetch', request }, async () => {
      const answer = await orderForEdge(fetches, ods, request);
      const order = 'fetchId' in answer ? fetches.find(answer.fetchId) : null;
      return { answer, seen: order === null ? NOTHING : subjectsOfFetches(db, [order]) };
    }),
  );
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
  const record = (seen: AuditSubjects, code: string | null): void =>
    audit.append({
      ...{ event, action: event === 'search' ? 'E' : 'C', outcome: code === null ? 0 : 4, code },
      ...{ user: `workstation at ${ods}`, role: 'edge', trust: ods, address: null, purpose: null },
      ...{ what: `cdip.rpc.${ods}.${name}`, ...seen },
      query: typeof request === 'object' && request !== null ? { ...request } : {},
    });
  try {
    const { answer, seen } = await run();
    record(seen, null);
    return answer;
  } catch (error) {
    record(NOTHING, codeOf(error));
    throw error;
  }
}

interface Answer<T> {
  readonly answer: T;
  readonly seen: AuditSubjects;
}
