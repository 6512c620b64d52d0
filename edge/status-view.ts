/** What the status page shows, read from the parts when it is asked for. Codes, counts, names of peers; no patient. */
import { type Clock, rfc3339 } from '../shared/clock.ts';
import type { UpgradeTold } from '../shared/contract/releases.ts';
import type { Sqlite } from '../shared/sqlite/open.ts';
import { VERSION } from '../shared/version.ts';
import type { SaidNames } from './access/said-names.ts';
import type { FetchStore } from './commands/fetch-store.ts';
import type { EdgeConfig } from './config.ts';
import { crawlProgress, crawlWords } from './crawl/progress.ts';
import type { DeliveryQueue } from './deliver/delivery-queue.ts';
import { type PeerQueue, type PeerStates, stateOf, whyOf } from './deliver/peer-states.ts';
import type { DicomListener } from './dimse/listener.ts';
import type { Doctor } from './doctor/doctor.ts';
import { readStoredStatus } from './health/edge-status.ts';
import type { HealthDetails } from './health/vitals.ts';
import type { MessageLog } from './hl7/message-log.ts';
import type { StatusSection, StatusView } from './http/status-page.ts';
import type { Copies } from './retention/copies.ts';
import { RetrieveLog } from './retrieve/retrieve-log.ts';
import { deliveryPeers } from './route/destinations.ts';
import { explainJob } from './route/explain.ts';
import type { RouteTables } from './route/start-routing.ts';
import type { OpenStorage } from './scp/open-storage.ts';
import { PATIENT_MISMATCH } from './spool/quarantine.ts';
import type { Services } from './start-services.ts';
import { healthFacts, healthSections, openAssociations } from './status-health.ts';
import { unlistedNames } from './status-names.ts';
import { troublesOf } from './status-troubles.ts';
import type { Uplink } from './uplink/uplink.ts';

const SHOWN = 50;

export interface StatusSources {
  readonly config: EdgeConfig;
  readonly db: Sqlite;
  readonly clock: Clock;
  readonly startedAt: number;
  readonly says: SaidNames;
  readonly storage: OpenStorage;
  readonly store: FetchStore;
  readonly queue: DeliveryQueue;
  readonly states: PeerStates;
  readonly routes: Pick<RouteTables, 'store' | 'inbox' | 'outages'>;
  readonly hl7: MessageLog;
  readonly doctor: Pick<Doctor, 'last'>;
  /** Since when a person lets nobody new in; null: callers are let in. */
  readonly drainingSince: () => number | null;
  /** The build that the hub told of last. */
  readonly upgrade: () => UpgradeTold | undefined;
  /** What is there once it has started; no uplink: not joined to a hub. */
  readonly copies: Pick<Copies, 'counts'>;
  readonly late: {
    readonly uplink?: Uplink;
    readonly listener?: DicomListener;
    readonly vitals?: () => HealthDetails;
    readonly services?: Pick<Services, 'commitments' | 'steps' | 'worklist'>;
  };
}

export function statusView(sources: StatusSources): StatusView {
  const { config, db, clock, startedAt, storage, late } = sources;
  const at = clock.now();
  const stored = readStoredStatus(db, config.trust, at);
  const disk = storage.spool.reserve.status();
  const { index, outbox } = stored;
  const details = late.vitals?.();
  return {
    trust: config.trust,
    version: VERSION,
    at,
    troubles: troublesOf(sources, stored),
    facts: [
      ['Running since', rfc3339(startedAt)],
      ['Hub', hubOf(sources)],
      ['Hub has to be told', `${outbox.waiting} events, oldest ${seconds(outbox.oldestSeconds)}`],
      ['May still grow', `${storage.outbox.growing()} studies`],
      [
        'Index',
        `${index.studies} studies, ${index.nearline} of them only in the PACS; ${index.series} series, ${index.instances} instances here, ${size(index.bytes)}`,
      ],
      [
        'Disk',
        `${size(disk.freeBytes)} free; below ${size(disk.reserveBytes)} objects are refused`,
      ],
      ['Open associations', `${late.listener?.associations() ?? 0}`],
      ['Conflicts', `${index.conflicts}`],
      ...servicesFacts(sources),
      ...(details === undefined ? [] : healthFacts(details)),
    ],
    sections: [
      ...[
        openAssociations(late.listener, sources.drainingSince() !== null),
        ...(details === undefined ? [] : healthSections(details, at)),
      ],
      ...[builds(sources), examination(sources), pacs(sources), retrieves(sources)],
      ...[callers(sources), unlisted(sources), fetches(sources)],
      ...[destinations(sources), deliveries(sources)],
      ...[routes(sources), results(sources), commitments(sources), worklistFaults(sources)],
      ...[quarantine(sources), conflicts(sources), hl7Sources(sources), deadLetters(sources)],
    ],
  };
}

