/**
 * May a patient's study go to a project of secondary use? Asked when it is sent, since a flag may have come.
 * Every doubt keeps it here. Domain rules AN-12, AN-13, ID-20; the national data opt-out.
 *
 *   project in force ─► not S-flagged, for sure ─► with identifiers: cleared by the opt-out service
 */
import { readFileSync, statSync } from 'node:fs';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { Project, SecondaryUse } from '../config-routes.ts';
import type { Reason } from '../deliver/delivery-queue.ts';
import { KnownPatients } from '../index/records/known-patients.ts';

const DAY_MS = 86_400_000;

export interface GatePatient {
  readonly patientId: string;
  readonly issuer: string;
  readonly nhsNumber: string | null;
}

export class Gate {
  readonly #patients: KnownPatients;
  readonly #projects: ReadonlyMap<string, Project>;
  readonly #use: SecondaryUse;

  constructor(db: Sqlite, projects: readonly Project[], use: SecondaryUse) {
    this.#patients = new KnownPatients(db);
    this.#projects = new Map(projects.map((project) => [project.name, project]));
    this.#use = use;
  }

  project(name: string): Project | undefined {
    return this.#projects.get(name);
  }

  /** @param now milliseconds since the epoch @returns undefined: it may go */
  whyNot(name: string, patient: GatePatient, now: number): Reason | undefined {
    const project = this.#projects.get(name);
    if (project === undefined)
      return { code: 'PROJECT_UNKNOWN', detail: `no project is named ${name} any more` };
    // The day is that of UTC, which begins in London at the earliest when it does there.
    if (new Date(now).toISOString().slice(0, 10) > project.expires)
      return { code: 'PROJECT_EXPIRED', detail: `its approval ended with ${project.expires}` };
    // It is the patient's own care, and no name leaves. AN-12.
    if (project.purpose === 'direct-care') return undefined;
    const told = this.#patients.eventOf(this.#patients.inForce(patient));
    const nhsNumber = patient.nhsNumber ?? told?.patient.nhsNumber ?? null;
    return (
      this.#whySensitive(nhsNumber, told?.restricted) ??
      (project.profile === 'identifiable' ? this.#whyOptedOut(nhsNumber, now) : undefined)
    );
  }

  /** @param restricted what the PAS says; undefined: it never spoke of the patient */
  #whySensitive(nhsNumber: string | null, restricted: boolean | undefined): Reason | undefined {
    const { sensitiveFile } = this.#use;
    if (restricted === true) return SENSITIVE;
    if (sensitiveFile === undefined) {
      const detail =
        'the PAS never spoke of this patient, and there is no secondaryUse.sensitiveFile';
      return restricted === false ? undefined : { code: 'SENSITIVITY_UNKNOWN', detail };
    }
    const listed = numbersIn(sensitiveFile);
    if (listed === undefined)
      return { code: 'SENSITIVE_LIST_UNREADABLE', detail: `${sensitiveFile} can't be read` };
    if (nhsNumber !== null) return listed.has(nhsNumber) ? SENSITIVE : undefined;
    const detail = 'without an NHS number the list of S-flagged patients says nothing of this one';
    return { code: 'SENSITIVITY_UNKNOWN', detail };
  }

  #whyOptedOut(nhsNumber: string | null, now: number): Reason | undefined {
    const { optOutClearedFile: file, optOutMaxAgeDays } = this.#use;
    const cleared = file === undefined ? undefined : numbersIn(file);
    if (file === undefined || cleared === undefined)
      return {
        code: 'OPT_OUT_LIST_UNREADABLE',
        detail: 'secondaryUse.optOutClearedFile: none to read',
      };
    if (now - statSync(file).mtimeMs > optOutMaxAgeDays * DAY_MS)
      return {
        code: 'OPT_OUT_LIST_OLD',
        detail: `the list is older than ${optOutMaxAgeDays} days`,
      };
    if (nhsNumber !== null && cleared.has(nhsNumber)) return undefined;
    return {
      code: 'OPT_OUT_NOT_CLEARED',
      detail: 'the opt-out service has not cleared this patient',
    };
  }
}

const SENSITIVE: Reason = {
  code: 'SENSITIVE_PATIENT',
  detail: 'an S-flagged patient: no secondary use',
};

/** Ten digits at the beginning of each line, spaces between them or not. */
function numbersIn(file: string): ReadonlySet<string> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const lines = text.split('\n').map((line) => /^\s*((?:\d ?){10})(?!\d)/.exec(line)?.[1]);
  return new Set(
    lines.filter((number) => number !== undefined).map((number) => number.replace(/ /g, '')),
  );
}
