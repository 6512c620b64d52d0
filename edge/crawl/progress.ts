/** How far each PACS is known, from the database alone: for the hub, the status page and `cdip edge status`. */
import { rfc3339 } from '../../shared/clock.ts';
import { type CrawlProgress, UNDATED } from '../../shared/contract/events.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import { PacsKnowledge } from './pacs-knowledge.ts';
import { readPacsCounts } from './pacs-studies.ts';
import { addDays } from './slice.ts';
import { type SweepResult, type SweepRow, Sweeps } from './sweeps.ts';

type Config = Pick<EdgeConfig, 'crawl' | 'peers'>;

/** The peers whose studies are learnt. */
export const pacsPeers = ({ peers }: Pick<EdgeConfig, 'peers'>): Peer[] =>
  peers.filter(({ role }) => role === 'pacs');

export function crawlProgress(db: Sqlite, config: Config): CrawlProgress[] {
  return pacsPeers(config).map(({ name }) => progressOf(db, name, config));
}

function progressOf(db: Sqlite, peer: string, { crawl }: Config): CrawlProgress {
  const knowledge = new PacsKnowledge(db, peer);
  const { studies, uncounted, vanished } = readPacsCounts(db, peer);
  const sweeps = new Sweeps(db, { earliest: `${crawl.earliestYear}0101` }).list(peer);
  const history = sweeps.find(({ name }) => name === 'history');
  const month = sweeps.find(({ name }) => name === 'month');
  const { reason } = knowledge;
  return {
    ...{ peer, studies, uncounted, vanished, reason },
    state: stateOf(sweeps, { isOn: crawl.enabled, isWaiting: reason !== null }),
    knownFrom: knownFrom(history, crawl.earliestYear),
    history: history?.lastResult != null,
    cutDays: knowledge.cutDays(),
    reconciled: month?.lastResult ? reconciled(month.lastResult) : null,
  };
}

function stateOf(
  sweeps: readonly SweepRow[],
  { isOn, isWaiting }: { isOn: boolean; isWaiting: boolean },
): CrawlProgress['state'] {
  if (!isOn) return 'off';
  if (isWaiting) return 'waiting';
  const isRunning = sweeps.length === 0 || sweeps.some(({ nextDay }) => nextDay !== null);
  return isRunning ? 'running' : 'idle';
}

/** A later run over the past does not make less known. */
function knownFrom(history: SweepRow | undefined, earliestYear: number): string | null {
  if (history?.lastResult != null || history?.startedAt == null) return null;
  if (history.nextDay === UNDATED) return `${earliestYear}0101`;
  return history.days === 0 || history.nextDay === null ? null : addDays(history.nextDay, 1);
}

function reconciled(json: string): CrawlProgress['reconciled'] {
  const { at, days, studies, added } = JSON.parse(json) as SweepResult;
  return { at: rfc3339(at), days, studies, added };
}

/** The same in words, for a person: studies, what is known, the daily comparison, what is not complete. */
export function crawlWords(of: CrawlProgress): [string, string, string, string] {
  const known = of.history
    ? 'all of the past'
    : of.knownFrom === null
      ? 'nothing yet'
      : `back to ${of.knownFrom}`;
  const { reconciled: last } = of;
  const compared =
    last === null
      ? 'not yet'
      : `${last.at}: ${last.days} days, ${last.studies} studies, ${last.added} of them new`;
  const gaps = [
    of.cutDays > 0 ? `${of.cutDays} days of which it does not tell everything` : '',
    of.uncounted > 0 ? `${of.uncounted} studies without a count of images` : '',
    of.vanished > 0 ? `${of.vanished} studies that it held and does not hold any more` : '',
  ].filter((gap) => gap !== '');
  return [`${of.studies}`, known, compared, gaps.join('; ')];
}
