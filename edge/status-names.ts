/**
 * What the digests of the log, of alerts and of the hub's pages stand for: the names that callers gave themselves and
 * edge.yaml does not list. Shown on the edge's own page alone.
 */
import { rfc3339 } from '../shared/clock.ts';
import type { SaidNames } from './access/said-names.ts';
import type { Caller } from './dimse/callers.ts';
import type { StatusSection } from './http/status-page.ts';
import type { CallerRow } from './index/queries.ts';

interface Heard {
  readonly callers: readonly Caller[];
  readonly senders: readonly CallerRow[];
  readonly feeds: readonly {
    readonly application: string;
    readonly facility: string;
    readonly lastAt: number;
  }[];
}

interface Row {
  readonly said: string;
  readonly words: string;
  readonly from: string;
  readonly lastAt: number;
  readonly mend: string;
}

const LIST_PEER = 'List it among peers';
const LIST_SOURCE = 'List it in hl7.sources';

/** @param shown rows at most, the newest */
export function unlistedNames(heard: Heard, says: SaidNames, shown: number): StatusSection {
  const rows = new Map<string, Row>();
  // The callers come first: they alone tell from where.
  for (const row of rowsOf(heard, says))
    if (row.said !== row.words && !rows.has(row.said)) rows.set(row.said, row);
  return {
    title: 'Names that edge.yaml does not list',
    columns: ['Said elsewhere as', 'Calls itself', 'From', 'Last', 'To have it said by name'],
    note: 'None.',
    rows: [...rows.values()]
      .sort((a, b) => b.lastAt - a.lastAt)
      .slice(0, shown)
      .map(({ said, words, from, lastAt, mend }) => [said, words, from, rfc3339(lastAt), mend]),
  };
}

function* rowsOf({ callers, senders, feeds }: Heard, says: SaidNames): Generator<Row> {
  for (const { callingAETitle: words, host, lastAt } of callers)
    yield { said: says.caller(words), words, from: `DICOM, ${host}`, lastAt, mend: LIST_PEER };
  for (const { callingAETitle: words, lastAt } of senders)
    yield { said: says.caller(words), words, from: 'DICOM', lastAt, mend: LIST_PEER };
  for (const { application, facility, lastAt } of feeds)
    for (const [words, field] of [
      [application, 'MSH-3'],
      [facility, 'MSH-4'],
    ] as const)
      yield { said: says.hl7(words), words, from: `HL7, ${field}`, lastAt, mend: LIST_SOURCE };
}
