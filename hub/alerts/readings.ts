/**
 * What each signal of the table reads from what is known of an edge. Pure: the numbers come in, the limits
 * are applied by levels.ts.
 *
 *   EdgeView ─► readingsOf ─► signal, subject, value, words
 *
 * Of a silent edge nothing but its silence is read: all else is as of long ago.
 */
import type { HealthEvent } from '../../shared/contract/events.ts';
import type { QueueHealth } from '../../shared/contract/health.ts';
import type { SignalId } from '../config-alerts.ts';
import type { Rhythm } from '../fleet/rhythm.ts';

export interface EdgeView {
  readonly trust: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Of the time that this hub has listened. */
  readonly silentSeconds: number;
  /** How old the heartbeat is. */
  readonly ageSeconds: number;
  readonly health: HealthEvent;
  readonly rhythms: readonly Rhythm[];
  /** Days of which this hub's rows differ from what the trust says. */
  readonly differingDays: number;
  /** Fetches to this trust that ended within the hour. */
  readonly transfers: { readonly ended: number; readonly failed: number };
  /** Of the hub. */
  readonly version: string;
}

export interface Reading {
  readonly signal: SignalId;
  readonly subject: string;
  readonly value: number;
  /** What a person reads: what is wrong, with the numbers. */
  readonly detail: string;
  /** Where the limits follow from what was learnt: in the unit of the signal. */
  readonly limits?: { readonly warn: number; readonly page: number | null };
}

/** From fewer a share says nothing. */
const LEAST_ASSOCIATIONS = 10;
const LEAST_MESSAGES = 50;
const LEAST_TRANSFERS = 5;
const SUSPECT_SECONDS = 60;

/** False: all that is known of it but its silence is as of long ago. */
export const isHeard = ({ ageSeconds }: EdgeView): boolean => ageSeconds <= SUSPECT_SECONDS;

export function readingsOf(view: EdgeView): Reading[] {
  const { silentSeconds, health } = view;
  const silence: Reading = {
    ...{ signal: 'edgeSilent', subject: '', value: silentSeconds },
    detail: `its edge has not been heard of for ${Math.round(silentSeconds)} s`,
  };
  if (!isHeard(view)) return [silence];
  return [
    silence,
    ...ofDisk(health),
    ...ofQueues(health),
    ...ofDevices(view),
    ...ofPacs(health),
    ...ofCallers(health),
    ...ofHl7(health),
    ...ofIdentity(health),
    ...ofMachine(health),
    ...ofCertificates(view),
    ...ofNetwork(view),
  ];
}

function ofDisk({ disk }: HealthEvent): Reading[] {
  const { freeBytes, totalBytes, reserveBytes, hoursToFull } = disk;
  const gigabytes = `${(freeBytes / 1e9).toFixed(1)} GB free`;
  const used = totalBytes ? (1 - freeBytes / totalBytes) * 100 : undefined;
  const isReached = freeBytes <= reserveBytes && totalBytes !== undefined;
  const hours = isReached ? 0 : hoursToFull;
  return [
    ...(used === undefined
      ? []
      : [reading('diskUsed', '', used, `the disk is ${Math.round(used)} % full, ${gigabytes}`)]),
    ...(hours === null || hours === undefined
      ? []
      : [
          reading(
            'diskHoursToFull',
            '',
            hours,
            isReached
              ? `the disk has reached its reserve: objects are refused, ${gigabytes}`
              : `the disk will have reached its reserve in ${Math.round(hours)} h, ${gigabytes}`,
          ),
        ]),
  ];
}

const QUEUE_SIGNALS: Readonly<Record<QueueHealth['priority'], SignalId>> = {
  immediate: 'queueUrgent',
  urgent: 'queueUrgent',
  scheduled: 'queueScheduled',
  bulk: 'queueBulk',
};

