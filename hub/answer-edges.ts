/**
 * What edges may ask of the hub, by request and reply: `cdip.rpc.<ods>.…`. What they ask for their own people is
 * recorded in the audit trail before it is answered. architecture.md, rule 10.
 */
import type { AuditEntry, AuditSubjects } from '../shared/audit/entry.ts';
import type { Directory } from '../shared/contract/rpc.ts';
import { codeOf } from '../shared/errors.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { subjectsOfFetches, subjectsOfStudies } from './audit/subjects.ts';
import type { FetchOrders } from './fetch/fetch-orders.ts';
import { orderForEdge } from './fetch/order-for-edge.ts';
import type { Fleet } from './fleet/fleet.ts';
import type { NetworkLog } from './log/network-log.ts';
import { answerQuery } from './search/answer-query.ts';

interface Asked {
  readonly audit: { append(entry: AuditEntry): void };
  readonly db: Sqlite;
  readonly fleet: Fleet;
  readonly fetches: FetchOrders;
  directory(): Directory;
}

const NOTHING: AuditSubjects = { patients: [], studies: [], homes: [] };

export function answerEdges(networkLog: Pick<NetworkLog, 'answer'>, asked: Asked): void {
  const { audit, db, fleet, fetches, directory } = asked;
  networkLog.answer('directory', directory);
  networkLog.answer('query', (ods, request) =>
    recorded(audit, { ods, event: 'search', request }, () => {
      const answer = answerQuery({ db, answered: () => fleet.answered() }, request);
      return { answer, seen: 'studies' in answer ? subjectsOfStudies(answer.studies) : NOTHING };
    }),
  );
  networkLog.answer('fetch', (ods, request) =>
    recorded(audit, { ods, event: 'fetch', request }, async () => {
      const answer = await orderForEdge(fetches, ods, request);
      const order = 'fetchId' in answer ? fetches.find(answer.fetchId) : null;
      return { answer, seen: order === null ? NOTHING : subjectsOfFetches(db, [order]) };
    }),
  );
}

interface EdgeCall {
  /** The trust whose edge asks. */
  readonly ods: string;
  readonly event: 'search' | 'fetch';
  readonly request: unknown;
}

/** @throws what `run` throws; SQLite's error when it can't be recorded, and then nothing is answered */
async function recorded<T>(
  audit: Asked['audit'],
  { ods, event, request }: EdgeCall,
  run: () => Promise<Answer<T>> | Answer<T>,
): Promise<T> {
  const record = (seen: AuditSubjects, code: string | null): void =>
    audit.append({
      ...{ event, action: event === 'search' ? 'E' : 'C', outcome: code === null ? 0 : 4, code },
      ...{ user: `workstation at ${ods}`, role: 'edge', trust: ods, address: null, purpose: null },
      ...{ what: `cdip.rpc.${ods}.${event === 'search' ? 'query' : 'fetch'}`, ...seen },
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
