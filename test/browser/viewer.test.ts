/** A radiologist opens another trust's images in the viewer, of every kind; an edge stops half way, and comes back. */
import { join } from 'node:path';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { PEOPLE } from '../../demo/trusts.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { concern } from '../support/concern.ts';
import { eventually } from '../support/eventually.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { startNetworkLink } from '../support/network-cut.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('chromium', 'nats-server');
/** On a machine that does much else. */
const PATIENCE_MS = 120_000;

/** How many greys or colours the middle of the largest canvas has. */
const TONES = `(() => {
  const area = ({ width, height }) => width * height;
  const [canvas] = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a));
  if (!canvas) return 0;
  const { width, height } = canvas;
  const { data } = canvas.getContext('2d').getImageData(width / 4, height / 4, width / 2, height / 2);
  return new Set(new Uint32Array(data.buffer)).size;
})()`;

/** A CT, a radiograph, a clip of many frames, and a CT in three compressed forms. */
const KEYS = ['ct-1', 'dx-2', 'us-4', 'ct-8'];
const REPORT = hl7Message({
  type: 'ORU^R01',
  segments: [
    'PID|1||104233^^^RRK^MR~9990000018^^^NHS^NH||Bennett^Amara^Grace||19580131|F',
    'OBR|1|P1|RRK00001|CTHEA^CT head||||||||||||||||||20260911120000|||F',
    'OBX|1|TX|X||No haemorrhage, no mass.||||||F',
  ],
});

const studyOf = (key: string) => {
  const found = STUDIES.find((study) => study.key === key);
  if (found === undefined) throw new Error(`no study ${key}`);
  return found;
};

