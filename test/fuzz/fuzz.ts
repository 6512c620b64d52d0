/** `npm run fuzz [-- ROUNDS [SEED]]`: the long run. One JSON line at the end; exit 1 when there was a bug. */
import { runFuzz } from './fuzz-run.ts';

const [rounds = '1000000', seed = new Date().toISOString()] = process.argv.slice(2);
const say = (text: string): void => void process.stderr.write(`${text}\n`);
const { bugs, ...outcome } = await runFuzz({ rounds: Number(rounds), seed, say });
for (const { target, round, error, bytes } of bugs) {
  const stack = error instanceof Error ? error.stack : String(error);
  say(`${target}, round ${round} of ${seed}: ${stack}\n${bytes}\n`);
}
process.stdout.write(`${JSON.stringify({ seed, ...outcome, bugs: bugs.length })}\n`);
process.exitCode = bugs.length === 0 ? 0 : 1;
