/**
 * Everything around an edge, examined at once; each check for itself, so that one that fails hides no other.
 *
 *   disk, ports, hub ─► clock, PACS, senders, certificates ─► DoctorReport ─► doctor.json, status page, command
 */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import { VERSION } from '../../shared/version.ts';
import type { SaidNames } from '../access/said-names.ts';
import type { EdgeConfig } from '../config.ts';
import { examineCertificates } from './certificates.ts';
import { examineClock } from './clock.ts';
import { examineDisk } from './disk.ts';
import { type CheckName, type DoctorReport, type Finding, found, reportOf } from './finding.ts';
import { examineHub } from './hub.ts';
import { examinePacs } from './pacs.ts';
import { examinePorts } from './ports.ts';
import type { ProbeInlet } from './probe-inlet.ts';
import { examineSenders } from './senders.ts';

/** A PACS that takes longer for all questions together is given up. */
const PACS_MS = 180_000;

export interface Examination {
  readonly config: EdgeConfig;
  readonly clock: Clock;
  readonly isRunning: boolean;
  readonly says: SaidNames;
  readonly inlet: ProbeInlet;
  /** The edge's database; undefined: it has none yet, or it can't be read. */
  readonly db: Sqlite | undefined;
}

/** Never rejects for anything that it finds. */
export async function examine(examination: Examination): Promise<DoctorReport> {
  const { config, clock, isRunning, db, says } = examination;
  // Before anything else: C-MOVE needs the port that is looked at here.
  const ports = await guarded('port', () => examinePorts(config, isRunning));
  const parts = await Promise.all([
    guarded('disk', () => examineDisk(config)),
    guarded('hub', async () => {
      const { findings, date } = await examineHub(config, clock);
      return [...findings, ...(await examineClock(config, date, clock))];
    }),
    guarded('pacs', () => examineEachPacs(examination)),
    guarded('certificate', () => examineCertificates(config, clock)),
    guarded('modality', async () =>
      db === undefined ? [] : examineSenders(config, { db, clock, says }),
    ),
  ]);
  const head = { trust: config.trust, version: VERSION, at: rfc3339(clock.now()) };
  return reportOf(head, [...ports, ...parts.flat()]);
}

/** One after the other: each may send to our port. */
async function examineEachPacs({ config, clock, inlet }: Examination): Promise<Finding[]> {
  const pacs = config.peers.filter(({ role }) => role === 'pacs');
  if (pacs.length === 0)
    return [
      found('PACS_NONE', {
        ...{ check: 'pacs', about: 'peers', what: 'No peer has the role pacs.' },
        mend: 'Name the PACS of the trust among peers of edge.yaml, with role: pacs.',
      }),
    ];
  const findings: Finding[] = [];
  for (const peer of pacs) {
    const signal = AbortSignal.timeout(PACS_MS);
    findings.push(
      ...(await guarded(
        'pacs',
        () => examinePacs(peer, { config, clock, inlet, signal }),
        peer.name,
      )),
    );
  }
  return findings;
}

async function guarded(
  check: CheckName,
  run: () => Promise<Finding[]>,
  about: string = check,
): Promise<Finding[]> {
  try {
    return await run();
  } catch (error) {
    const what = `The check itself failed: ${codeOf(error)}.`;
    const mend =
      'Run it again; if it fails again, send "cdip edge support-bundle" to who supports you.';
    return [found('CHECK_FAILED', { check, about, what, mend })];
  }
}
