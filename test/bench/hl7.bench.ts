/**
 * `cdip bench hl7`: 300 HL7 messages a second to one edge, and a replay: every message sent, some of
 * them while the edge is killed, all of them sent again; none may be lost, none doubled.
 * CDIP_BENCH_MESSAGES says how many are replayed (default 20,000).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Edge, startEdge } from '../support/edge.ts';
import { Hl7Sender } from '../support/hl7.ts';
import { messageOf, replayAll } from '../support/hl7-replay.ts';
import { percentile, rounded, say, tell } from './result.ts';

const SECONDS = 20;
const RATE = 300;
const CONNECTIONS = 10;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const edge = await startEdge({ directory, trust: 'RRK' });
  try {
    const sustained = await sustain(edge);
    say(`at ${RATE}/s: ${JSON.stringify(sustained)}`);
    const replay = await replayAll(edge, Number(process.env['CDIP_BENCH_MESSAGES'] ?? 20_000));
    const value = sustained.p99Ms;
    tell(
      { name: 'hl7', value, unit: `ms to ACK (p99 at ${RATE}/s)`, runs: 1, sustained, replay },
      json,
    );
  } finally {
    await edge.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function sustain(edge: Edge): Promise<{ p50Ms: number; p99Ms: number; perSecond: number }> {
  const waits: number[] = [];
  const begin = performance.now();
  let sent = 0;
  const work = async (): Promise<void> => {
    const sender = await Hl7Sender.open(edge.hl7Port);
    while (performance.now() - begin < SECONDS * 1000) {
      const number = sent;
      sent += 1;
      const dueMs = (number / RATE) * 1000;
      const early = dueMs - (performance.now() - begin);
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
      await sender.send(messageOf(`S${number}`));
      // From when it was due: a slow answer must not hide the wait of those behind it.
      waits.push(performance.now() - begin - dueMs);
    }
    sender.end();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
  const perSecond = rounded(sent / ((performance.now() - begin) / 1000), 0);
  return {
    p50Ms: rounded(percentile(waits, 0.5)),
    p99Ms: rounded(percentile(waits, 0.99)),
    perSecond,
  };
}
