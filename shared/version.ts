/** What this build calls itself, in logs, heartbeats, associations and written files. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const packageFile = join(import.meta.dirname, '..', 'package.json');

/** Semantic version of the program. */
export const VERSION: string = (
  JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
).version;

/** Implementation Class UID, (0002,0012). Under 2.25: a UUID of this project's own. PS3.5 Annex B.2. */
export const IMPLEMENTATION_CLASS_UID = '2.25.302598735926614829135247361842957618423';

/** Implementation Version Name, (0002,0013), at most 16 characters. */
export const IMPLEMENTATION_VERSION_NAME = `CDIP_${VERSION}`.slice(0, 16);
