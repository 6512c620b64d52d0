/**
 * What the HTTP side needs of the other parts of the hub, as small as it can be. hub/main.ts hands
 * in the real ones, tests hand in fakes.
 *
 *   projection ─changes─► events.ts        access ─► authenticate.ts
 *   search, fetch, fleet ─► routes and pages
 *
 * Expected failures come as GatewayError; problem.ts turns their `code` into a status.
 */
import type { AuditEntry } from '../../shared/audit/entry.ts';
import type { AuditFilter } from '../../shared/audit/statements.ts';
import type { AuditedEvent } from '../../shared/audit/trail.ts';
import type { Clock } from '../../shared/clock.ts';
import type { LocalPatient } from '../../shared/contract/commands.ts';
import type { EnrolReply, EnrolRequest } from '../../shared/contract/enrol.ts';
import type { HealthEvent } from '../../shared/contract/events.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Accounts } from '../access/accounts.ts';
import type { Machines } from '../access/machines.ts';
import type { IdentityProvider } from '../access/oidc-provider.ts';
import type { Action, Principal, Role } from '../access/rules.ts';
import type { Begun, Device, Sessions } from '../access/sessions.ts';
import type { Alerts } from '../alerts/alerts.ts';
import type { HubConfig } from '../config.ts';
import type { Configurations } from '../configuration/configurations.ts';
import type { CallEdge } from '../dicomweb/call-edge.ts';
import type { FetchRequest, FetchView } from '../fetch/order.ts';
import type { FetchFilter } from '../fetch/rows.ts';
import type { Answered, FleetEntry } from '../fleet/fleet.ts';
import type { FleetStore } from '../fleet/fleet-store.ts';
import type { GivenDecision } from '../identity/decide.ts';
import type { SqlQuestion, SqlTable } from '../measures/analyst-sql.ts';
import type { FigureRow, Question } from '../measures/answer.ts';
import type { DidsDay } from '../measures/dids/daily.ts';
import type { ExportColumn } from '../measures/export.ts';
import type { Forecast } from '../measures/forecast.ts';
import type { Measure } from '../measures/measure.ts';
import type { MeasureAnswer } from '../measures/measures.ts';
import type { ListedRow, RowQuestion } from '../measures/row-list.ts';
import type { Subscriptions } from '../measures/subscriptions/subscriptions.ts';
import type { Change } from '../projection/change.ts';
import type { TrustCompleteness } from '../projection/completeness.ts';
import type { Disclosure } from '../relations/disclosure.ts';
import type { Relations } from '../relations/relations.ts';
import type { Relay } from '../relay/relay.ts';
import type { ReleaseStore } from '../releases/release-store.ts';
import type { Rollouts } from '../releases/rollouts.ts';
import type { Scheduling } from '../scheduling/scheduling.ts';
import type { SupportBundles } from '../support/support-bundles.ts';
import type { Teaching } from '../teaching/teaching.ts';

export interface AccessPart {
  /** The principal of an API key, or of a session cookie's value; null when it is none or has ended. `isUse` false: keeps nobody signed in. */
  authenticate(given: { bearer?: string; session?: string; isUse?: boolean }): Principal | null;
  /** Null: allowed. Else why not, in words for the person. */
  refuse(principal: Principal, action: Action): string | null;
  /** Whom a sign-in link is for, without using it up; null when it is unknown, used or too old. */
  readSignInLink(token: string): Principal | null;
  /** Uses the link up and begins a session. */
  useSignInLink(token: string, device: Device): (Begun & { principal: Principal }) | null;
  endSession(session: string): void;
  /** A person's account, made or changed. @returns the token of a sign-in link that works once */
  invite(person: { name: string; role: Role; trust: string | null }): string;
  readonly sessions: Sessions;
  readonly machines: Machines;
  readonly accounts: Accounts;
}

export interface AuditPart {
  /** Durable when it returns. @throws SQLite's error */
  append(entry: AuditEntry): void;
  /** Newest first. */
  find(
    filter: AuditFilter,
    page: { limit: number; offset: number },
  ): { readonly events: readonly AuditedEvent[]; readonly total: number };
}

export interface ProjectionPart {
  readonly db: Sqlite;
  /** @returns how to stop listening */
  onChange(listener: (change: Change) => void): () => void;
  completeness(): readonly TrustCompleteness[];
  /** True while events of the log are being applied. */
  connected(): boolean;
}

