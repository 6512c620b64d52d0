/**
 * `cdip edge hl7`: messages that could not be applied, and a person's decision on them. Lists, shows and
 * drops without the running edge; a replay is done by it.
 */
import type { EdgeConfig } from '../config.ts';
import { decodeMessage } from '../hl7/decode.ts';
import { MessageLog } from '../hl7/message-log.ts';
import { askEdge } from './ask-edge.ts';
import { openForCommands } from './open-for-commands.ts';
import { table } from './table.ts';

const LISTED = 1_000;

export function printDeadLetters(config: EdgeConfig, json: boolean): number {
  const letters = new MessageLog(openForCommands(config)).deadLetters(LISTED);
  if (json) {
    process.stdout.write(`${JSON.stringify(letters)}\n`);
    return 0;
  }
  const rows = letters.map(
    ({ key, receivedAt, application, facility, type, controlId, code, detail }) => [
      ...[`${key}`, new Date(receivedAt).toISOString(), `${application} ${facility}`.trim()],
      ...[type, controlId, code, detail],
    ],
  );
  const titles = ['number', 'last came', 'from', 'type', 'control id', 'code', 'why'];
  process.stdout.write(table(titles, rows));
  return 0;
}

/** As it came, a segment a line: it names the patient. */
export function show(config: EdgeConfig, key: number): number {
  const found = new MessageLog(openForCommands(config)).raw(key);
  if (found === undefined) return none(key);
  const text = decodeMessage(found.raw, config.hl7.charset);
  process.stdout.write(`${text.replace(/\r\n?/g, '\n')}\n`);
  return 0;
}

export function drop(config: EdgeConfig, key: number): number {
  return new MessageLog(openForCommands(config)).drop(key) ? 0 : none(key);
}

/** @returns 1 when it could not be applied again; why is on stderr */
export async function replay(config: EdgeConfig, key: number): Promise<number> {
  const outcome = await askEdge<{ state: string; code: string | null; detail: string | null }>(
    config,
    `/local/hl7/${key}/replay`,
  );
  if (outcome === undefined) return 1;
  process.stdout.write(`${outcome.state}\n`);
  if (outcome.code === null) return 0;
  process.stderr.write(`${outcome.code}: ${outcome.detail}\n`);
  return 1;
}

function none(key: number): number {
  process.stderr.write(`there is no HL7 message ${key}\n`);
  return 1;
}
