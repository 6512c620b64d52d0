/** Who should send to this edge, and when he last did: modalities by DICOM, RIS and PAS by HL7. From the database alone. */
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import type { Sqlite } from '../../shared/sqlite/open.ts';
import type { SaidNames } from '../access/said-names.ts';
import type { EdgeConfig } from '../config.ts';
import { MessageLog } from '../hl7/message-log.ts';
import { IndexQueries } from '../index/queries.ts';
import { type Finding, found, well } from './finding.ts';

/** Longer than any pause of a scanner in use: a weekend with two bank holidays. */
const MODALITY_SILENT_MS = 7 * 86_400_000;
const HL7_SILENT_MS = 86_400_000;
const MAX_SOURCES = 100;

export interface SendersParts {
  readonly db: Sqlite;
  readonly clock: Clock;
  readonly says: SaidNames;
}

export function examineSenders(
  { trust, peers }: Pick<EdgeConfig, 'trust' | 'peers'>,
  parts: SendersParts,
): Finding[] {
  const { db, clock } = parts;
  const callers = new IndexQueries(db, trust).lastObjectPerCaller();
  const lastOf = new Map(callers.map(({ callingAETitle, lastAt }) => [callingAETitle, lastAt]));
  const modalities = peers.filter(({ role }) => role === 'modality');
  return [
    ...modalities.map(({ name, aeTitle }) =>
      modality({ name, aeTitle, lastAt: lastOf.get(aeTitle) }, clock.now()),
    ),
    ...feeds(parts),
  ];
}

function modality(
  { name, aeTitle, lastAt }: { name: string; aeTitle: string; lastAt: number | undefined },
  now: number,
): Finding {
  const seen = { check: 'modality', about: name } as const;
  if (lastAt === undefined)
    return found('MODALITY_NEVER_SEEN', {
      ...{ ...seen, what: `No object has come from ${aeTitle} yet.` },
      mend: `Add this edge as a destination in ${name}, and let it send as ${aeTitle}; or correct its aeTitle in edge.yaml.`,
    });
  const what = `Its last object came at ${rfc3339(lastAt)}.`;
  if (now - lastAt < MODALITY_SILENT_MS) return well({ ...seen, what });
  return found('MODALITY_SILENT', {
    ...{ ...seen, what },
    mend: `Ask the ward whether it is in use; if so look at its send queue; else take it out of peers in edge.yaml.`,
  });
}

function feeds({ db, clock, says }: SendersParts): Finding[] {
  const now = clock.now();
  const log = new MessageLog(db);
  const sources = log.sources(MAX_SOURCES);
  const dead = log.deadCount();
  const seen = { check: 'hl7', about: 'hl7' } as const;
  const findings = sources.map(({ application, facility, lastAt }) => {
    const about = `${says.hl7(application)} ${says.hl7(facility)}`.trim();
    const isListed = about === `${application} ${facility}`.trim();
    const where = isListed ? '' : ' It is not among hl7.sources; its words are on the edge’s page.';
    const what = `Its last message came at ${rfc3339(lastAt)}.${where}`;
    if (now - lastAt < HL7_SILENT_MS) return well({ check: 'hl7', about, what });
    return found('HL7_SILENT', {
      ...{ check: 'hl7', about, what },
      mend: `Look at the connection of ${about} in the integration engine.`,
    });
  });
  if (sources.length === 0)
    findings.push(
      found('HL7_NEVER', {
        ...{ ...seen, what: 'No HL7 message has come yet.' },
        mend: 'Have the integration engine send ADT, ORM and ORU to hl7.port of this edge.',
      }),
    );
  if (dead > 0)
    findings.push(
      found('HL7_DEAD_LETTERS', {
        ...{ ...seen, what: `${dead} messages could not be applied.` },
        mend: '"cdip edge hl7" says why of each; correct the sender, then "cdip edge hl7 replay N".',
      }),
    );
  return findings;
}
