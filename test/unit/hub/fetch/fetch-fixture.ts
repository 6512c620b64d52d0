/** Fetch orders over real tables and a log in memory that can fail, lose answers and lag behind. */
import type { Principal } from '../../../../hub/access/rules.ts';
import { FetchOrders } from '../../../../hub/fetch/fetch-orders.ts';
import { LogError } from '../../../../hub/log/network-log.ts';
import type { ApplyDecision } from '../../../../hub/projection/projection.ts';
import { projectionSchema } from '../../../../hub/projection/schema.ts';
import type { Command } from '../../../../shared/contract/commands.ts';
import type { ReceiptEvent } from '../../../../shared/contract/events.ts';
import type { TicketClaims } from '../../../../shared/contract/ticket.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite, type Sqlite } from '../../../../shared/sqlite/open.ts';
import { seedStudy } from '../http/seed-study.ts';

export const COORDINATOR: Principal = { name: 'MDT', role: 'coordinator', trust: null };
export const AT_RJE: Principal = { name: 'Dr Ito', role: 'clinician', trust: 'RJE' };
export const STUDY = '1.2.826.1';
export const ORDER = {
  studyInstanceUID: STUDY,
  to: { trust: 'RJE' },
  priority: 'urgent',
  purpose: 'direct care',
} as const;
export const NOON = Date.parse('2026-03-02T12:00:00Z');

interface Message {
  readonly seq: number;
  readonly subject: string;
  readonly body: string;
  readonly id: string | undefined;
}

/** The stream HUB and the stream COMMANDS. */
export class FakeLog {
  readonly messages: Message[] = [];
  readonly commands: { ods: string; command: Command }[] = [];
  /** Commands can't be sent. */
  isAway = false;
  /** Runs before the next decision is written, once. */
  beforeAppend: (() => Promise<unknown>) | undefined;
  readonly answers = new Map<string, (ods: string, request: unknown) => unknown>();
  onMessage: (message: Message) => void = () => {};

  async append(
    subject: string,
    body: object,
    { expectedLastSeq, messageId }: { expectedLastSeq: number; messageId?: string },
  ): Promise<number> {
    const before = this.beforeAppend;
    this.beforeAppend = undefined;
    await before?.();
    const last = this.messages.findLast((message) => message.subject === subject)?.seq ?? 0;
    if (last !== expectedLastSeq) throw new LogError('LOG_CONFLICT', 'written in between');
    const seq = this.messages.length + 1;
    const message = { seq, subject, body: JSON.stringify(body), id: messageId };
    this.messages.push(message);
    this.onMessage(message);
    return seq;
  }

  async sendCommand(ods: string, command: Command): Promise<void> {
    if (this.isAway) throw new LogError('LOG_UNAVAILABLE', 'away');
    this.commands.push({ ods, command });
  }

  answer(name: string, answer: (ods: string, request: unknown) => unknown): void {
    this.answers.set(name, answer);
  }
}

export interface World {
  readonly db: Sqlite;
  readonly log: FakeLog;
  readonly fetches: FetchOrders;
  readonly clock: { ms: number };
  /** Trusts whose edges are silent, and those that have none. */
  readonly silent: Set<string>;
  readonly unenrolled: Set<string>;
  /** Trusts of whose events some are still to be read. */
  readonly behind: Set<string>;
  readonly signed: TicketClaims[];
  /** The edge reports. */
  report(fetchId: string, receipt: Partial<ReceiptEvent>): void;
  /** Another hub, or the same one after a restart, on the same rows and log. */
  anotherHub(): FetchOrders;
  kinds(): string[];
}

/** @param options.lags decisions are in the log and not in the rows */
export function openWorld(
  t: { teardown(stop: () => void): unknown },
  { lags = false }: { lags?: boolean } = {},
): World {
  const db = openSqlite(':memory:', projectionSchema);
  t.teardown(() => db.close());
  const series = [
    { uid: '1.2.826.1.1', modality: 'CT', number: 1, description: 'Scout', instances: 2 },
    { uid: '1.2.826.1.2', modality: 'CT', number: 2, description: 'Axial', instances: 298 },
  ];
  seedStudy(db, { trust: 'RRK', uid: STUDY, series });
  const log = new FakeLog();
  const clock = { ms: NOON, now: () => clock.ms, monotonicMs: () => clock.ms };
  const [silent, unenrolled, behind] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const signed: TicketClaims[] = [];
  let apply: ApplyDecision = () => [];
  log.onMessage = ({ seq, subject, body }) => {
    if (lags) return;
    const id = subject.split('.')[3] ?? '';
    apply(db, { id, streamSeq: seq, at: new Date(clock.ms).toISOString(), body: JSON.parse(body) });
  };
  const anotherHub = (): FetchOrders =>
    new FetchOrders({
      trusts: ['RRK', 'RJE', 'RXK'].map((ods) => ({ ods, name: ods })),
      projection: {
        db,
        registerHubAggregate: (_aggregate, given) => {
          apply = given;
        },
        untilDecided: async () => {},
        cursorOf: async (ods) => ({ cursor: null, caughtUp: !behind.has(ods) }),
      },
      networkLog: log,
      edges: {
        isLive: (ods) => !silent.has(ods),
        urlOf: (ods) => (unenrolled.has(ods) ? null : `http://${ods.toLowerCase()}.example`),
        lastHeardAt: () => '2026-03-02T11:40:00.000Z',
      },
      keyOf: (ods) => (unenrolled.has(ods) ? null : `key of ${ods}`),
      tickets: {
        sign: async (claims) => {
          signed.push(claims);
          return `ticket-${signed.length}`;
        },
      },
      clock,
      log: silentLog,
    });
  return {
    ...{ db, log, clock, silent, unenrolled, behind, signed, anotherHub },
    fetches: anotherHub(),
    report: (fetchId, receipt) => report(db, fetchId, { at: clock.ms, receipt }),
    kinds: () => log.commands.map(({ command }) => command.kind),
  };
}

function report(
  db: Sqlite,
  fetchId: string,
  { at: ms, receipt }: { at: number; receipt: Partial<ReceiptEvent> },
): void {
  const at = new Date(ms).toISOString();
  const state = receipt.state ?? 'retrieving';
  const event: ReceiptEvent = {
    v: 1,
    ...{ at, trust: 'RJE', epoch: 1, seq: 1, kind: 'receipt', fetchId, state },
    reason: null,
    instances: { done: 0, expected: 300 },
    bytes: { done: 0, expected: null },
    etaSeconds: null,
    failures: [],
    localPatient: null,
    steps: [{ state: 'retrieving', at }],
    ...receipt,
  };
  db.prepare('INSERT OR REPLACE INTO fetch_receipts VALUES (?, ?, ?, ?, ?)').run(
    ...[fetchId, 'RJE', state, at, JSON.stringify(event)],
  );
}

/** Lets what was begun and not waited for run on. */
export const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
