/** What the status page shows of what is watched all the time: machine, queues, devices, neighbours. */
import { rfc3339 } from '../shared/clock.ts';
import type { PacsProbe } from '../shared/contract/health.ts';
import type { DicomListener } from './dimse/listener.ts';
import type { HealthDetails } from './health/vitals.ts';
import type { StatusSection } from './http/status-page.ts';

const DAY_MS = 86_400_000;
const MINUTE = 60;

export function healthFacts({ disk, machine, clock, traffic }: HealthDetails): [string, string][] {
  const { hoursToFull } = disk;
  const offset = clock?.offsetMs ?? null;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return [
    ['Disk will be full', hoursToFull == null ? 'not filling' : `in ${Math.round(hoursToFull)} h`],
    ['Clock', offset === null ? 'not compared yet' : `${offset} ms ahead of the hub`],
    ...(traffic === undefined
      ? []
      : [
          [
            'Last minutes',
            `${traffic.objects} objects, ${traffic.notStored} not taken; ${traffic.associations} associations, ${traffic.rejected} refused, ${traffic.aborted} broken off; ${traffic.hl7} HL7 messages`,
          ] as [string, string],
        ]),
    ...(machine === undefined
      ? []
      : [
          [
            'Machine',
            `load ${percent(machine.cpu)}, memory ${percent(machine.memory)}, held up for ${machine.eventLoopMs} ms at most`,
          ] as [string, string],
        ]),
  ];
}

/** In a sentence each. @param now milliseconds since the epoch */
export function healthTroubles(details: HealthDetails | undefined, now: number): string[] {
  const { pacs = [], certificates = [] } = details ?? {};
  const silent = pacs.flatMap(({ peer, echo, find }) => {
    const failed = echo?.ok === false ? echo : find?.ok === false ? find : null;
    return failed === null
      ? []
      : [`${peer} does not answer: ${failed.reason}, ${failed.failures} times.`];
  });
  const ending = certificates.flatMap(({ of, endsAt }) => {
    const days = daysTo(endsAt, now);
    if (days >= 30) return [];
    return [`The certificate of ${of} ${days < 0 ? 'has ended' : `ends in ${days} days`}.`];
  });
  return [...silent, ...ending];
}

export function healthSections(details: HealthDetails, now: number): StatusSection[] {
  const { queues = [], modalities = [], pacs = [], certificates = [], reach = [] } = details;
  return [
    {
      title: 'What waits',
      columns: ['Queue', 'Priority', 'Jobs', 'Oldest', 'Why the oldest waits'],
      note: 'Nothing.',
      rows: queues.map(({ queue, priority, waiting, oldestSeconds, reason }) => [
        ...[queue, priority, `${waiting}`, `${Math.round(oldestSeconds / MINUTE)} min`],
        reason ?? '',
      ]),
    },
    {
      title: 'Last object of each modality',
      columns: ['AE title', 'Peer', 'Modality', 'Last object', 'Objects'],
      note: 'None has sent yet.',
      rows: modalities.map(({ aeTitle, peer, modality, lastObjectAt, objects }) => [
        ...[aeTitle, peer ?? 'not in edge.yaml', modality ?? ''],
        ...[lastObjectAt, `${objects}`],
      ]),
    },
    {
      title: 'Whether the PACS answers',
      columns: ['PACS', 'C-ECHO', 'C-FIND'],
      note: 'No peer has the role pacs.',
      rows: pacs.map(({ peer, echo, find }) => [peer, probeWords(echo), probeWords(find)]),
    },
    {
      title: 'Certificates',
      columns: ['Of', 'Ends', 'Days'],
      note: 'None is used.',
      rows: certificates.map(({ of, endsAt }) => [of, endsAt, `${daysTo(endsAt, now)}`]),
    },
    {
      title: 'Other trusts',
      columns: ['Trust', 'Reached directly', 'Asked'],
      note: 'No other edge is known.',
      rows: reach.map(({ trust, ok, ms, reason, at }) => [
        ...[trust, ok ? `yes, ${ms} ms` : `no: ${reason}; the hub's relay is used`],
        at,
      ]),
    },
  ];
}

export function openAssociations(
  listener: DicomListener | undefined,
  isDraining: boolean,
): StatusSection {
  const drain = { label: 'Let nobody new in', about: 'before a stop', action: '/drain' };
  const open = { label: 'Let callers in again', about: 'draining ends', action: '/drain/end' };
  return {
    title: 'Associations now',
    buttons: [isDraining ? open : { ...drain, isSecond: true }],
    columns: ['AE title', 'Host', 'Calls', 'TLS', 'Since'],
    note: 'None.',
    rows: (listener?.open() ?? []).map(({ peer, since }) => [
      ...[peer.callingAETitle, peer.host, peer.calledAETitle, peer.tls ? 'yes' : 'no'],
      rfc3339(since),
    ]),
  };
}

function probeWords(probe: PacsProbe | null): string {
  if (probe === null) return 'not asked yet';
  const { ok, p95Ms, failures, reason, at } = probe;
  return ok ? `answers, 95 % within ${p95Ms} ms` : `${reason}, ${failures} times, last at ${at}`;
}

const daysTo = (endsAt: string, now: number): number =>
  Math.floor((Date.parse(endsAt) - now) / DAY_MS);
