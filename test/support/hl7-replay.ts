/**
 * HL7 messages to an edge that is killed in their midst, and all of them again: none may be lost, none doubled.
 * `cdip bench hl7` does it with as many as are wanted, a test with some.
 */
import { join } from 'node:path';
import { openSqlite } from '../../shared/sqlite/open.ts';
import type { Edge } from './edge.ts';
import { Hl7Sender } from './hl7.ts';

const CONNECTIONS = 50;

export interface ReplayOutcome {
  readonly count: number;
  /** The first time, with the kill in between. */
  readonly perSecond: number;
  readonly lost: number;
  readonly doubled: number;
}

export async function replayAll(edge: Edge, count: number): Promise<ReplayOutcome> {
  const begin = performance.now();
  let isKilled = false;
  const sendAll = async (first: number): Promise<void> => {
    let sender = await connected(edge);
    for (let number = first; number < count; number += CONNECTIONS) {
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
    Promise.all(Array.from({ length: CONNECTIONS }, (_, at) => sendAll(at)));
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
  const perSecond = Math.round(count / ((once - begin) / 1000));
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

/** A report of its own. @param id a letter and a number */
export function messageOf(id: string): string {
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