function ofQueues({ queues = [], outbox }: HealthEvent): Reading[] {
  const waiting = queues.map(({ queue, priority, waiting, oldestSeconds, reason }) => {
    const why = reason === null ? '' : `: ${reason}`;
    const minutes = oldestSeconds / 60;
    const detail = `${waiting} ${priority} in the ${queue} queue, the oldest for ${Math.round(minutes)} min${why}`;
    return reading(QUEUE_SIGNALS[priority], `${queue} ${priority}`, minutes, detail);
  });
  const { oldestSeconds } = outbox;
  const detail = `${outbox.waiting} events are not at the hub, the oldest for ${Math.round(oldestSeconds)} s`;
  return [...waiting, reading('syncLag', '', oldestSeconds, detail)];
}

/** Whose silence somebody is called for: CT, MR, and radiography, that of emergency departments being one of it. */
const PAGED_MODALITIES = new Set(['CT', 'MR', 'CR', 'DX']);
const MINUTE = 60;

/** Of a modality by its code, or of a feed (HL7): the silence of its busy hours from which on it is told. Null while learning. */
export function toldSeconds(kind: string, { limits }: Pick<Rhythm, 'limits'>): number | null {
  if (limits === null) return null;
  return kind === 'CT' ? limits.promptSeconds : limits.rareSeconds;
}

function ofDevices({ health, rhythms }: EdgeView): Reading[] {
  const modalities = new Map(health.modalities?.map((one) => [one.aeTitle, one]));
  return rhythms.flatMap((rhythm) => {
    const { device, longestSeconds: longest, silentSeconds, lastAt } = rhythm;
    const modality = modalities.get(device);
    const feed = /^hl7:(.*)\|(.*)$/.exec(device);
    // Neither is told of any more: it was taken out of the edge's configuration, or the edge is a new one.
    if (modality === undefined && feed === null) return [];
    const kind = feed === null ? (modality?.modality ?? 'device') : 'HL7';
    const seconds = toldSeconds(kind, rhythm);
    if (seconds === null || longest === null) return [];
    const [value, limit] = [silentSeconds / MINUTE, seconds / MINUTE];
    const since = new Date(lastAt).toISOString().slice(0, 16).replace('T', ' ');
    const usual = `the longest until now ${Math.round(longest / MINUTE)} min`;
    const words = `nothing since ${since} UTC, ${Math.round(value)} min of its busy hours; ${usual}`;
    if (feed !== null) {
      const subject = `${feed[1]} ${feed[2]}`.trim();
      const told = reading('hl7Idle', subject, value, `HL7 from ${subject}: ${words}`);
      return [{ ...told, limits: { warn: limit, page: limit } }];
    }
    const told = reading('modalitySilent', device, value, `${kind} ${device}: ${words}`);
    return [{ ...told, limits: { warn: limit, page: PAGED_MODALITIES.has(kind) ? limit : null } }];
  });
}

function ofPacs({ pacs = [] }: HealthEvent): Reading[] {
  return pacs.flatMap(({ peer, echo, find }) => {
    const probes = [
      ['C-ECHO', echo],
      ['C-FIND', find],
    ] as const;
    return probes.flatMap(([name, probe]): Reading[] => {
      if (probe === null) return [];
      const { failures, reason, p95Ms } = probe;
      const subject = `${peer} ${name}`;
      const detail = `${peer} has not answered ${name} ${failures} times: ${reason ?? ''}`;
      const failed = reading('pacsFailures', subject, failures, detail);
      if (p95Ms === null || failures > 0) return [failed];
      const seconds = p95Ms / 1000;
      const slow = `${peer} takes ${seconds.toFixed(1)} s for ${name}`;
      return [failed, reading('pacsLatency', subject, seconds, slow)];
    });
  });
}

function ofCallers({ callers = [] }: HealthEvent): Reading[] {
  return callers.flatMap(({ callingAETitle, host, known, associations, rejected, aborted }) => {
    const refusals = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    const all = associations + refusals;
    const reasons = Object.entries(rejected).map(([reason, count]) => `${reason} ${count}`);
    const why = [...reasons, ...(aborted > 0 ? [`broken off ${aborted}`] : [])].join(', ');
    // A title that nobody entered and that gets nowhere is somebody's new scanner.
    const isNew = !known && associations === 0;
    if (all < LEAST_ASSOCIATIONS && !isNew) return [];
    const share = ((refusals + aborted) / all) * 100;
    const who = `${callingAETitle} at ${host}${known ? '' : ', not in edge.yaml'}`;
    return [
      reading('callerRefused', callingAETitle, share, `${who}: ${why}, of ${all} within the hour`),
    ];
  });
}

