/**
 * `cdip bench hl7`: 300 HL7 messages a second to one edge, and a replay: every message sent, some of
 * them while the edge is killed, all of them sent again; none may be lost, none doubled.
 * CDIP_BENCH_MESSAGES says how many are replayed (default 20,000).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../shared/sqlite/open.ts';
import { type Edge, startEdge } from '../support/edge.ts';
import { Hl7Sender } from '../support/hl7.ts';
import { percentile, rounded, say, tell } from './result.ts';

const SECONDS = 20;
const RATE = 300;
const CONNECTIONS = 10;
const REPLAY_CONNECTIONS = 50;

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

async function replayAll(edge: Edge, count: number): Promise<object> {
  const begin = performance.now();
  let isKilled = false;
  const sendAll = async (first: number): Promise<void> => {
    let sender = await connected(edge);
    for (let number = first; number < count; number += REPLAY_CONNECTIONS) {
      // Without an answer it is sent again, as every sender does.
      while ((await sender.send(messageOf(`R${number}`))) === undefined)
        sender = await connected(edge);
      if (!isKilled && number > count / 2) {
        isKilled = true;
        await edge.kill9();
        await edge.start();
      }
    }
    sender.end();
  };
  const all = (): Promise<unknown> =>
    Promise.all(Array.from({ length: REPLAY_CONNECTIONS }, (_, at) => sendAll(at)));
  await all();
  const once = performance.now();
  await all();
  const db = openSqlite(join(edge.dataDirectory, 'edge.sqlite'), []);
  const held = (sql: string): number => db.prepare(sql).pluck().get() as number;
  const messages = held("SELECT count(*) FROM hl7_messages WHERE control_id LIKE 'R%'");
  const reports = held(
    "SELECT count(*) FROM report_versions JOIN reports USING (report_key) WHERE report_id LIKE 'R%'",
  );
  db.close();
  const perSecond = rounded(count / ((once - begin) / 1000), 0);
  return { count, perSecond, lost: count - reports, doubled: Math.max(0, messages - count) };
}

async function connected(edge: Edge): Promise<Hl7Sender> {
  for (;;) {
    try {
      return await Hl7Sender.open(edge.hl7Port);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function messageOf(id: string): string {
  const patient = Number(id.slice(1)) % 5_000;
  return [
    `MSH|^~\\&|RIS|RRK|CDIP|RRK|20261126110000||ORU^R01|${id}|P|2.4`,
    `PID|1||MRN${patient}^^^RRK^MR||Phantom^Number${patient}||19500102|F`,
    `OBR|1|P${id}|${id}|CTCHE^CT chest^NICIP||||||||||||||||||20261126100000|||F`,
    ...Array.from(
      { length: 8 },
      (_, at) => `OBX|${at + 1}|TX|R^Report||Line ${at} of what was seen.||||||F`,
    ),
    '',
  ].join('\r');
}
