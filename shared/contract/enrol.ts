/** `POST /api/enrol` at the hub: a one-time token for an edge's credentials. */
import * as z from 'zod';
import { DirectorySchema } from './rpc.ts';
import { ODSCode } from './subjects.ts';

export const EnrolRequestSchema = z.object({
  token: z.string().min(1),
  trust: ODSCode,
  /** The edge's own public nkey (`U…`); its seed never leaves the edge. */
  natsPublicKey: z.string().regex(/^U[A-Z2-7]{55}$/),
  httpUrl: z.url({ protocol: /^https?$/ }),
  version: z.string(),
});

export const EnrolReplySchema = z.object({
  trust: ODSCode,
  hubUrl: z.url(),
  natsUrl: z.string(),
  directory: DirectorySchema,
  /** PEM: what this edge shows as a TLS client, and who issued it. Absent: an older hub. */
  certificate: z.string().optional(),
  authority: z.string().optional(),
});
export type EnrolRequest = z.output<typeof EnrolRequestSchema>;
export type EnrolReply = z.output<typeof EnrolReplySchema>;
