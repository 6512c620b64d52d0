/** What is wrong with the edge, or stands still, in a sentence each. */
import { rfc3339 } from '../shared/clock.ts';
import { crawlProgress } from './crawl/progress.ts';
import { stateOf, whyOf } from './deliver/peer-states.ts';
import type { StoredStatus } from './health/edge-status.ts';
import { healthTroubles } from './status-health.ts';
import type { StatusSources } from './status-view.ts';

/** Worst first. */
export function troublesOf(sources: StatusSources, stored: StoredStatus): string[] {
  const { late, clock, doctor, routes } = sources;
  return [
    ...troublesOfDrain(sources),
    ...troublesOfStorage(sources),
    ...healthTroubles(late.vitals?.(), clock.now()),
    ...troublesOfDoctor(doctor),
    ...troublesOfHub(sources),
    ...troublesOfDestinations(sources),
    ...troublesOfRoutes(routes),
    ...troublesOfObjects(sources, stored),
  ];
}

function troublesOfDrain({ drainingSince, late: { listener } }: StatusSources): string[] {
  const since = drainingSince();
  if (since === null) return [];
  const open = listener?.associations() ?? 0;
  return [`Nobody new is let in since ${rfc3339(since)}; ${open} associations are open.`];
}

function troublesOfStorage({ storage, db, config }: StatusSources): string[] {
  const full = 'The disk has reached its reserve: objects are refused (A700) until there is room.';
  return [
    ...(storage.spool.reserve.status().reached ? [full] : []),
    ...crawlProgress(db, config).flatMap(({ peer, reason }) =>
      reason === null ? [] : [`${peer} can not be asked what it holds: ${reason.detail}.`],
    ),
  ];
}

function troublesOfHub({ config, late: { uplink } }: StatusSources): string[] {
  if (config.hub === undefined) return ['Not joined to a hub: run "cdip edge enrol".'];
  const hub = uplink?.status();
  if (hub === undefined || hub.connected) return [];
  return [`No connection to the hub since ${rfc3339(hub.since)}: ${hub.reason ?? ''}.`];
}

function troublesOfDestinations({ states }: StatusSources): string[] {
  return states.list().flatMap((one) => {
    if (one.heldSince !== null)
      return [`${one.peer} is ${stateOf(one)}: ${one.objects} objects wait.`];
    return one.state === 'waits' ? [`${one.peer} ${stateOf(one)}: ${whyOf(one)}.`] : [];
  });
}

function troublesOfObjects({ hl7 }: StatusSources, { quarantined, index }: StoredStatus): string[] {
  const dead = hl7.deadCount();
  const counted: [number, string][] = [
    [index.missing, 'files of acknowledged objects are missing.'],
    [index.conflicts, 'conflicts that a person has to look at: see Conflicts.'],
    [quarantined, 'objects could not be filed: see Quarantine.'],
    [dead, 'HL7 messages could not be applied: see HL7 dead letters.'],
  ];
  return counted.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : []));
}

function troublesOfDoctor(doctor: StatusSources['doctor']): string[] {
  const faults = doctor.last()?.faults ?? 0;
  return faults === 0 ? [] : [`The doctor found ${faults} faults: see What the doctor found.`];
}

function troublesOfRoutes({ store, inbox, outages }: StatusSources['routes']): string[] {
  const counts = store.counts();
  const results = inbox.heldCount();
  const unanswered = counts.get('unanswered') ?? 0;
  const failed = (counts.get('failed') ?? 0) + (counts.get('partial') ?? 0);
  const held = counts.get('held') ?? 0;
  const stopped = outages
    .list()
    .map(
      ({ part, code, since, nextAt }) =>
        `Routing (${part}) stands still since ${rfc3339(since)}: ${code}; tried again at ${rfc3339(nextAt)}.`,
    );
  return [
    ...stopped,
    ...(failed > 0 ? [`${failed} jobs of rules did not get there: see Sent by rules.`] : []),
    ...(results > 0 ? [`${results} results of AI models are held: see AI results.`] : []),
    ...(unanswered > 0
      ? [`${unanswered} studies got no AI result in time: see Sent by rules.`]
      : []),
    ...(held > 0 ? [`${held} jobs of rules wait for a person: see Sent by rules.`] : []),
  ];
}
