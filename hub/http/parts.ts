/**
 * What the HTTP side needs of the other parts of the hub, as small as it can be. hub/main.ts hands
 * in the real ones, tests hand in fakes.
 *
 *   projection ─changes─► events.ts        access ─► authenticate.ts
 *   search, fetch, fleet ─► routes and pages
 *
 * Expected failures come as GatewayError; problem.ts turns their `code` into a status.
 */
import type { Clock } from '../../shared/clock.ts';
import type { LocalPatient, PriorityName } from '../../shared/contract/commands.ts';
import type { EnrolReply, EnrolRequest } from '../../shared/contract/enrol.ts';
import type { FetchStateName, ReceiptEvent } from '../../shared/contract/events.ts';
import type { Log } from '../../shared/log.ts';
import type { Registry } from '../../shared/metrics.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { HubConfig } from '../config.ts';
import type { Change } from '../projection/change.ts';
import type { TrustCompleteness } from '../projection/completeness.ts';

/** Who asks. */
export interface Principal {
  readonly name: string;
  readonly role: string;
  /** The trust a person works for; null for the network's own staff and machines. */
  readonly trust: string | null;
}

/** What is asked, in the words that access rules decide on. */
export type Action = 'search' | 'fetch' | 'watch' | 'fleet';

export interface AccessPart {
  /** The principal of an API key, or of a session cookie's value; null when it is none or has ended. */
  authenticate(given: { bearer?: string; session?: string }): Principal | null;
  /** Null: allowed. Else why not, in words for the person. */
  refuse(principal: Principal, action: Action): string | null;
  /** Whom a sign-in link is for, without using it up; null when it is unknown, used or too old. */
  readSignInLink(token: string): Principal | null;
  /** Uses the link up and begins a session. */
  useSignInLink(token: string): { session: string; seconds: number; principal: Principal } | null;
  endSession(session: string): void;
}

export interface ProjectionPart {
  readonly db: Sqlite;
  /** @returns how to stop listening */
  onChange(listener: (change: Change) => void): () => void;
  completeness(): readonly TrustCompleteness[];
  /** True while events of the log are being applied. */
  connected(): boolean;
}

/** Which trusts an answer speaks for. */
export interface Answered {
  readonly trust: string;
  readonly name: string;
  /** False: its edge is silent, or was never heard of; what is shown of it is as of `asOf`. */
  readonly ok: boolean;
  readonly asOf: string | null;
  readonly reason?: string;
}

export interface FleetEntry {
  readonly trust: string;
  readonly name: string;
  readonly httpUrl: string | null;
  readonly state: 'live' | 'silent' | 'unknown';
  readonly lastHeardAt: string | null;
  readonly version: string | null;
  readonly outboxWaiting: number | null;
  readonly quarantined: number | null;
  readonly freeBytes: number | null;
}

export interface FleetPart {
  answered(): readonly Answered[];
  list(): readonly FleetEntry[];
}

export interface FetchRequest {
  readonly studyInstanceUID: string;
  readonly seriesInstanceUIDs?: readonly string[];
  /** Only needed when several trusts claim the study as their own. */
  readonly home?: string;
  readonly to: { readonly trust: string; readonly peer?: string };
  readonly localPatient?: LocalPatient;
  readonly priority: PriorityName;
  readonly purpose: string;
  readonly reason?: string;
  readonly neededBy?: string;
}

export interface FetchView {
  readonly fetchId: string;
  readonly studyInstanceUID: string;
  readonly seriesInstanceUIDs: readonly string[] | null;
  readonly home: string;
  readonly source: string;
  readonly to: { readonly trust: string; readonly peer: string | null };
  readonly priority: PriorityName;
  readonly purpose: string;
  readonly reason: string | null;
  readonly neededBy: string | null;
  readonly localPatient: ReceiptEvent['localPatient'];
  readonly requestedBy: string;
  readonly requestedAt: string;
  readonly state: FetchStateName;
  /** Why it is held, partial, failed or cancelled, and what a person has to do. */
  readonly stateReason: { readonly code: string; readonly detail: string } | null;
  readonly updatedAt: string;
  readonly instances: { readonly done: number; readonly expected: number };
  readonly bytes: { readonly done: number; readonly expected: number | null };
  readonly etaSeconds: number | null;
  readonly failures: ReceiptEvent['failures'];
  readonly steps: ReceiptEvent['steps'];
}

export interface FetchOrdersPart {
  request(request: FetchRequest, by: Principal): Promise<FetchView>;
  find(fetchId: string): FetchView | null;
  list(filter: {
    state?: FetchStateName;
    trust?: string;
    studyInstanceUID?: string;
    limit: number;
    offset: number;
  }): { readonly fetches: readonly FetchView[]; readonly total: number };
  cancel(fetchId: string, by: Principal): Promise<FetchView>;
  namePatient(fetchId: string, patient: LocalPatient, by: Principal): Promise<FetchView>;
}

export interface HttpParts {
  readonly config: HubConfig;
  readonly log: Log;
  readonly metrics: Registry;
  readonly clock: Clock;
  readonly projection: ProjectionPart;
  readonly access: AccessPart;
  readonly fleet: FleetPart;
  readonly fetches: FetchOrdersPart;
  /** Takes a one-time token for an edge's credentials. */
  enrol(request: EnrolRequest): Promise<EnrolReply>;
  /** RFC 7517: the public keys that tickets are signed with. */
  ticketKeys(): { readonly keys: readonly object[] };
}
