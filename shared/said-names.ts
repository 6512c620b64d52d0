/**
 * How a name that a peer gave itself is said where nobody asks who reads: log, heartbeat, alert, support bundle.
 * A calling AE title, MSH-3 or a UID may hold a patient's name or number.
 *
 *   word ─► known to the configuration, or of its form ─► as it is
 *       └─► else a short digest under a key that stays here: the same word, the same digest
 *
 * The words themselves stay where access is checked: the edge's page, dead letters, the audit trail.
 */
import { createHmac } from 'node:crypto';

export type Say = (word: string) => string;

/** Of 2^32: two words of one site are hardly ever said alike. */
const DIGITS = 8;
const SAID = /^unlisted-[0-9a-f]{8}$/;
/** PS3.5 §9.1, with the zeros that some write before a component. At least two components: a bare number is somebody's. */
const UID = /^[0-2](\.\d+)+$/;
const MAX_UID = 64;

/** @param known words that the configuration holds */
export function sayer(known: Iterable<string>, key: Uint8Array): Say {
  const said = new Set(known);
  return (word) => (word === '' || said.has(word) ? word : digestOf(word, key));
}

/** UIDs are said as they are; what is none, though it stands in the place of one, is not. */
export function uidSayer(key: Uint8Array): Say {
  return (word) =>
    word === '' || (word.length <= MAX_UID && UID.test(word)) ? word : digestOf(word, key);
}

/** It is a digest already, as files of a log hold it. */
export const isSaid = (word: string): boolean => SAID.test(word);

const digestOf = (word: string, key: Uint8Array): string =>
  `unlisted-${createHmac('sha256', key).update(word).digest('hex').slice(0, DIGITS)}`;

/** Fields of log events that hold a peer's own words. */
export const PEERS_WORDS: readonly string[] = ['calling', 'called', 'destination', 'peer', 'node'];
/** … and those that hold what a peer sent as a UID. */
export const PEERS_UIDS: readonly string[] = [
  ...['studyInstanceUID', 'seriesInstanceUID', 'sopInstanceUID', 'transactionUID'],
];
