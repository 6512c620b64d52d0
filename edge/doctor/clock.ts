/**
 * The machine's clock, against the hub's and against time servers (SNTP, RFC 4330).
 *
 * The hub tells whole seconds only (RFC 9110 §6.6.1): less than that is seen by a time server alone.
 */
import { createSocket } from 'node:dgram';
import type { Clock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig } from '../config.ts';
import { type Finding, found, well } from './finding.ts';
import type { HubDate } from './hub.ts';

const DRIFT_MS = 250;
const OFF_MS = 1_000;
const NTP_MS = 3_000;
const NTP_PORT = 123;
/** From 1900 to 1970. */
const NTP_EPOCH_SECONDS = 2_208_988_800;
const CLIENT_OF_VERSION_4 = 0x23;

/** How far this clock is ahead, in milliseconds; the truth lies within `uncertainMs` of it. */
export interface Offset {
  readonly aheadMs: number;
  readonly uncertainMs: number;
}

export async function examineClock(
  { clock: { ntpServers } }: Pick<EdgeConfig, 'clock'>,
  hubDate: HubDate | undefined,
  clock: Clock,
): Promise<Finding[]> {
  const servers = await Promise.all(
    ntpServers.map(async (server) => {
      try {
        return judged(server, await askTimeServer(server, clock));
      } catch (error) {
        return found('CLOCK_NOT_COMPARED', {
          ...{ check: 'clock', about: server },
          what: `The time server does not answer: ${codeOf(error)}.`,
          mend: `Allow UDP to ${server} in the firewall, or name another in clock.ntpServers of edge.yaml.`,
        });
      }
    }),
  );
  if (hubDate !== undefined) return [judged(hubDate.url, offsetOf(hubDate)), ...servers];
  if (servers.length > 0) return servers;
  return [
    found('CLOCK_NOT_COMPARED', {
      ...{ check: 'clock', about: 'clock' },
      what: 'The hub does not tell its time, and no time server is named.',
      mend: 'Mend what is said of the hub, or name clock.ntpServers in edge.yaml.',
    }),
  ];
}

/** Its second began up to one second before it answered. */
function offsetOf({ at, askedAt, answeredAt }: HubDate): Offset {
  const halfTripMs = (answeredAt - askedAt) / 2;
  return { aheadMs: askedAt + halfTripMs - (at + 500), uncertainMs: 500 + halfTripMs };
}

function judged(about: string, { aheadMs, uncertainMs }: Offset): Finding {
  const direction = aheadMs > 0 ? 'ahead of' : 'behind';
  const isExact = uncertainMs < DRIFT_MS;
  const what = isExact
    ? `This clock is ${words(aheadMs)} ${direction} ${about}.`
    : `This clock is ${words(aheadMs)} ${direction} ${about}, give or take ${words(uncertainMs)}.`;
  const mend =
    'Have chrony or systemd-timesyncd keep the time ("timedatectl set-ntp true"), with time servers that this machine may reach.';
  const seen = { check: 'clock', about, what } as const;
  const surelyMs = Math.abs(aheadMs) - uncertainMs;
  if (surelyMs >= OFF_MS) return found('CLOCK_OFF', { ...seen, mend });
  if (surelyMs >= DRIFT_MS) return found('CLOCK_DRIFTS', { ...seen, mend });
  return well({ ...seen, what: surelyMs <= 0 ? `This clock agrees with ${about}.` : what });
}

function words(ms: number): string {
  const seconds = Math.abs(ms) / 1000;
  if (seconds >= 90) return `${Math.round(seconds / 60)} minutes`;
  return seconds >= 1 ? `${Math.round(seconds)} s` : `${Math.round(seconds * 1000)} ms`;
}

/** @param server host, or host:port @throws Error with a code when it does not answer */
function askTimeServer(server: string, clock: Clock): Promise<Offset> {
  const [, host = server, port] = /^(.*?)(?::(\d+))?$/.exec(server) ?? [];
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  return new Promise<Offset>((resolve, reject) => {
    const silence = Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
    const timer = setTimeout(() => reject(silence), NTP_MS);
    socket.once('error', reject);
    socket.once('close', () => clearTimeout(timer));
    const request = Buffer.alloc(48);
    request[0] = CLIENT_OF_VERSION_4;
    const askedAt = clock.now();
    socket.once('message', (answer) => {
      const answeredAt = clock.now();
      if (answer.length < 48) return reject(Object.assign(new Error(), { code: 'EPROTO' }));
      const received = timestamp(answer, 32);
      const sent = timestamp(answer, 40);
      resolve({
        aheadMs: (askedAt - received + (answeredAt - sent)) / 2,
        uncertainMs: Math.max(1, (answeredAt - askedAt - (sent - received)) / 2),
      });
    });
    socket.send(request, Number(port ?? NTP_PORT), host);
  }).finally(() => socket.close());
}

const timestamp = (packet: Buffer, at: number): number =>
  (packet.readUInt32BE(at) - NTP_EPOCH_SECONDS + packet.readUInt32BE(at + 4) / 2 ** 32) * 1000;
