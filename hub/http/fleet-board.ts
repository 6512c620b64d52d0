/** The fleet as staff look at it: one row a trust, with what is wrong there; and all that is known of one edge. */
import type { HealthEvent } from '../../shared/contract/events.ts';
import { keptFor, paced } from '../../shared/paced.ts';
import type { AlertView } from '../alerts/alerts.ts';
import type { FleetEntry } from '../fleet/fleet.ts';
import { type NetworkNumbers, prepareNetworkNumbers } from '../fleet/network-numbers.ts';
import type { HttpParts } from './parts.ts';

type Parts = Pick<HttpParts, 'alerts' | 'clock' | 'fleet' | 'projection'>;

export interface FleetRow extends FleetEntry, Omit<NetworkNumbers, 'differingDays'> {
  readonly differingDays: number;
  readonly alerts: { readonly page: number; readonly warn: number };
  readonly worst: AlertView | null;
  readonly inMaintenance: boolean;
  readonly diskUsedPercent: number | null;
  readonly hoursToFull: number | null;
  readonly waiting: number | null;
  readonly oldestWaitingSeconds: number | null;
  readonly objectsPerHour: number | null;
  readonly certificateDays: number | null;
  /** Null: it has none, or does not tell. */
  readonly pacs: 'answers' | 'silent' | null;
}

/** A page that many look at is put together once a second. */
const KEPT_MS = 1_000;

export class FleetBoard {
  readonly rows: () => readonly FleetRow[];

  constructor(parts: Parts) {
    const { clock, fleet, alerts, projection } = parts;
    const numbersAt = prepareNetworkNumbers(projection.db);
    const numbers = paced(() => numbersAt(clock.now()), clock);
    this.rows = keptFor(
      KEPT_MS,
      () => {
        const open = Map.groupBy(alerts.openOf(), ({ trust }) => trust);
        const resting = new Set(alerts.maintenance().flatMap((one) => restingAt(one, clock.now())));
        const of = numbers();
        return fleet.list().map((entry) => {
          const { trust } = entry;
          const mine = open.get(trust) ?? [];
          const told = { ...entry, ...of(trust), ...numbersOf(fleet.health(trust), clock.now()) };
          return {
            ...told,
            alerts: { page: countOf(mine, 'page'), warn: countOf(mine, 'warn') },
            worst: mine[0] ?? null,
            inMaintenance: resting.has(trust),
          };
        });
      },
      clock,
    );
  }

  /** Those in trouble first. */
  worstFirst(): FleetRow[] {
    return this.rows().toSorted((a, b) => badness(b) - badness(a) || a.name.localeCompare(b.name));
  }
}

const restingAt = ({ trust, from }: { trust: string; from: string }, now: number): string[] =>
  Date.parse(from) <= now ? [trust] : [];

const countOf = (alerts: readonly AlertView[], level: AlertView['level']): number =>
  alerts.filter((alert) => alert.level === level).length;

/** What somebody has to be called for, then what warns, then who is silent; what is looked after anyway less. */
function badness({ alerts, state, inMaintenance }: FleetRow): number {
  const bad = alerts.page * 10_000 + alerts.warn * 10 + (state === 'silent' ? 5 : 0);
  return inMaintenance ? bad / 1_000_000 : bad;
}

function numbersOf(
  health: HealthEvent | undefined,
  now: number,
): Pick<
  FleetRow,
  | 'diskUsedPercent'
  | 'hoursToFull'
  | 'waiting'
  | 'oldestWaitingSeconds'
  | 'objectsPerHour'
  | 'certificateDays'
  | 'pacs'
> {
  const { disk, queues, traffic, certificates = [], pacs = [] } = health ?? {};
  const used = disk?.totalBytes ? (1 - disk.freeBytes / disk.totalBytes) * 100 : null;
  const rate = traffic !== undefined && traffic.seconds > 0 ? traffic : null;
  const ends = certificates.map(({ endsAt }) => Date.parse(endsAt));
  const isSilent = pacs.some(({ echo, find }) => echo?.ok === false || find?.ok === false);
  return {
    diskUsedPercent: used === null ? null : Math.round(used),
    hoursToFull: disk?.hoursToFull ?? null,
    waiting: queues?.reduce((sum, { waiting }) => sum + waiting, 0) ?? null,
    oldestWaitingSeconds:
      queues === undefined ? null : Math.max(0, ...queues.map((one) => one.oldestSeconds)),
    objectsPerHour: rate && Math.round((rate.objects * 3600) / rate.seconds),
    certificateDays: ends.length === 0 ? null : Math.floor((Math.min(...ends) - now) / 86_400_000),
    pacs: pacs.length === 0 ? null : isSilent ? 'silent' : 'answers',
  };
}
