/** The page of an edge as its trust's engineer uses it, by keyboard; looked at as a phone, a laptop and a wall show it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import t from 'tap';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { echoscu } from '../support/dcmtk.ts';
import { startEdge } from '../support/edge.ts';
import { eventually } from '../support/eventually.ts';
import { Hl7Sender, hl7Message } from '../support/hl7.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { writePart10 } from '../support/part10.ts';
import { sendFiles } from '../support/send-files.ts';
import {
  CT_IMAGE_STORAGE,
  dataSetOf,
  EXPLICIT_LITTLE_ENDIAN,
  smallObject,
} from '../support/storage-fixture.ts';

const WIDTHS = { phone: 390, laptop: 1280, wall: 2560 } as const;

async function press(control: Locator): Promise<void> {
  await control.focus();
  await control.press('Enter');
}

/** Follows Tab from the top. @returns what is reached, by accessible name */
async function reachedByTab(page: Page, steps: number): Promise<string[]> {
  const names: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    await page.keyboard.press('Tab');
    names.push(
      (await page.evaluate(
        'document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""',
      )) as string,
    );
  }
  return names;
}

t.test(
  'the edge’s page',
  { skip: missingPeer('chromium', 'echoscu'), timeout: 300_000 },
  async (t) => {
    const directory = t.testdir();
    const peers = [
      { name: 'main-pacs', aeTitle: 'PACS', host: '127.0.0.1', port: 9, role: 'pacs' },
    ];
    const edge = await startEdge({
      ...{ directory, trust: 'RRK' },
      config: { peers, crawl: { enabled: false } },
    });
    t.teardown(() => edge.stop());
    const browser = await openChromium();
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    const folder = process.env['CDIP_PICTURES'] ?? directory;

    await t.test(
      'an object of another patient waits for a decision, and is filed by it',
      async (t) => {
        const other = { PatientID: 'MRN2', PatientName: 'Phantom^Two' };
        const objects = [smallObject(1), smallObject(2, other)];
        const files = objects.map((object, at) => {
          const { SOPInstanceUID: sopInstanceUID = '' } = object;
          const uids = { sopInstanceUID, sopClassUID: CT_IMAGE_STORAGE };
          const file = join(directory, `${at}.dcm`);
          const dataSet = dataSetOf(object);
          writeFileSync(
            file,
            writePart10({ ...uids, transferSyntaxUID: EXPLICIT_LITTLE_ENDIAN, dataSet }),
          );
          return file;
        });
        await sendFiles(edge.dicomPort, files);
        await page.goto(edge.url);
        t.match(
          await page.locator('main').textContent(),
          /PATIENT_MISMATCH: names another patient/,
        );
        await press(page.getByRole('button', { name: /^File it/ }));
        await page.getByText('The object was filed.').waitFor();
        t.match(
          await page.locator('main').textContent(),
          /1 conflicts that a person has to look at/,
        );
        t.equal(edge.spoolFiles().length, 2);
      },
    );

    await t.test('a destination is held and released', async (t) => {
      await press(page.getByRole('button', { name: 'Hold: main-pacs' }));
      await page.getByText(/main-pacs is held by a person since/).waitFor();
      await press(page.getByRole('button', { name: 'Release: main-pacs' }));
      await page.getByText('Released: what waited goes on.').waitFor();
      t.notMatch(await page.locator('main').textContent(), /is held by a person/);
    });

    await t.test('before a stop nobody new is let in', async (t) => {
      t.equal((await echoscu(edge.called)).code, 0);
      await press(page.getByRole('button', { name: /^Let nobody new in/ }));
      await page.getByText(/Nobody new is let in since/).waitFor();
      t.match(await echoscu(edge.called), { code: 1, output: /Temporary Congestion/i });
      t.equal((await fetch(`${edge.url}/health/ready`)).status, 503);
      await press(page.getByRole('button', { name: /^Let callers in again/ }));
      await page.getByText('Callers are let in again.').waitFor();
      t.equal((await echoscu(edge.called)).code, 0);
    });

    await t.test('a peer is added: what is wrong is said, what is right is in force', async (t) => {
      await press(page.getByRole('link', { name: 'Add a peer' }));
      await page.getByLabel('Name', { exact: false }).first().fill('archive');
      await page.getByLabel('AE title').fill('ARCHIVE');
      await page.getByLabel('Host').fill('127.0.0.1');
      await page.getByLabel('Port').fill('99999');
      await page.getByLabel('What it is').selectOption('archive');
      await press(page.getByRole('button', { name: 'Add it' }));
      t.match(await page.getByRole('alert').textContent(), /port/);
      t.strictSame(await accessibilityFaults(page), [], 'with its fault');
      t.notMatch(readFileSync(edge.configFile, 'utf8'), /ARCHIVE/);
      await page.getByLabel('Port').fill('11112');
      await press(page.getByRole('button', { name: 'Add it' }));
      await page.getByText('The peer was added.').waitFor();
      t.match(readFileSync(edge.configFile, 'utf8'), /name: archive/);
      await eventually('the edge works with it', async () => {
        const answer = await fetch(edge.url).catch(() => undefined);
        return (await answer?.text())?.includes('Hold: archive');
      });
      t.equal((await echoscu(edge.called)).code, 0);
    });

    await t.test('readable, and usable by keyboard, at every width', async (t) => {
      const sender = await Hl7Sender.open(edge.hl7Port);
      await sender.send(hl7Message({ type: 'ADT^A01', segments: ['PID|1||||'] }));
      sender.end();
      for (const [what, path] of [
        ['status', '/'],
        ['dead-letters', '/hl7'],
        ['add-peer', '/peers/new'],
        ['routes', '/routes?uid=2.999.7.1'],
      ] as const)
        for (const [device, width] of Object.entries(WIDTHS)) {
          await page.setViewportSize({ width, height: 900 });
          await page.goto(edge.url + path);
          const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
          t.ok((overflow as number) <= 0, `${what} fits a ${device}`);
          t.strictSame(await accessibilityFaults(page), [], `${what} on a ${device}`);
          await page.screenshot({
            path: join(folder, `edge-${what}-${device}.png`),
            fullPage: true,
          });
        }
      await page.goto(edge.url);
      const reached = await reachedByTab(page, 12);
      t.ok(reached.some((name) => name.startsWith('Let nobody new in')));
      t.ok(reached.some((name) => name.startsWith('Hold: ')));
    });
  },
);