function hubOf({ late: { uplink }, config }: StatusSources): string {
  if (config.hub === undefined || uplink === undefined) return 'not joined';
  const { connected, since, reason } = uplink.status();
  const how = connected ? 'connected' : `not connected: ${reason}`;
  return `${config.hub.url}, ${how}, since ${rfc3339(since)}`;
}

function builds({ upgrade }: StatusSources): StatusSection {
  const told = upgrade();
  const why = told?.reason === null ? '' : `${told?.reason.code}: ${told?.reason.detail}`;
  return {
    title: 'Builds from the hub',
    columns: ['Version', 'State', 'Since', 'Why'],
    note: 'The hub has told of none.',
    rows: told === undefined ? [] : [[told.version, told.state, told.at, why]],
    buttons:
      told?.state === 'waiting'
        ? [{ label: 'Install now', about: `version ${told.version}`, action: '/upgrade/install' }]
        : [],
  };
}

function examination({ doctor }: StatusSources): StatusSection {
  const report = doctor.last();
  return {
    title: 'What the doctor found',
    columns: ['Weight', 'About', 'What', 'Why it matters', 'How to mend it', 'Code'],
    note:
      report === undefined
        ? 'Nothing was examined yet: "cdip edge doctor" does it, and the edge every night.'
        : `All was well at ${report.at}.`,
    rows: (report?.findings ?? [])
      .filter(({ state }) => state !== 'ok')
      .map(({ state, check, about, what, why, mend, code }) => [
        ...[state, `${check}, ${about}`, `${what} (${report?.at})`, why, mend, code],
      ]),
  };
}

function pacs({ db, config }: StatusSources): StatusSection {
  return {
    title: 'What the PACS holds',
    columns: ['PACS', 'State', 'Studies', 'Known', 'Compared', 'Not complete'],
    note: 'No peer has the role pacs.',
    rows: crawlProgress(db, config).map((of) => {
      const [studies, known, compared, gaps] = crawlWords(of);
      const why = of.reason === null ? '' : `: ${of.reason.code}, ${of.reason.detail}`;
      return [of.peer, `${of.state}${why}`, studies, known, compared, gaps];
    }),
  };
}

function retrieves({ db }: StatusSources): StatusSection {
  return {
    title: 'Retrieved from the PACS',
    columns: ['PACS', 'By', 'State', 'Objects', 'Why', 'Study'],
    note: 'Nothing yet.',
    rows: new RetrieveLog(db)
      .list(SHOWN)
      .map((row) => [
        ...[row.peer, row.method ?? '', row.state, `${row.instances} of ${row.expected ?? '?'}`],
        row.reasonCode === null ? '' : `${row.reasonCode}: ${row.reasonDetail}`,
        row.studyInstanceUID,
      ]),
  };
}

function servicesFacts({ late: { services }, copies }: StatusSources): [string, string][] {
  const held = copies.counts();
  const facts: [string, string][] = [
    ['Copies of other trusts', `${held.studies} studies, ${size(held.bytes)}`],
  ];
  if (services === undefined) return facts;
  const { inProgress, waiting } = services.steps.counts();
  return [
    ...facts,
    ['Commitments to be told', `${services.commitments.waiting()}`],
    ['Performed steps', `${inProgress} in progress; ${waiting} messages to be passed on`],
  ];
}

function commitments({ late: { services } }: StatusSources): StatusSection {
  return {
    title: 'Storage commitment',
    columns: ['Asked by', 'Objects', 'State', 'Asked', 'Transaction'],
    note: 'Nobody has asked.',
    rows: (services?.commitments.list(SHOWN) ?? []).map((line) => [
      ...[line.callingAETitle, `${line.instances}`],
      line.outcome === 'told'
        ? `told, ${line.failed ?? 0} not committed`
        : `${line.outcome ?? 'to be told'}${line.reasonCode === null ? '' : `: ${line.reasonCode}`}`,
      ...[rfc3339(line.requestedAt), line.transactionUID],
    ]),
  };
}

