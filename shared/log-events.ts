/**
 * Every event that is logged, with the flat fields it carries. UIDs, AE titles, hosts, codes,
 * counts and sizes yes; names, identifiers and birth dates of patients never.
 */
export interface LogEvents {
  // --- programs
  /** The program listens and is ready. */
  'program.started': { program: 'edge' | 'hub'; version: string; [where: string]: string | number };
  /** A signal was taken; draining begins. */
  'program.stopping': { signal: string };
  /** Everything was stopped. */
  'program.stopped': Record<string, never>;
  /** One part could not be stopped in order. */
  'program.stop-failed': { part: string; error: unknown };
  /** Something that is not an expected failure: a bug. */
  'program.bug': { where: string; error: unknown };

  // --- hub/http
  /** A request was answered. The route's pattern, never its URL. */
  'http.request': { method: string; route: string; status: number; ms: number };

  // --- edge/scp, edge/spool, edge/outbox
  /** A SOP Instance UID came with other content; both are kept, the first stays current. */
  'storage.conflict': { calling: string; sopInstanceUID: string; studyInstanceUID: string };
  /** The objects of a study name more than one patient. */
  'storage.patient-conflict': { studyInstanceUID: string; home: string };
  /** An object can't be filed; its bytes are kept under `id`, if there was room. */
  'storage.quarantined': {
    calling: string;
    host: string;
    code: string;
    bytes: number;
    id?: string;
  };
  /** The disk or the database did not take an object; the sender was told A700H. */
  'storage.refused': { calling: string; code: string; error: unknown };
  /** The free space that is kept is reached: objects are refused with A700H from now on. */
  'spool.reserve-reached': { freeBytes: number; reserveBytes: number };
  /** There is room again; objects are taken. */
  'spool.reserve-cleared': { freeBytes: number; reserveBytes: number };
  /** Start-up made spool and index agree. */
  'spool.recovered': {
    refiled: number;
    dropped: number;
    quarantined: number;
    missing: number;
    known: number;
  };
  /** The file of an acknowledged object, or without UIDs of a differing version, is gone. */
  'spool.missing': { path: string; sopInstanceUID?: string; studyInstanceUID?: string };
  /** Events could not be appended; tried again at once. */
  'outbox.tick-failed': { error: unknown };
}
