/** A way to bring objects from a PACS into the spool, as the retriever sees it. */
import type { Peer } from '../config.ts';
import type { PacsObjects } from './inventory.ts';

/** In the order in which they are tried where none is known to work. */
export const METHODS = ['wado-rs', 'c-get', 'c-move'] as const;
export type MethodName = (typeof METHODS)[number];

/** What is to be brought. */
export interface Wanted {
  readonly studyInstanceUID: string;
  /** For a PACS that wants it, Patient Root. */
  readonly patientId: string;
  /** What the PACS says it holds; undefined: it does not say. */
  readonly objects: PacsObjects | undefined;
  /** Only these; absent: all of the study. */
  readonly only?: ReadonlyMap<string, readonly string[]>;
}

export interface MethodRequest {
  readonly peer: Peer;
  readonly wanted: Wanted;
  /** Aborts when nothing more comes, or at the deadline. */
  readonly signal: AbortSignal;
  /** The PACS is at work on it. */
  readonly onAlive: () => void;
}

/** What the PACS says it did. */
export interface MethodReport {
  readonly status: number;
  readonly completed: number;
  readonly failed: number;
}

/** @throws GatewayError when the PACS can't be asked so, or refuses */
export type RetrieveMethod = (request: MethodRequest) => Promise<MethodReport>;

/** The ways to bring from a PACS: as the configuration has it; WADO-RS where the PACS is known to have it. */
export const waysOf = ({ retrieveBy, dicomWeb }: Peer): readonly MethodName[] =>
  retrieveBy ?? METHODS.filter((method) => method !== 'wado-rs' || dicomWeb !== undefined);