function worklistFaults({ late: { services } }: StatusSources): StatusSection {
  return {
    title: 'Worklist files that can not be answered from',
    columns: ['File', 'Why'],
    note: 'None.',
    rows: (services?.worklist.faults() ?? []).slice(0, SHOWN).map(({ file, code }) => [file, code]),
  };
}

function callers({ late }: StatusSources): StatusSection {
  return {
    title: 'Who has called since the start',
    columns: ['AE title', 'Host', 'Known', 'Associations', 'Refused', 'Objects', 'Last'],
    note: 'Nobody yet.',
    rows: (late.listener?.callers() ?? [])
      .slice(0, SHOWN)
      .map(
        ({ callingAETitle, host, known, associations, rejections, reasons, objects, lastAt }) => [
          callingAETitle,
          host,
          known ? 'yes' : 'no: not in edge.yaml',
          `${associations}`,
          refusedWords(rejections, reasons),
          `${objects}`,
          rfc3339(lastAt),
        ],
      ),
  };
}

function unlisted({ late, storage, hl7, says }: StatusSources): StatusSection {
  const heard = {
    callers: late.listener?.callers() ?? [],
    senders: storage.index.lastObjectPerCaller(),
    feeds: hl7.sources(SHOWN),
  };
  return unlistedNames(heard, says, SHOWN);
}

/** `3: calling-ae-title-not-recognized`. */
function refusedWords(rejections: number, reasons: Readonly<Record<string, number>>): string {
  const why = Object.keys(reasons).join(', ');
  return why === '' ? `${rejections}` : `${rejections}: ${why}`;
}

function fetches({ store }: StatusSources): StatusSection {
  return {
    title: 'Fetches from other trusts',
    columns: ['From', 'State', 'Objects', 'Why it waits, or how it ended', 'Fetch'],
    note: 'None.',
    rows: store
      .list(SHOWN)
      .map(({ fetchId, sourceTrust, state, instancesDone, instancesExpected, reason }) => [
        sourceTrust,
        state,
        `${instancesDone} of ${instancesExpected}`,
        reason === null ? '' : `${reason.code}: ${reason.detail}`,
        fetchId,
      ]),
  };
}

function destinations({ states, config }: StatusSources): StatusSection {
  const known = new Set(deliveryPeers(config).map(({ name }) => name));
  const all = withUntried(states.list(), config);
  return {
    title: 'Destinations',
    page: { address: '/peers/new', label: 'Add a peer' },
    columns: ['Peer', 'State', 'Objects waiting', 'Oldest', 'Why it waits'],
    note: 'None: no peer is a PACS, an archive or an AI node.',
    rows: all.map((one) => [
      ...[one.peer, stateOf(one), `${one.objects} of ${one.deliveries} studies`],
      ...[one.oldest === null ? '' : rfc3339(one.oldest), whyOf(one)],
    ]),
    rowButtons: all.map(({ peer: about, heldSince, deliveries }) => {
      const to = (what: string): string => `/peers/${encodeURIComponent(about)}/${what}`;
      if (heldSince !== null) return [{ label: 'Release', about, action: to('release') }];
      if (!known.has(about)) return [];
      return [
        ...(deliveries > 0 ? [{ label: 'Try now', about, action: to('retry') }] : []),
        { label: 'Hold', about, action: to('hold'), isSecond: true },
      ];
    }),
  };
}

/** Those that nothing was ever for can be held, too: a modality or workstation is no destination until something is. */
function withUntried(told: readonly PeerQueue[], config: EdgeConfig): PeerQueue[] {
  const names = new Set(told.map(({ peer }) => peer));
  const untried = deliveryPeers(config).filter(
    ({ name, role }) => !names.has(name) && role !== 'modality' && role !== 'workstation',
  );
  const nothing = {
    ...{ state: null, since: null, until: null, failures: 0, reasonCode: null, reasonDetail: null },
    ...{ deliveries: 0, objects: 0, oldest: null, heldSince: null },
  };
  return [...told, ...untried.map(({ name: peer }) => ({ peer, ...nothing }))];
}

function deliveries({ queue }: StatusSources): StatusSection {
  return {
    title: 'Deliveries',
    columns: ['To', 'State', 'Objects', 'Why it waits, or how it ended', 'Delivery'],
    note: 'None.',
    rows: queue.list(SHOWN).map(({ deliveryId, peer, state, reasonCode, reasonDetail }) => {
      const { sent, instances } = queue.progress(deliveryId);
      const why = reasonCode === null ? '' : `${reasonCode}: ${reasonDetail}`;
      return [peer, state, `${sent} of ${instances}`, why, deliveryId];
    }),
  };
}

