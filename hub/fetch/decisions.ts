/** What a hub decides about a fetch, as it stands in the log: `cdip.hub.fetch.<id>`, whole state each. */
import * as z from 'zod';
import { LocalPatientSchema, Priority } from '../../shared/contract/commands.ts';
import { ODSCode } from '../../shared/contract/subjects.ts';

const UID = z.string().min(1).max(128);
const Time = z.iso.datetime();

const OrderSchema = z.object({
  fetchId: z.string().min(1),
  studyInstanceUID: UID,
  seriesInstanceUIDs: z.array(UID).nullable(),
  home: ODSCode,
  source: ODSCode,
  to: z.object({ trust: ODSCode, peer: z.string().nullable() }),
  /** False: filed at the receiving trust, delivered to none of its peers. */
  deliver: z.boolean().default(true),
  priority: Priority,
  purpose: z.string(),
  reason: z.string().nullable(),
  neededBy: z.string().nullable(),
  localPatient: LocalPatientSchema.nullable(),
  requestedBy: z.string(),
  requestedAt: Time,
  /** Why the requester may see the study (IS-08, IS-51); null: the network brings it by itself. */
  basis: z.string().nullable().default(null),
  expected: z.object({ instances: z.int().nonnegative(), bytes: z.int().nonnegative() }),
  /** How often a person named the patient of the held fetch: each is a command of its own. */
  namings: z.int().nonnegative(),
  cancelled: z.object({ by: z.string(), at: Time }).nullable(),
});

export const DecisionSchema = z.object({ v: z.literal(1), order: OrderSchema });
export type FetchOrder = z.output<typeof OrderSchema>;