function ofHl7({ hl7, traffic }: HealthEvent): Reading[] {
  const dead = hl7?.dead;
  const share =
    traffic !== undefined && traffic.hl7 >= LEAST_MESSAGES
      ? (traffic.hl7Refused / traffic.hl7) * 100
      : undefined;
  return [
    ...(dead === undefined
      ? []
      : [reading('hl7DeadLetters', '', dead, `${dead} HL7 messages could not be applied`)]),
    ...(share === undefined
      ? []
      : [
          reading(
            'hl7Refused',
            '',
            share,
            `${share.toFixed(1)} % of HL7 messages were not applied`,
          ),
        ]),
  ];
}

function ofIdentity({ otherPatient }: HealthEvent): Reading[] {
  const detail = `${otherPatient} objects wait in quarantine: they name another patient than their study`;
  return [reading('otherPatient', '', otherPatient, detail)];
}

function ofMachine({ machine, clock, commitmentFailures }: HealthEvent): Reading[] {
  const shares: [string, number | null][] =
    machine === undefined
      ? []
      : [
          ['processor', machine.cpu],
          ['memory', machine.memory],
          ['descriptors', machine.files],
        ];
  const loads = shares.flatMap(([what, share]) =>
    share === null
      ? []
      : [reading('machineLoad', what, share * 100, `${what} at ${Math.round(share * 100)} %`)],
  );
  const loop = machine?.eventLoopMs;
  const offset = clock?.offsetMs;
  return [
    ...loads,
    ...(loop === undefined
      ? []
      : [
          reading(
            'eventLoop',
            '',
            loop,
            `the edge is held up for ${Math.round(loop)} ms at a time`,
          ),
        ]),
    ...(offset === null || offset === undefined
      ? []
      : [reading('clockOffset', '', Math.abs(offset), `its clock is ${offset} ms off the hub's`)]),
    ...(commitmentFailures === undefined
      ? []
      : [
          reading(
            ...(['commitmentFailures', ''] as const),
            commitmentFailures,
            `${commitmentFailures} storage commitments failed within a day`,
          ),
        ]),
  ];
}

const DAY_MS = 86_400_000;

function ofCertificates({ health: { certificates = [] }, now }: EdgeView): Reading[] {
  return certificates.map(({ of, endsAt }) => {
    const days = Math.floor((Date.parse(endsAt) - now) / DAY_MS);
    const words = days < 0 ? `has ended on ${endsAt.slice(0, 10)}` : `ends in ${days} days`;
    return reading('certificateDays', of, days, `the certificate of ${of} ${words}`);
  });
}

function ofNetwork({ health, differingDays, transfers, version, now }: EdgeView): Reading[] {
  const hours = (now - Date.parse(health.startedAt)) / 3_600_000;
  const isOther = health.version !== version;
  const { ended, failed } = transfers;
  return [
    reading(
      'indexDiffers',
      '',
      differingDays,
      `${differingDays} days of its index differ from the hub's`,
    ),
    // One that was upgraded just now is on its way; one that has run for a day was forgotten.
    reading(
      ...(['versionDiffers', '', isOther ? hours : 0] as const),
      `version ${health.version}, the hub has ${version}`,
    ),
    ...(ended < LEAST_TRANSFERS
      ? []
      : [
          reading(
            ...(['transferFailures', '', (failed / ended) * 100] as const),
            `${failed} of ${ended} fetches of the last hour were not brought whole`,
          ),
        ]),
  ];
}

const reading = (signal: SignalId, subject: string, value: number, detail: string): Reading => ({
  ...{ signal, subject, value, detail },
});
