/**
 * `cdip edge support-bundle`: what somebody who helps from afar has to see, in one file, without a patient and without
 * a secret. Made from files and the database, so also while the edge is down.
 *
 *   versions, configuration, status, doctor, logs ─► scrub.ts ─► cdip-RRK-….tar.gz
 */
import { mkdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs';
import { arch, cpus, freemem, loadavg, release, totalmem, uptime } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { packArchive } from '../../shared/archive.ts';
import { systemClock } from '../../shared/clock.ts';
import { readYaml } from '../../shared/config.ts';
import { logDirectory, logFiles } from '../../shared/log-file.ts';
import { isSaid, PEERS_WORDS } from '../../shared/said-names.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { VERSION } from '../../shared/version.ts';
import { readNameKey, type SaidNames, saidNames } from '../access/said-names.ts';
import type { EdgeConfig } from '../config.ts';
import { crawlProgress } from '../crawl/progress.ts';
import { PeerStates } from '../deliver/peer-states.ts';
import { readReport } from '../doctor/last-report.ts';
import { readStoredStatus } from '../health/edge-status.ts';
import { RetrieveLog } from '../retrieve/retrieve-log.ts';
import { openToRead } from './open-to-read.ts';
import { openScrub, type Scrub, scrubbed } from './scrub.ts';

const SECRET = /^(key|secret|token|password|passcode|seed)$/i;
const LISTED = 200;

export interface BundleOptions {
  readonly configFile: string;
  /** Default: a file in the data directory. */
  readonly out: string | undefined;
}

/** Prints the path of the bundle. */
export function writeSupportBundle(config: EdgeConfig, options: BundleOptions): number {
  const { trust, dataDirectory } = config;
  const now = systemClock.now();
  const stamp = new Date(now).toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const name = `cdip-${trust}-support-${stamp}`;
  const folder = join(dataDirectory, 'support');
  const file = resolve(options.out ?? join(folder, `${name}.tar.gz`));
  if (options.out === undefined) mkdirSync(folder, { recursive: true, mode: 0o750 });
  const db = openToRead(dataDirectory);
  const scrub = openScrub(db);
  const says = saidNames(config, readNameKey(dataDirectory));
  packArchive(file, name, (into) => {
    mkdirSync(join(into, 'log'));
    const put = (path: string, value: unknown): void =>
      writeFileSync(join(into, path), `${JSON.stringify(scrubbed(value, scrub), null, 2)}\n`);
    put('versions.json', versions(config, db));
    put(
      'status.json',
      db === undefined ? 'the database can not be read' : status(config, { db, now, says }),
    );
    put('doctor.json', readReport(dataDirectory) ?? 'nothing was examined yet');
    const shown = scrubbed(withoutSecrets(readYaml(options.configFile)), scrub);
    writeFileSync(join(into, 'edge.yaml'), stringify(shown));
    for (const path of logFiles(logDirectory(dataDirectory), 'edge'))
      copyLog(path, join(into, 'log', basename(path)), { scrub, says });
  });
  db?.close();
  process.stderr.write('No patient and no key is in it. Look through it before you send it.\n');
  process.stdout.write(`${file}\n`);
  return 0;
}

function versions({ dataDirectory }: EdgeConfig, db: Sqlite | undefined): object {
  const { bavail, blocks, bsize } = statfsSync(dataDirectory);
  return {
    ...{ cdip: VERSION, node: process.version, kernel: release(), machine: arch() },
    ...{ processors: cpus().length, load: loadavg(), uptimeSeconds: uptime() },
    memory: { freeBytes: freemem(), totalBytes: totalmem() },
    disk: { freeBytes: bavail * bsize, totalBytes: blocks * bsize },
    schemas: db?.prepare('SELECT part, version FROM schema_versions').all() ?? [],
  };
}

function status(
  config: EdgeConfig,
  { db, now, says }: { db: Sqlite; now: number; says: SaidNames },
): object {
  return {
    ...readStoredStatus(db, config.trust, now),
    crawl: crawlProgress(db, config),
    destinations: new PeerStates(db).list(),
    retrieves: new RetrieveLog(db).list(LISTED),
    quarantine: db.prepare('SELECT code, count(*) AS entries FROM quarantine GROUP BY code').all(),
    hl7: db
      .prepare<[], FeedRow>(
        `SELECT application, facility, state, code, count(*) AS messages, max(received_at) AS lastAt
         FROM hl7_messages GROUP BY application, facility, state, code`,
      )
      .all()
      .map((row) => ({
        ...row,
        ...{ application: says.hl7(row.application), facility: says.hl7(row.facility) },
      })),
  };
}

interface FeedRow {
  readonly application: string;
  readonly facility: string;
}

/** Lines that an earlier version wrote hold callers' own words. */
function saidLine(line: unknown, { caller }: SaidNames): unknown {
  if (typeof line !== 'object' || line === null) return line;
  const said = Object.entries(line).map(([field, value]) => {
    const isWord = PEERS_WORDS.includes(field) && typeof value === 'string' && !isSaid(value);
    return [field, isWord ? caller(value) : value];
  });
  return Object.fromEntries(said);
}

/** What a key, a secret or a password is; names of files stay. */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [
      key,
      SECRET.test(key) ? '[secret]' : withoutSecrets(child),
    ]),
  );
}

interface Clean {
  readonly scrub: Scrub;
  readonly says: SaidNames;
}

/** Line by line, so that what is not an event of ours is taken apart as text. */
function copyLog(from: string, to: string, { scrub, says }: Clean): void {
  let text: string;
  try {
    text = readFileSync(from, 'utf8');
  } catch {
    return;
  }
  const lines = text.split('\n').map((line) => {
    try {
      return JSON.stringify(scrubbed(saidLine(JSON.parse(line), says), scrub));
    } catch {
      return scrub(line);
    }
  });
  writeFileSync(to, lines.join('\n'));
}
