/**
 * `cdip bench first-image`: from the click on "Open the images" to the first image in Chromium, of a study at
 * another trust over 100 Mb/s and 20 ms, against one as large at a trust without delay, in turns. And DICOMweb
 * alone, as a viewer asks it: metadata of the series, then the first frame.
 *
 * The line is a TCP proxy between hub and edge with rate and delay: connections that are open already cost no
 * round trip on it, as they do not in the product, which keeps them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { head } from '../../demo/phantom/anatomy.ts';
import { ctSlices } from '../../demo/phantom/cross-section.ts';
import type { PhantomStudy } from '../../demo/phantom/modules.ts';
import { patientAt } from '../../demo/trusts.ts';
import { openChromium } from '../support/browser.ts';
import { cdipDone } from '../support/cdip.ts';
import { startDelayProxy } from '../support/delay-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { readPart10 } from '../support/part10.ts';
import { contextsOf, openSender } from '../support/sender.ts';
import { newUID } from './ct-series.ts';
import { median, rounded, say, tell } from './result.ts';

const SLICES = 300;
const RUNS = 5;
const LINE = { roundTripMs: 20, megabitsPerSecond: 100 };
const FAR = 'RRK';
const NEAR = 'RJE';

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const port = await freePort();
  const network = await startNetwork({
    ...{ directory, trusts: [FAR, NEAR], withPacs: false },
    edgeConfig: (trust) =>
      trust === FAR ? { http: { publicUrl: `http://127.0.0.1:${port}` } } : {},
  });
  const edgePort = Number(new URL(network.site(FAR).edge.url).port);
  const proxy = await startDelayProxy(edgePort, LINE.roundTripMs, { ...LINE, port });
  try {
    const studies = { far: await store(network, FAR), near: await store(network, NEAR) };
    const key = await network.hub.key('bench', 'radiologist');
    const web = await measureWeb(network.hub.url, key, studies);
    const seen = await measureBrowser(network, studies);
    const ratio = rounded(median(seen.far) / median(seen.near));
    tell(
      {
        ...{ name: 'first-image', value: rounded(median(seen.far) / 1_000), unit: 's' },
        ...{ ratio, against: 'the same without delay', runs: RUNS, slices: SLICES },
        nearSeconds: rounded(median(seen.near) / 1_000),
        firstFrameMs: rounded(median(web.far), 0),
        firstFrameNearMs: rounded(median(web.near), 0),
        line: `${LINE.megabitsPerSecond} Mb/s, ${LINE.roundTripMs} ms`,
      },
      json,
    );
  } finally {
    await network.stop();
    await proxy.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Studies<T> {
  readonly far: T;
  readonly near: T;
}

async function store(network: Network, trust: string): Promise<string> {
  const study = studyAt(trust);
  const series = phantomOf(study).map(readPart10);
  const { dicomPort } = network.site(trust).edge;
  const sender = await openSender({ port: dicomPort, contexts: contextsOf(series) });
  for (const object of series) await sender.store(object);
  await sender.release();
  const { studyInstanceUID } = study;
  await eventually(
    'the hub knows the study',
    async () => {
      const path = `/api/studies/${studyInstanceUID}`;
      const { body } = await network.hub.api<{ numberOfInstances?: number }>(path);
      return body.numberOfInstances === SLICES;
    },
    { timeoutMs: 120_000 },
  );
  return studyInstanceUID;
}

function studyAt(trust: string): PhantomStudy {
  return {
    studyInstanceUID: newUID(),
    ...{ date: '20260911', time: '101500', accessionNumber: `A${trust}`, description: 'CT head' },
    institution: `Trust ${trust}`,
    patient: patientAt('amara', trust),
  };
}

function phantomOf(study: PhantomStudy): Buffer[] {
  const series = { seriesInstanceUID: `${study.studyInstanceUID}.1`, number: 1 };
  const named = { modality: 'CT', description: 'Axial 0.6 mm', bodyPart: 'HEAD' };
  return [
    ...ctSlices({
      ...{ study, series: { ...series, ...named }, anatomy: head(1), slices: SLICES },
      ...{ spacingMm: 0.6, size: 512, pixelMm: 0.46, windowCentre: 40, windowWidth: 80 },
    }),
  ];
}

/** Milliseconds from the request for the series' metadata to the last byte of its first frame. */
async function measureWeb(
  hubUrl: string,
  key: string,
  studies: Studies<string>,
): Promise<Studies<number[]>> {
  const headers = { authorization: `Bearer ${key}` };
  const took: Studies<number[]> = { far: [], near: [] };
  for (let run = 0; run < RUNS; run += 1)
    for (const where of ['far', 'near'] as const) {
      const study = `${hubUrl}/dicom-web/studies/${studies[where]}`;
      const begin = performance.now();
      const metadata = await fetch(`${study}/series/${studies[where]}.1/metadata`, { headers });
      const [first] = (await metadata.json()) as Record<string, { Value?: string[] }>[];
      const uid = first?.['00080018']?.Value?.[0];
      const accept = 'multipart/related; type=application/octet-stream; transfer-syntax=*';
      const frame = await fetch(`${study}/series/${studies[where]}.1/instances/${uid}/frames/1`, {
        headers: { ...headers, accept },
      });
      await frame.arrayBuffer();
      took[where].push(performance.now() - begin);
    }
  return took;
}

/** How many greys the largest canvas has. */
const TONES = `(() => {
  const area = ({ width, height }) => width * height;
  const [canvas] = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a));
  if (!canvas || area(canvas) === 0) return 0;
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(width / 4, height / 4, width / 2, height / 2);
  return new Set(new Uint32Array(data.buffer)).size;
})()`;

async function measureBrowser(
  network: Network,
  studies: Studies<string>,
): Promise<Studies<number[]>> {
  const { hub } = network;
  const account = ['hub', 'user', 'add', 'Dr Bench', '--role', 'radiologist', '--trust', NEAR];
  const signIn = await cdipDone([...account, '--config', hub.configFile]);
  const browser = await openChromium();
  const took: Studies<number[]> = { far: [], near: [] };
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(120_000);
    await page.goto(signIn);
    await page.getByRole('button').first().click();
    // The first opening fills the browser's cache with the viewer itself.
    for (let run = 0; run <= RUNS; run += 1)
      for (const where of ['far', 'near'] as const) {
        const ms = await open(page, `${hub.url}/studies/${studies[where]}`);
        say(`${where}: ${rounded(ms / 1_000)} s${run === 0 ? ' (not counted)' : ''}`);
        if (run > 0) took[where].push(ms);
      }
  } finally {
    await browser.close();
  }
  return took;
}

async function open(page: Page, address: string): Promise<number> {
  await page.goto(address);
  const begin = performance.now();
  await page.getByRole('link', { name: 'Open the images' }).click();
  await page.waitForURL(/\/viewer\//);
  const shown = async (): Promise<boolean> => Number(await page.evaluate(TONES)) > 8;
  await eventually('the first image is shown', shown, { timeoutMs: 120_000, everyMs: 20 });
  return performance.now() - begin;
}
