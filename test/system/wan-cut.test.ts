/**
 * The link between a trust and the hub is cut while objects come in: nothing is refused, the hub says
 * that the trust is silent, and afterwards all is there. Ten minutes by `CDIP_CUT_SECONDS=600`.
 */
import t from 'tap';
import { ctSeries } from '../bench/ct-series.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import type { Hub } from '../support/hub.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { startNetworkLink } from '../support/network-cut.ts';
import { contextsOf, openSender } from '../support/sender.ts';

const CUT_SECONDS = Number(process.env['CDIP_CUT_SECONDS'] ?? '20');
const skip = missingPeer('nats-server');

interface Row {
  readonly trust: string;
  readonly equal: boolean | null;
  readonly comparedAt: string | null;
  readonly here: { studies: number; instances: number };
  readonly there: { studies: number; instances: number } | null;
}

async function rowOf(hub: Hub): Promise<Row | undefined> {
  const { body } = await hub.api<{ trusts: Row[] }>('/api/completeness');
  return body.trusts.find(({ trust }) => trust === 'RRK');
}

async function untilEqual(hub: Hub, instances: number): Promise<Row> {
  return eventually(
    `the hub equals RRK with ${instances} instances`,
    async () => {
      const row = await rowOf(hub);
      return row?.equal === true && row.here.instances === instances ? row : undefined;
    },
    { timeoutMs: 90_000, everyMs: 250 },
  );
}

for (const kind of ['cut', 'stall'] as const) {
  t.test(`the link to the hub is ${kind}`, { skip, timeout: 900_000 }, async (t) => {
    const natsPort = await freePort();
    const link = await startNetworkLink({ targetPort: natsPort });
    const publicUrl = `nats://127.0.0.1:${link.port}`;
    const network = await startNetwork({
      directory: t.testdir(),
      trusts: ['RRK'],
      withPacs: false,
      hubConfig: { nats: { embedded: true, port: natsPort, publicUrl } },
    });
    t.teardown(async () => {
      await link.stop();
      await network.stop();
    });
    const { hub } = network;
    const port = network.site('RRK').edge.dicomPort;
    const before = ctSeries(20, 10_000);
    await sendAll(port, before);
    await untilEqual(hub, before.length);

    if (kind === 'cut') link.cut();
    else link.stall();
    const until = performance.now() + CUT_SECONDS * 1000;
    let during = 0;
    while (performance.now() < until) {
      const series = ctSeries(10, 10_000);
      await sendAll(port, series);
      during += series.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    t.ok(during > 0, `${during} objects were taken meanwhile`);
    t.equal((await rowOf(hub))?.here.instances, before.length, 'the hub could not know of them');

    link.mend();
    const row = await untilEqual(hub, before.length + during);
    t.match(row.comparedAt, /^\d{4}-\d\d-\d\dT.*Z$/);
    t.strictSame(row.there, { ...row.here });
  });
}

/** @throws when any of them is not answered with success */
async function sendAll(port: number, series: ReturnType<typeof ctSeries>): Promise<void> {
  const sender = await openSender({ port, contexts: contextsOf(series) });
  for (const object of series) {
    const status = await sender.store(object);
    if (status !== 0) throw new Error(`refused with ${status.toString(16)}`);
  }
  await sender.release();
}
