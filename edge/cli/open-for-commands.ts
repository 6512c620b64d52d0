/** The edge's database for a command that runs beside the edge, or while it is down. */

import type { Sqlite } from '../../shared/sqlite/open.ts';
import { commandsSchema } from '../commands/schema.ts';
import type { EdgeConfig } from '../config.ts';
import { openEdgeDatabase } from '../database.ts';
import { deliverSchema } from '../deliver/schema.ts';

export function openForCommands({ dataDirectory }: EdgeConfig): Sqlite {
  return openEdgeDatabase(dataDirectory, { commands: commandsSchema, deliver: deliverSchema });
}