function routes({ routes }: StatusSources): StatusSection {
  return {
    title: 'Sent by rules',
    page: { address: '/routes', label: 'Why a study or an object went where it went' },
    columns: ['Job', 'Rule', 'To', 'Objects', 'State', 'Why it waits, or how it ended', 'Study'],
    note: 'None.',
    rows: routes.store.list(SHOWN).map((row) => {
      const { job, rule, to, objects, state, why } = explainJob(row);
      return [`${job}`, rule, to, `${objects}`, state, why, row.studyInstanceUID];
    }),
  };
}

function results({ routes }: StatusSources): StatusSection {
  return {
    title: 'AI results',
    columns: ['From', 'Model', 'State', 'Why it is held', 'Came', 'Object', 'Study'],
    note: 'None.',
    rows: routes.inbox
      .list(SHOWN)
      .map((row) => [
        ...[row.callingAETitle, row.model ?? '', row.state],
        row.reasonCode === null ? '' : `${row.reasonCode}: ${row.reasonDetail}`,
        ...[rfc3339(row.receivedAt), row.sopInstanceUID, row.studyInstanceUID],
      ]),
  };
}

function quarantine({ storage }: StatusSources): StatusSection {
  const entries = storage.quarantine.list(SHOWN);
  return {
    title: 'Quarantine',
    columns: ['From', 'Why', 'Size', 'Times', 'Last', 'Entry'],
    note: 'Empty.',
    rows: entries.map(
      ({ id, callingAETitle, host, code, detail, bytes, times, lastAt, isKept }) => [
        `${callingAETitle} ${host}`,
        `${code}: ${detail}`,
        isKept ? size(bytes) : `${size(bytes)}, not kept`,
        `${times}`,
        rfc3339(lastAt),
        id,
      ],
    ),
    rowButtons: entries.map(({ id, isKept, code }) => [
      ...(isKept ? [{ label: 'File it', about: id, action: `/quarantine/${id}/file` }] : []),
      // Its sender was told that it is stored: nobody loses it by one click; `cdip edge quarantine drop` does.
      ...(code === PATIENT_MISMATCH
        ? []
        : [{ label: 'Drop', about: id, action: `/quarantine/${id}/drop`, isSecond: true }]),
    ]),
  };
}

function conflicts({ storage }: StatusSources): StatusSection {
  const WHAT = {
    INSTANCE_CONTENT: 'came again with other content; both are kept, the first is current',
    PATIENT_MISMATCH: 'names another patient than the study does',
  } as const;
  return {
    title: 'Conflicts',
    columns: ['From', 'What', 'Objects', 'Last', 'Object', 'Study'],
    note: 'None.',
    rows: storage.index
      .conflicts(SHOWN)
      .map(({ callingAETitle, kind, instances, at, sopInstanceUID, studyInstanceUID }) => [
        ...[callingAETitle, WHAT[kind], `${instances}`, rfc3339(at)],
        ...[sopInstanceUID, studyInstanceUID],
      ]),
  };
}

function hl7Sources({ hl7 }: StatusSources): StatusSection {
  return {
    title: 'HL7 senders',
    columns: ['Application', 'Facility', 'Messages kept', 'Dead letters', 'Last'],
    note: 'No message is kept.',
    rows: hl7
      .sources(SHOWN)
      .map(({ application, facility, messages, dead, lastAt }) => [
        ...[application, facility, `${messages}`, `${dead}`, rfc3339(lastAt)],
      ]),
  };
}

function deadLetters({ hl7 }: StatusSources): StatusSection {
  return {
    title: 'HL7 dead letters',
    page: { address: '/hl7', label: 'Decide on them' },
    columns: ['From', 'Type', 'Control ID', 'Why', 'Times', 'Last', 'Number'],
    note: 'None. Each would be shown with its reason, and applied again from its page.',
    rows: hl7
      .deadLetters(SHOWN)
      .map(
        ({
          key,
          receivedAt,
          host,
          application,
          facility,
          type,
          controlId,
          code,
          detail,
          times,
        }) => [
          `${application} ${facility} ${host}`.trim(),
          ...[type, controlId, `${code}: ${detail}`, `${times}`, rfc3339(receivedAt), `${key}`],
        ],
      ),
  };
}

function size(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
}

const seconds = (count: number): string => `${Math.round(count)} s`;
