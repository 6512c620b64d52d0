/**
 * `cdip bench first-image`: from the click on "Open the images" to the first image in Chromium, of a study at
 * another trust over 100 Mb/s and 20 ms, against one as large at a trust without delay, in turns. And DICOMweb
 * alone, as a viewer asks it: metadata of the series, then the first frame.
 *
 *   Chromium ── hub, edge near ── TUN ── wan-forwarder.py ── TUN ── namespace B: edge far
 *
 * Each study is opened once: nothing of it is known to hub or edge from before. Only the viewer's own files are
 * in the browser's cache. Needs root.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openChromium } from '../support/browser.ts';
import { concern } from '../support/concern.ts';
import { eventually } from '../support/eventually.ts';
import { programPath } from '../support/missing-peer.ts';
import { type Network, startNetwork } from '../support/network.ts';
import { writePart10 } from '../support/part10.ts';
import { realCt } from './real-ct.ts';
import { median, rounded, say, tell } from './result.ts';
import { HOSTS, secondsOf, startWanLink, type WanLink } from './wan-link.ts';

const SLICES = 300;
const RUNS = 5;
const LINE = { mbitPerSecond: 100, delayMs: 10, isHere: true };
const FAR = 'RRK';
const NEAR = 'RJE';
/** Of real-ct.ts. */
/** Of all studies at a trust: real-ct.ts. */
const PATIENT = 'MRN1';

export async function run(json: boolean): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'cdip-bench-'));
  const link = await startWanLink(LINE);
  try {
    const network = await startNetworkOver(link, directory);
    try {
      await measure(network, { link, directory, json });
    } finally {
      await network.stop();
    }
  } finally {
    link.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function startNetworkOver(link: WanLink, directory: string): Promise<Network> {
  return startNetwork({
    ...{ directory, trusts: [FAR, NEAR], withPacs: false },
    hubAddress: HOSTS.a,
    placeOf: (trust) =>
      trust === FAR
        ? { host: HOSTS.b, within: (command, ...args) => link.on('b', command, ...args) }
        : {},
  });
}

async function measure(
  network: Network,
  { link, directory, json }: { link: WanLink; directory: string; json: boolean },
): Promise<void> {
  const opened: Studies<string[]> = { far: [], near: [] };
  const asked: Studies<string[]> = { far: [], near: [] };
  // The first opening fills the browser's cache with the viewer itself.
  for (const studies of [opened, asked])
    for (let run = 0; run <= RUNS; run += 1)
      for (const where of ['far', 'near'] as const)
        studies[where].push(await store(network, link, { where, directory }));
  await concern(network.hub, NEAR, { patientId: PATIENT, issuer: FAR });
  const key = network.hub.key('bench', 'radiologist');
  const web = await measureWeb(network.hub.url, key, asked);
  const seen = await measureBrowser(network, opened);
  const ratio = rounded(median(seen.far) / median(seen.near));
  tell(
    {
      ...{ name: 'first-image', value: rounded(median(seen.far) / 1_000), unit: 's' },
      ...{ ratio, against: 'the same without delay', runs: RUNS, slices: SLICES },
      nearSeconds: rounded(median(seen.near) / 1_000),
      firstFrameMs: rounded(median(web.far), 0),
      firstFrameNearMs: rounded(median(web.near), 0),
      line: `${LINE.mbitPerSecond} Mb/s, ${LINE.delayMs * 2} ms`,
    },
    json,
  );
}

interface Studies<T> {
  readonly far: T;
  readonly near: T;
}
type Where = keyof Studies<unknown>;

/** @returns its Study Instance UID, when the hub knows all of it */
async function store(
  network: Network,
  link: WanLink,
  { where, directory }: { where: Where; directory: string },
): Promise<string> {
  const { studyInstanceUID, objects } = realCt(SLICES);
  const folder = join(directory, 'files');
  mkdirSync(folder);
  for (const object of objects)
    writeFileSync(join(folder, `${object.sopInstanceUID}.dcm`), writePart10(object));
  const { dicomPort } = network.site(where === 'far' ? FAR : NEAR).edge;
  const side = where === 'far' ? 'b' : 'a';
  const storescu = [programPath('storescu'), '-xe', '+sd', '127.0.0.1', String(dicomPort), folder];
  await secondsOf(link.on(side, ...(storescu as [string])), { TCP_NODELAY: '1' });
  rmSync(folder, { recursive: true });
  await eventually(
    'the hub knows the study',
    async () => {
      const { body } = await network.hub.api<{ numberOfInstances?: number; quiet?: boolean }>(
        `/api/studies/${studyInstanceUID}`,
      );
      return body.numberOfInstances === SLICES && body.quiet;
    },
    { timeoutMs: 120_000 },
  );
  return studyInstanceUID;
}

/** Milliseconds from the request for the series' metadata to the last byte of its first frame. */
async function measureWeb(
  hubUrl: string,
  key: string,
  studies: Studies<string[]>,
): Promise<Studies<number[]>> {
  const headers = { authorization: `Bearer ${key}` };
  const took: Studies<number[]> = { far: [], near: [] };
  for (let run = 0; run <= RUNS; run += 1)
    for (const where of ['far', 'near'] as const) {
      const uid = studies[where][run];
      const series = `${hubUrl}/dicom-web/studies/${uid}/series/${uid}.1`;
      const begin = performance.now();
      const metadata = await fetch(`${series}/metadata`, { headers });
      const [first] = (await metadata.json()) as Record<string, { Value?: string[] }>[];
      const accept = 'multipart/related; type=application/octet-stream; transfer-syntax=*';
      const instance = first?.['00080018']?.Value?.[0];
      const frame = await fetch(`${series}/instances/${instance}/frames/1`, {
        headers: { ...headers, accept },
      });
      await frame.arrayBuffer();
      const ms = performance.now() - begin;
      say(`${where}, DICOMweb: ${rounded(ms, 0)} ms${run === 0 ? ' (not counted)' : ''}`);
      if (run > 0) took[where].push(ms);
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
  studies: Studies<string[]>,
): Promise<Studies<number[]>> {
  const { hub } = network;
  const signIn = hub.link('Dr Bench', 'radiologist', NEAR);
  const browser = await openChromium();
  const took: Studies<number[]> = { far: [], near: [] };
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(120_000);
    await page.goto(signIn);
    await page.getByRole('button').first().click();
    for (let run = 0; run <= RUNS; run += 1)
      for (const where of ['far', 'near'] as const) {
        const ms = await open(page, `${hub.url}/studies/${studies[where][run]}`);
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
