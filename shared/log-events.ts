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
}
