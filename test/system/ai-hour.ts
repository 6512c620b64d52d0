/**
 * An AI node that is away for an hour: `node test/system/ai-hour.ts [MINUTES] [--deidentified]`. One JSON line at the
 * end; exit 1 when anything was lost, doubled, late at the PACS, or not told.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { killAllPrograms } from '../support/program.ts';
import { runAiHour } from './ai-hour-run.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { deidentified: { type: 'boolean', default: false } },
});
const directory = mkdtempSync(join(tmpdir(), 'cdip-ai-hour-'));
const minutes = Number(positionals[0] ?? 60);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
// What was started ends with us.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  const options = { directory, minutes, isDeidentified: values.deidentified, say };
  const outcome = await runAiHour(options);
  process.stdout.write(
    `${JSON.stringify({ minutes, deidentified: values.deidentified, ...outcome })}\n`,
  );
  process.exitCode = outcome.faults.length === 0 ? 0 : 1;
} finally {
  killAllPrograms();
  rmSync(directory, { recursive: true, force: true });
}
