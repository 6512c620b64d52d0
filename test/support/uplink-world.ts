/** An edge's storage and uplink against a real broker, and a hub of a few lines. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transferSchema } from '../../edge/transfer/schema.ts';
import { UnaidedLog } from '../../edge/transfer/unaided-log.ts';
import { Uplink } from '../../edge/uplink/uplink.ts';
import { AuditTrail } from '../../shared/audit/trail.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Command } from '../../shared/contract/commands.ts';
import type { CursorReply } from '../../shared/contract/rpc.ts';
import { edgeStream } from '../../shared/contract/subjects.ts';
import { silentLog } from '../../shared/log.ts';
import { openMetrics } from '../../shared/metrics.ts';
import { openSqlite } from '../../shared/sqlite/open.ts';
import { type NetworkLink, startNetworkLink } from './network-cut.ts';
import { edgeKey, startNetworkLog, type TestLog } from './network-log.ts';
import { openStorageFixture, type StorageFixture, smallObject } from './storage-fixture.ts';

export interface Told {
  readonly kind: string;
  readonly epoch: number;
  readonly seq: number;
  readonly studyInstanceUID?: string;
}

export interface UplinkWorld extends TestLog {
  readonly storage: StorageFixture;
  readonly uplink: Uplink;
  readonly told: Told[];
  readonly commands: Command[];
  /** Between edge and broker. */
  readonly link: NetworkLink;
  /** What the hub answers about its cursor. */
  hub: CursorReply;
  /** Stores an object of a study of its own. */
  send(number: number): Promise<void>;
  /** A further uplink of this edge, as after a restart. */
  anotherUplink(): Uplink;
}

export async function startUplinkWorld(
  t: { teardown(done: () => Promise<void>): void },
  directory: string,
): Promise<UplinkWorld> {
  const key = edgeKey();
  const testLog = await startNetworkLog(
    join(directory, 'hub'),
    ['RRK'],
    new Map([['RRK', [key.publicKey]]]),
  );
  const { log, port } = testLog;
  const link = await startNetworkLink({ targetPort: port });
  const dataDirectory = join(directory, 'edge');
  mkdirSync(dataDirectory, { recursive: true });
  const storage = await openStorageFixture({ dataDirectory });
  storage.outbox.start();
  const seedFile = join(dataDirectory, 'nats.seed');
  writeFileSync(seedFile, key.seed);
  const commands: Command[] = [];
  const audit = new AuditTrail(dataDirectory, systemClock);
  const anotherUplink = (): Uplink =>
    new Uplink({
      trust: 'RRK',
      servers: `nats://127.0.0.1:${link.port}`,
      seedFile,
      outbox: storage.outbox,
      clock: systemClock,
      log: silentLog,
      metrics: openMetrics({}),
      heartbeat: () => ({}) as never,
      onCommand: (command) => void commands.push(command),
      onDirectory: () => {},
      unaided: new UnaidedLog(openSqlite(':memory:', transferSchema), Date.now),
      audit,
    });
  const uplink = anotherUplink();
  const world: UplinkWorld = {
    ...testLog,
    ...{ storage, uplink, commands, link, told: [], hub: { cursor: null, caughtUp: true } },
    anotherUplink,
    send: async (number) => {
      const object = smallObject(number, { StudyInstanceUID: `2.999.7.${number}` });
      const { status } = await storage.send(object);
      if (status !== 0) throw new Error(`not stored: ${status.toString(16)}`);
    },
  };
  log.answer('cursor', () => world.hub);
  log.answer('directory', () => ({ trusts: [], ticketKeys: { keys: [] } }));
  const ending = new AbortController();
  void follow(world, ending.signal);
  uplink.start();
  t.teardown(async () => {
    ending.abort();
    await uplink.stop();
    storage.close();
    await link.stop();
    await log.stop();
  });
  return world;
}

/** Reads the stream as a hub does, over streams that are made anew. */
async function follow({ log, told }: UplinkWorld, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const { created } = await log.streamState(edgeStream('RRK'));
      for await (const { data } of log.read(edgeStream('RRK'), { fromSeq: 1, created, signal }))
        told.push(JSON.parse(Buffer.from(data).toString()) as Told);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** Distinct studies that were told in an epoch, or in any. */
export const studiesIn = (told: readonly Told[], epoch?: number): string[] => [
  ...new Set(
    told.flatMap((event) =>
      event.kind === 'study' && (epoch === undefined || event.epoch === epoch)
        ? [event.studyInstanceUID ?? '']
        : [],
    ),
  ),
];
