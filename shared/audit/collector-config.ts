/** Where the trail is passed on to, as both configurations say it: apart from what does so, which commands need not load. */
import * as z from 'zod';

export const CollectorSchema = z
  .strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).default(6514),
    caFile: z
      .string()
      .min(1)
      .optional()
      .describe('who signed its certificate; default: those of the system'),
    keyFile: z.string().min(1).optional(),
    certificateFile: z.string().min(1).optional().describe('ours, where it asks for one'),
  })
  .refine(
    ({ keyFile, certificateFile }) => (keyFile === undefined) === (certificateFile === undefined),
    'keyFile and certificateFile go together',
  );
export type Collector = z.output<typeof CollectorSchema>;
