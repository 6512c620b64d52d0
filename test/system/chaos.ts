/** `npm run chaos [-- KILLS [SEED]]`: the long run. One JSON line at the end; exit 1 when anything was lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChaos } from './chaos-run.ts';

const [kills = '1000', seed = new Date().toISOString()] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), 'cdip-chaos-'));
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const outcome = await runChaos({ directory, kills: Number(kills), seed, say });
process.stdout.write(`${JSON.stringify({ kills: Number(kills), seed, ...outcome })}\n`);
rmSync(directory, { recursive: true, force: true });
process.exitCode = outcome.lost.length === 0 ? 0 : 1;
