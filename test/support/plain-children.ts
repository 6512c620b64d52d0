/**
 * Loaded before each test file (.taprc): the programs that a test starts run as their users start them. tap would load
 * something into each of them too, for a coverage that is not asked for; that costs a hub a fifth of its start.
 */
import processOnSpawn from 'process-on-spawn';

delete process.env['NODE_OPTIONS'];
processOnSpawn.removeAllListeners();
