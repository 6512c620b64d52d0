/** A radiologist marks a study for teaching; a colleague of another trust reads it, looks at its images, then at the answer. */
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import t from 'tap';
import { filesOf, STUDIES } from '../../demo/studies.ts';
import { PEOPLE } from '../../demo/trusts.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { concern } from '../support/concern.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';
import { sendFiles } from '../support/send-files.ts';

const skip = missingPeer('chromium', 'nats-server');
const PATIENCE_MS = 120_000;
const WIDTHS = [390, 1280, 1920];
const ANSWER = 'No haemorrhage: the hyperdense line is the falx.';

t.test('teaching files', { skip, timeout: 600_000 }, async (t) => {
  const directory = t.testdir({ 'sensitive.txt': '' });
  const network = await startNetwork({
    ...{ directory, trusts: ['RRK', 'RJE'], withPacs: false },
    edgeConfig: (trust) => ({
      secondaryUse: { sensitiveFile: join(directory, 'sensitive.txt') },
      projects: [
        {
          ...{ name: 'teaching', purpose: 'teaching', approval: 'Caldicott 7' },
          ...{ expires: '2099-12-31', destination: 'teaching-collection', profile: 'basic' },
          keyFile: join(directory, `${trust}.key`),
        },
      ],
    }),
  });
  t.teardown(() => network.stop());
  const { hub } = network;
  const study = STUDIES.find(({ key }) => key === 'ct-1');
  if (study === undefined) throw new Error('the demo has a CT');
  await sendFiles(
    network.site(study.ods).edge.dicomPort,
    await filesOf(study, join(directory, 'files')),
  );
  await eventually('the hub has it', async () => {
    const { body } = await hub.api<{ total: number }>('/api/studies');
    return body.total === 1;
  });
  for (const trust of ['RRK', 'RJE']) await concern(hub, trust, PEOPLE.amara.nhsNumber);

  const browser = await openChromium();
  t.teardown(() => browser.close());
  const signedIn = async (name: string, trust: string): Promise<[BrowserContext, Page]> => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.goto(hub.link(name, 'radiologist', trust));
    await page.getByRole('button', { name: /sign in/i }).click();
    await page.waitForURL((url) => url.pathname === '/');
    return [context, page];
  };
  const accessible = async (page: Page, what: string): Promise<void> => {
    t.strictSame(await accessibilityFaults(page), [], `${what} has no fault of accessibility`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: join(directory, `${what}-${width}.png`.replaceAll(' ', '-')) });
      const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      t.ok(Number(over) <= 0, `${what} is not wider than ${width} pixels`);
    }
    await page.setViewportSize({ width: 1280, height: 900 });
  };

  const [, author] = await signedIn('Dr Ada Okafor', 'RRK');
  await t.test('a note that tells who it is comes back, and what was written stays', async (t) => {
    await author.goto(`${hub.url}/studies/${study.studyInstanceUID}`);
    await author.getByRole('link', { name: 'Use for teaching' }).click();
    await author.getByLabel('Title').fill('Headache after a fall');
    await author.getByLabel('History and question').fill('Mrs Bennett fell. What do you see?');
    await author.getByLabel('Answer and teaching points').fill(ANSWER);
    await author.getByLabel('Keywords').fill('head, trauma');
    await author.keyboard.press('Enter');
    await author.getByRole('alert').waitFor();
    t.match(await author.getByRole('alert').textContent(), /name/);
    t.equal(await author.getByLabel('Answer and teaching points').inputValue(), ANSWER);
    await accessible(author, 'the form with a fault');
    await author.getByLabel('History and question').fill('A fall. What do you see?');
    await author.getByLabel('Title').press('Enter');
    await author.getByRole('heading', { name: 'Headache after a fall' }).waitFor();
  });

  const [, reader] = await signedIn('Dr Kofi Osei', 'RJE');
  await t.test('a colleague finds it once it is published, without its answer', async (t) => {
    await eventually(
      'it is listed',
      async () => {
        await reader.goto(`${hub.url}/teaching?q=headache`);
        return (await reader.getByRole('link', { name: 'Headache after a fall' }).count()) === 1;
      },
      { timeoutMs: PATIENCE_MS },
    );
    await accessible(reader, 'the collection');
    await reader.getByRole('link', { name: 'Headache after a fall' }).press('Enter');
    await reader.getByRole('heading', { name: 'Question' }).waitFor();
    t.notMatch(await reader.content(), /falx|Bennett/);
    await accessible(reader, 'a teaching file');
  });

  await t.test('its images are shown in the viewer, without the patient', async (t) => {
    const address = reader.url();
    await reader.getByRole('link', { name: 'Open the images' }).press('Enter');
    await reader.waitForURL(/\/viewer\//);
    const tones = `(() => {
      const area = ({ width, height }) => width * height;
      const [canvas] = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a));
      if (!canvas) return 0;
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      return new Set(new Uint32Array(data.buffer)).size;
    })()`;
    const isShown = async (): Promise<boolean> => Number(await reader.evaluate(tones)) > 8;
    await eventually('a slice is shown', isShown, { timeoutMs: PATIENCE_MS, everyMs: 500 });
    t.notMatch(await reader.textContent('body'), /Bennett|9990000018|104233/);
    await reader.goto(address);
  });

  await t.test('the answer is shown when it is asked for', async (t) => {
    await reader.getByRole('link', { name: 'Show the answer' }).press('Enter');
    await reader.getByText(ANSWER).waitFor();
    await accessible(reader, 'a teaching file with its answer');
    t.equal(await reader.getByText('Withdraw it').count(), 0, 'it is not theirs to withdraw');
  });
});
