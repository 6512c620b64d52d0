/** The edge's database for a command that runs beside the edge, or while it is down. */

import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig } from '../config.ts';
import { openEdgeDatabase } from '../database.ts';
import { furtherParts } from '../schema-parts.ts';

export function openForCommands({ dataDirectory }: EdgeConfig): Sqlite {
  return openEdgeDatabase(dataDirectory, furtherParts);
}
