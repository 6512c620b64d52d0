/**
 * Builds that the hub sends to edges, and what becomes of them. A rollout goes ring by ring; each edge is told of the
 * build by command, takes it from the hub by its digest, and tells in its heartbeat how far it is.
 *
 *   hub ─upgrade─► edge ─ GET RELEASES_PATH/{sha256} ─► hub        edge ─► root of its machine ─► outcome
 */
import * as z from 'zod';

export const RELEASES_PATH = '/edge/v1/releases';

/** SHA-256, hexadecimal. Told by command alone: who knows it was told. */
export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in hexadecimal');
/** As Debian compares it. */
export const ReleaseVersion = z
  .string()
  .max(64)
  .regex(/^[0-9][A-Za-z0-9.+~]*$/, 'a version as Debian has them');

export const UPGRADE_STATES = [
  'downloading',
  /** For its hours, or for a person at the trust: the reason says which. */
  'waiting',
  /** Root has it. */
  'installing',
  'done',
  /** It did not do its work: the build before is in force again. */
  'returned',
  /** Nothing was changed. */
  'refused',
  /** The hub took it back before it was installed. */
  'withdrawn',
] as const;

/** Of the newest build that an edge was told of. */
export const UpgradeToldSchema = z.object({
  rollout: z.int().positive(),
  attempt: z.int().positive(),
  version: z.string(),
  state: z.enum(UPGRADE_STATES),
  at: z.iso.datetime(),
  reason: z.object({ code: z.string(), detail: z.string() }).nullable(),
});
export type UpgradeTold = z.output<typeof UpgradeToldSchema>;
