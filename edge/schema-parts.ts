/** The tables of all parts that build on index, spool and outbox, in the order in which they are made. */
import { commandsSchema } from './commands/schema.ts';
import { crawlSchema } from './crawl/schema.ts';
import type { SchemaParts } from './database.ts';
import { deliverSchema } from './deliver/schema.ts';
import { dicomWebSchema } from './dicomweb/schema.ts';
import { hl7Schema } from './hl7/schema.ts';
import { notesSchema } from './notes/schema.ts';
import { reportsSchema } from './reports/schema.ts';
import { retentionSchema } from './retention/schema.ts';
import { retrieveSchema } from './retrieve/schema.ts';
import { risSchema } from './ris/schema.ts';
import { routeSchema } from './route/schema.ts';
import { commitmentSchema } from './scp/commitment/schema.ts';
import { mppsSchema } from './scp/mpps/schema.ts';
import { teachingSchema } from './teaching/schema.ts';
import { transferSchema } from './transfer/schema.ts';

export const furtherParts: SchemaParts = {
  commands: commandsSchema,
  deliver: deliverSchema,
  retention: retentionSchema,
  commitment: commitmentSchema,
  mpps: mppsSchema,
  dicomWeb: dicomWebSchema,
  crawl: crawlSchema,
  route: routeSchema,
  hl7: hl7Schema,
  retrieve: retrieveSchema,
  reports: reportsSchema,
  ris: risSchema,
  transfer: transferSchema,
  notes: notesSchema,
  teaching: teachingSchema,
};