/** Of hub/alerts; tests hand in one over rows of their own. */
export type AlertsPart = Pick<
  Alerts,
  | 'acknowledge'
  | 'endMaintenance'
  | 'isWatching'
  | 'list'
  | 'maintenance'
  | 'openOf'
  | 'planMaintenance'
  | 'runbookUrl'
  | 'snooze'
>;

export interface FleetPart {
  /** The newest heartbeat; undefined: none came. */
  health(ods: string): HealthEvent | undefined;
  answered(): readonly Answered[];
  list(): readonly FleetEntry[];
}

export interface FetchOrdersPart {
  request(request: FetchRequest, by: Principal): Promise<FetchView>;
  find(fetchId: string): FetchView | null;
  list(filter: FetchFilter & { limit: number; offset: number }): {
    readonly fetches: readonly FetchView[];
    readonly total: number;
  };
  cancel(fetchId: string, by: Principal): Promise<FetchView>;
  namePatient(fetchId: string, patient: LocalPatient, by: Principal): Promise<FetchView>;
}

export interface MeasuresPart {
  readonly definitions: readonly Measure[];
  /** @throws MeasureError */
  answer(id: string, question: Question, version?: number): Promise<MeasureAnswer>;
  /** Every measure for the whole network, as of one build. @throws MeasureError */
  overview(): Promise<readonly MeasureAnswer[]>;
  /** Of the trust's own figures. @throws MeasureError */
  rows(id: string, question: RowQuestion): Promise<readonly ListedRow[]>;
  /** @param trust whose waiting list, whole; null: the network's, rounded. @throws MeasureError */
  forecast(trust: string | null): Promise<{ asOf: string; tests: readonly Forecast[] }>;
  /** What a trust's DIDS file of a month would be rejected for. @throws MeasureError */
  dids(trust: string, month: string): Promise<DidsDay>;
  /** An analyst's own SQL over marts. @throws MeasureError */
  sql(question: SqlQuestion): Promise<SqlTable>;
  /** Rows as a Parquet file; values as the columns say. */
  parquet(columns: readonly ExportColumn[], rows: readonly FigureRow[]): Promise<Buffer>;
}

export interface HttpParts {
  /** The one way to an edge's HTTP. */
  readonly callEdge: CallEdge;
  readonly config: HubConfig;
  readonly log: Log;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly projection: ProjectionPart;
  readonly access: AccessPart;
  readonly audit: AuditPart;
  readonly disclosure: Pick<Disclosure, 'to'>;
  readonly relations: Relations;
  /** Null: nobody signs in elsewhere. */
  /** Who is let in at the listener for edges, where there is one. */
  readonly edgeCertificates: {
    /** PEM: who issues them. */
    readonly authority: string;
    readonly isEnrolled: (ods: string) => boolean;
  };
  readonly provider: Pick<
    IdentityProvider,
    'begin' | 'finish' | 'signOutUrl' | 'readLogout'
  > | null;
  readonly fleet: FleetPart;
  readonly fleetStore: Pick<FleetStore, 'changes' | 'history' | 'rhythms'>;
  readonly alerts: AlertsPart;
  readonly fetches: FetchOrdersPart;
  readonly measures: MeasuresPart;
  readonly subscriptions: Pick<
    Subscriptions,
    'add' | 'bySecret' | 'drop' | 'dropBySecret' | 'isOn' | 'list' | 'saw'
  >;
  /** Writes a person's decision on two identities. @throws LogError */
  decideIdentity(given: GivenDecision): Promise<void>;
  /** Takes a one-time token for an edge's credentials. */
  enrol(request: EnrolRequest): Promise<EnrolReply>;
  /** Takes an edge's keys back; it is cut off when this resolves. @throws AccessError, LogError */
  revokeEdge(trust: string): Promise<void>;
  /** RFC 7517: the public keys that tickets are signed with. */
  ticketKeys(): { readonly keys: readonly object[] };
  readonly relay: Relay;
  readonly scheduling: Scheduling;
  readonly configurations: Configurations;
  readonly releases: Pick<ReleaseStore, 'fileOf' | 'find' | 'list'>;
  readonly rollouts: Rollouts;
  readonly support: SupportBundles;
  readonly teaching: Pick<Teaching, 'mark' | 'require' | 'withdraw'>;
}
