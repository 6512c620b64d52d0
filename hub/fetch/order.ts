/** A fetch order as it is asked for, and as it is shown. */
import type { LocalPatient, PriorityName } from '../../shared/contract/commands.ts';
import type { FetchStateName, ReceiptEvent } from '../../shared/contract/events.ts';

export interface FetchRequest {
  readonly studyInstanceUID: string;
  readonly seriesInstanceUIDs?: readonly string[];
  /** Only needed when several trusts claim the study as their own. */
  readonly home?: string;
  readonly to: { readonly trust: string; readonly peer?: string };
  /** False: it is filed at the trust, and delivered to none of its peers. Default true. */
  readonly deliver?: boolean;
  readonly localPatient?: LocalPatient;
  readonly priority: PriorityName;
  readonly purpose: string;
  readonly reason?: string;
  readonly neededBy?: string;
  /** Why whoever asks may see the study; in the words of the audit trail. */
  readonly basis?: string;
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