t.test('images of another trust in the viewer', { skip, timeout: 900_000 }, async (t) => {
  const directory = t.testdir();
  // The way from the hub to the edge at RRK: slow enough that it can stop half way.
  const way = { targetPort: 0, delayMs: 5 };
  const link = await startNetworkLink(way);
  t.teardown(() => link.stop());
  const network = await startNetwork({
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: (trust) =>
      trust === 'RRK' ? { http: { publicUrl: `http://127.0.0.1:${link.port}` } } : {},
  });
  way.targetPort = Number(new URL(network.site('RRK').edge.url).port);
  t.teardown(() => network.stop());
  const { hub } = network;
  for (const key of KEYS) {
    const { ods, ...study } = studyOf(key);
    const paths = await filesOf({ ods, ...study }, join(directory, 'files'));
    await sendFiles(network.site(ods).edge.dicomPort, paths);
  }
  await eventually('the hub has all', async () => {
    const { body } = await hub.api<{ total: number; studies: { quiet: boolean }[] }>(
      '/api/studies',
    );
    return body.total === KEYS.length && body.studies.every(({ quiet }) => quiet);
  });
  for (const { nhsNumber } of [PEOPLE.amara, PEOPLE.priya]) await concern(hub, 'RJE', nhsNumber);
  const ris = await Hl7Sender.open(network.site('RRK').edge.hl7Port);
  await ris.send(REPORT);
  ris.end();
  const signIn = hub.link('Dr Ada Okafor', 'radiologist', 'RJE');
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(PATIENCE_MS);
  const outside: string[] = [];
  const broken: string[] = [];
  page.on('request', (request) => {
    const url = request.url();
    if (!url.startsWith(`${hub.url}/`) && !/^(blob|data):/.test(url)) outside.push(url);
  });
  page.on('pageerror', (error) => broken.push(error.message));
  /** Slices of the CT that have come. */
  const frames = new Set<string>();
  const ctPath = `/studies/${studyOf('ct-1').studyInstanceUID}/`;
  page.on('response', (answer) => {
    const isSlice = answer.url().includes(ctPath) && /\/frames\/\d+/.test(answer.url());
    if (isSlice && answer.status() === 200) frames.add(answer.url());
  });
  const tones = async (): Promise<number> => (await page.evaluate(TONES)) as number;
  const imageShown = (what: string) =>
    eventually(what, async () => (await tones()) > 8, { timeoutMs: PATIENCE_MS, everyMs: 500 });
  const open = async (key: string): Promise<void> => {
    await page.goto(`${hub.url}/studies/${studyOf(key).studyInstanceUID}`);
    await page.getByRole('link', { name: 'Open the images' }).click();
    await page.waitForURL(/\/viewer\//);
    await imageShown(`${key} is shown`);
  };

  /** By the wheel, until the last image is shown. */
  const scrollTo = async (last: string): Promise<void> => {
    const box = await page.locator('canvas').last().boundingBox();
    await page.mouse.move((box?.x ?? 0) + 200, (box?.y ?? 0) + 200);
    await eventually(
      `${last} is reached`,
      async () => {
        await page.mouse.wheel(0, 100);
        return (await page.getByText(`(${last})`).count()) > 0;
      },
      { timeoutMs: PATIENCE_MS, everyMs: 100 },
    );
  };
  const scrollToEnd = async (): Promise<void> => {
    await scrollTo('36/36');
    await eventually('every slice has come', () => frames.size === 36, { timeoutMs: PATIENCE_MS });
  };

  await page.goto(signIn);
  await page.getByRole('button').first().click();

  await t.test('the study’s page shows its series and is accessible', async (t) => {
    await page.goto(`${hub.url}/studies/${studyOf('ct-1').studyInstanceUID}`);
    await eventually('the thumbnail is there', async () =>
      Boolean(await page.evaluate(`document.querySelector('[data-thumbnail]').naturalWidth > 50`)),
    );
    t.strictSame(await accessibilityFaults(page), []);
    for (const width of [1280, 768, 360]) {
      await page.setViewportSize({ width, height: 900 });
      const overflow = Number(
        await page.evaluate('document.documentElement.scrollWidth - innerWidth'),
      );
      t.ok(overflow <= 0, `nothing is cut off at ${width} pixels`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  });

  await t.test(
    'all slices of a CT are scrolled through; priors of the other trust are listed',
    async (t) => {
      frames.clear();
      await open('ct-1');
      t.ok(
        await page.getByText('Chest PA').count(),
        'the radiograph of the other trust is beside it',
      );
      await scrollToEnd();
      t.equal(frames.size, 36, 'every slice came');
      t.ok((await tones()) > 8, 'the last one has an image');
    },
  );

  await t.test('the report is beside the images, and can be closed', async (t) => {
    await open('ct-1');
    const reports = page.getByRole('region', { name: 'Reports' });
    await reports.getByText('No haemorrhage, no mass.').waitFor();
    t.match(await reports.textContent(), /Final/);
    await reports.getByRole('button', { name: 'Close the reports' }).press('Enter');
    await reports.getByRole('button', { name: 'Reports (1)' }).waitFor();
  });

  await t.test('a radiograph, and all frames of a clip', async () => {
    await open('dx-2');
    await open('us-4');
    await scrollTo('24/24');
    await imageShown('its last frame');
  });

  await t.test('each compressed series is shown', async (t) => {
    await open('ct-8');
    const series = page.locator('[data-cy="study-browser-thumbnail"]');
    for (const form of ['JPEG-LS', 'JPEG 2000', 'JPEG Lossless']) {
      await series.filter({ hasText: form }).first().dblclick();
      await scrollTo('8/8');
      await imageShown(form);
      t.pass(form);
    }
  });

  await t.test(
    'an edge that stops half way is named, and the images come when it is back',
    async (t) => {
      const { edge } = network.site('RRK');
      frames.clear();
      const before = link.bytes;
      const uid = studyOf('ct-1').studyInstanceUID;
      await page.goto(`${hub.url}/viewer/viewer?StudyInstanceUIDs=${uid}`);
      await eventually('some slices came', () => link.bytes - before > 1_500_000, {
        timeoutMs: PATIENCE_MS,
        everyMs: 5,
      });
      await edge.kill9();
      const notice = page.locator('#cdip-notice');
      await notice.filter({ hasText: 'Trust RRK (RRK)' }).waitFor();
      t.match(await notice.textContent(), /does not answer.*asked again/);
      t.ok(frames.size < 36, 'not all of them had come');
      await edge.start();
      await notice.filter({ hasText: 'answers again' }).waitFor();
      await scrollToEnd();
      await imageShown('the images go on');
    },
  );

  t.strictSame(outside, [], 'no other host was asked for anything');
  t.strictSame(broken, [], 'no script failed');
});
