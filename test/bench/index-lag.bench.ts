/**
 * `cdip bench index-lag`: from the C-STORE response to visible at the hub, at 200 and 650 instances a
 * second. Each measured instance begins a study of its own, so that its being there can be asked for;
 * the others grow a study, as a scanner's do. Visible means that GET /api/studies/{uid} answers 200.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Hub } from '../support/hub.ts';
import { startNetwork } from '../support/network.ts';
import type { Part10 } from '../support/part10.ts';
import { contextsOf, openSender, type Sender } from '../support/sender.ts';
import { ctSeries } from './ct-series.ts';
import { percentile, rounded, say, tell } from './result.ts';

const SECONDS = 30;
const SENDERS = 4;
const PIXEL_BYTES = 20_000;
/** Of the instances, one in so many begins a study that is looked for. */
const MEASURED_EVERY = 20;

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const network = await startNetwork({ directory, trusts: ['RRK'], withPacs: false });
  try {
    const port = network.site('RRK').edge.dicomPort;
    const at200 = await measure(network.hub, port, 200);
    const at650 = await measure(network.hub, port, 650);
    tell(
      {
        name: 'index-lag',
        value: at200.p99Seconds,
        unit: 's (p99 at 200 instances/s)',
        runs: 1,
        at200,
        at650,
      },
      json,
    );
  } finally {
    await network.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Lag {
  readonly p50Seconds: number;
  readonly p99Seconds: number;
  readonly measured: number;
  readonly instancesPerSecond: number;
}

async function measure(hub: Hub, port: number, rate: number): Promise<Lag> {
  const lags: number[] = [];
  const waiting: Promise<void>[] = [];
  const begin = performance.now();
  let sent = 0;
  const sendOne = async (sender: Sender, growing: Part10[]): Promise<void> => {
    const isMeasured = sent % MEASURED_EVERY === 0;
    sent += 1;
    const object = isMeasured ? ctSeries(1, PIXEL_BYTES)[0] : growing.pop();
    if (object === undefined) return;
    const status = await sender.store(object);
    if (status !== 0) throw new Error(`status ${status.toString(16)}`);
    if (isMeasured)
      waiting.push(untilVisible(hub, studyOf(object)).then((ms) => void lags.push(ms)));
  };
  const work = async (): Promise<void> => {
    let growing = ctSeries(60, PIXEL_BYTES);
    const sender = await openSender({ port, contexts: contextsOf(growing) });
    while (performance.now() - begin < SECONDS * 1000) {
      if (growing.length === 0) growing = ctSeries(60, PIXEL_BYTES);
      const aheadMs = (sent / rate) * 1000 - (performance.now() - begin);
      if (aheadMs > 0) await new Promise((resolve) => setTimeout(resolve, aheadMs));
      await sendOne(sender, growing);
    }
    await sender.release();
  };
  await Promise.all(Array.from({ length: SENDERS }, work));
  const instancesPerSecond = rounded(sent / ((performance.now() - begin) / 1000), 0);
  await Promise.all(waiting);
  const lag = {
    p50Seconds: rounded(percentile(lags, 0.5) / 1000, 3),
    p99Seconds: rounded(percentile(lags, 0.99) / 1000, 3),
    measured: lags.length,
    instancesPerSecond,
  };
  say(`at ${rate}/s: ${JSON.stringify(lag)}`);
  return lag;
}

/** Study Instance UID, from the data set that ctSeries made. */
function studyOf({ dataSet }: Part10): string {
  const at = dataSet.indexOf(Buffer.from('20000d00', 'hex'));
  const length = dataSet.readUInt16LE(at + 6);
  return dataSet.toString('latin1', at + 8, at + 8 + length).replace(/\0$/, '');
}

/** Milliseconds from now until the hub shows the study. */
async function untilVisible(hub: Hub, study: string): Promise<number> {
  const start = performance.now();
  for (;;) {
    const { status } = await hub.api(`/api/studies/${study}`);
    if (status === 200) return performance.now() - start;
    if (performance.now() - start > 60_000) throw new Error('not visible within 60 s');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
