/**
 * A radiologist signs in, finds a patient over all trusts, opens another trust's record in an emergency, fetches a study
 * and sees it arrive; the privacy officer of that trust is told, and reviews it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, pixelElements } from '../../demo/phantom/modules.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { storescu } from '../support/dcmtk.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startNetwork } from '../support/network.ts';

const CT_IMAGE_STORAGE = '1.2.840.10008.5.1.4.1.1.2';
const STUDY = '2.25.771';
const NHS_NUMBER = '9990000018';

/** Two slices of a patient who is known at both trusts. */
function slices(institution: string, study: string, patientId: string, issuer: string): Buffer[] {
  const patient = {
    ...{ patientId, issuer, nhsNumber: NHS_NUMBER, name: 'Phantom^Peter' },
    ...{ birthDate: '19580131', sex: 'M' as const },
  };
  return [1, 2].map((number) => {
    const instanceUID = `${study}.1.${number}`;
    const dataSet = encodeDataSet([
      ...commonElements({
        study: {
          ...{ studyInstanceUID: study, date: '20260314', time: '101500', institution, patient },
          ...{ accessionNumber: 'A771', description: 'CT head' },
        },
        series: {
          ...{ seriesInstanceUID: `${study}.1`, number: 1, modality: 'CT' },
          ...{ description: 'Axial', bodyPart: 'HEAD' },
        },
        sopClassUID: CT_IMAGE_STORAGE,
        sopInstanceUID: instanceUID,
        instanceNumber: number,
      }),
      ...pixelElements({
        ...{ rows: 64, columns: 64, bitsAllocated: 16, bitsStored: 12, signed: false },
        ...{ samples: 1, photometric: 'MONOCHROME2', data: Buffer.alloc(64 * 64 * 2, number) },
      }),
    ]);
    return encodePart10(dataSet, { classUID: CT_IMAGE_STORAGE, instanceUID });
  });
}

const skip = missingPeer('chromium', 'Orthanc', 'nats-server', 'storescu');

t.test('find, fetch, and see it arrive', { skip, timeout: 300_000 }, async (t) => {
  const directory = t.testdir();
  const network = await startNetwork({ directory, trusts: ['RRK', 'RJE'] });
  t.teardown(() => network.stop());
  const send = async (trust: string, objects: Buffer[]): Promise<void> => {
    const files = objects.map((bytes, at) => {
      const file = join(directory, `${trust}-${at}.dcm`);
      writeFileSync(file, bytes);
      return file;
    });
    t.equal((await storescu(network.site(trust).edge.called, files)).code, 0);
  };
  await send('RRK', slices('Trust RRK', STUDY, 'RRK1', 'RRK'));
  await send('RJE', slices('Trust RJE', '2.25.772', 'RJE9', 'RJE'));
  await eventually('the hub has both', async () => {
    const { body } = await network.hub.api<{ total: number }>(
      `/api/studies?nhsNumber=${NHS_NUMBER}`,
    );
    return body.total === 2;
  });
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  const accessible = async (what: string): Promise<void> => {
    t.strictSame(await accessibilityFaults(page), [], `${what} has no fault of accessibility`);
  };

  const look = async (name: string): Promise<void> => {
    const folder = process.env['CDIP_SCREENSHOTS'];
    if (folder === undefined) return;
    for (const width of [390, 1_280]) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: `${folder}/${name}-${width}.png`, fullPage: true });
    }
  };

  await page.goto(network.hub.link('Dr Ada Okafor', 'radiologist', 'RJE'));
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.waitForSelector('h1:has-text("Find a patient")');
  await accessible('the first page');
  await page.getByLabel('NHS number').fill('999 000 0018');
  await page.getByRole('button', { name: 'Find imaging' }).click();
  await page.waitForSelector('h1:has-text("PHANTOM")');
  t.match(await page.content(), />1 study</, 'her own trust’s');
  t.match(await page.locator('[data-withheld]').innerText(), /1 study not shown/);
  await accessible('the list of studies');
  await look('withheld');
  await page.getByRole('button', { name: 'Open in an emergency' }).click();
  await page.waitForSelector('h1:has-text("Open a record in an emergency")');
  t.notMatch(page.url(), NHS_NUMBER, 'who it is about is in no address');
  await accessible('the reason');
  await page.getByRole('button', { name: 'Open the record' }).click();
  await page.waitForSelector('h2:has-text("There is a problem")');
  await accessible('the reason, missing');
  await look('reason');
  await page.getByLabel('The patient is in danger').check();
  await page.getByLabel('In a few words').fill('Collapsed in the scanner room');
  await page.getByRole('button', { name: 'Open the record' }).click();
  await page.waitForSelector('h1:has-text("Opened in an emergency")');
  t.equal(await page.locator('[data-opened] li').count(), 2);
  await accessible('what was opened');
  await look('opened');
  await page.goto(`${network.hub.url}/?by=nhs&nhsNumber=${NHS_NUMBER}`);
  t.match(await page.content(), /2 studies/);
  await page.locator(`a.cdip-fetch[href*="${STUDY}/fetch"]`).click();
  await accessible('the order');
  await page.getByRole('button', { name: 'Fetch', exact: true }).click();
  await page.waitForURL(/\/fetches\//);
  // Live: the page is not loaded again.
  await page.evaluate('globalThis.notLoadedAgain = true');
  await page.waitForSelector('[data-part=state]:has-text("Available")', { timeout: 60_000 });
  t.equal(await page.evaluate('globalThis.notLoadedAgain'), true, 'it came by itself');
  await accessible('the fetch');
  t.strictSame(await network.site('RJE').pacs?.sopInstanceUIDs(STUDY), [
    `${STUDY}.1.1`,
    `${STUDY}.1.2`,
  ]);

  await t.test('the patient is the local one, found by the NHS number', async (t) => {
    const file = join(directory, 'back.dcm');
    writeFileSync(file, (await network.site('RJE').pacs?.file(`${STUDY}.1.1`)) ?? Buffer.alloc(0));
    t.ok(readFileSync(file).includes('RJE9'));
  });
  await page.goto(`${network.hub.url}/completeness`);
  await accessible('completeness');

  await t.test('both trusts are told, and the officer of the other one reviews it', async (t) => {
    await eventually('both are told', async () => {
      const { body } = await network.hub.api<{ alerts: { trust: string; signal: string }[] }>(
        '/api/alerts?state=open',
      );
      const told = body.alerts.filter(({ signal }) => signal === 'glassReview');
      return (
        told
          .map(({ trust }) => trust)
          .toSorted()
          .join() === 'RJE,RRK'
      );
    });
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.goto(network.hub.link('Priscilla Vane', 'privacy', 'RRK'));
    await page.getByRole('button', { name: /sign in/i }).click();
    await page.getByRole('link', { name: 'Privacy' }).click();
    await page.waitForSelector('text=Collapsed in the scanner room');
    t.match(await page.locator('main').innerText(), /Dr Ada Okafor, radiologist at Trust RJE/);
    await accessible('what has to be reviewed');
    await look('privacy');
    await page.getByLabel('What you found').fill('She was on call');
    await page.getByRole('button', { name: 'It was right to look' }).click();
    await page.waitForSelector('text=Nothing waits for a review.');
    await page.getByRole('link', { name: 'Restricted records' }).click();
    await page.waitForSelector('h1:has-text("Restricted records")');
    await accessible('restricted records');
    await look('restrictions');
    await page.getByLabel('Local patient number').fill('RRK1');
    await page.getByLabel('Never at other trusts').check();
    await page.getByLabel('Why', { exact: true }).fill('As the patient asked');
    await page.getByRole('button', { name: 'Set it' }).click();
    await page.waitForSelector('text=Patient RRK1 of Trust RRK');
    const { body } = await network.hub.api<{ total: number }>(
      `/api/studies?nhsNumber=${NHS_NUMBER}`,
    );
    t.equal(body.total, 1, 'machines are not given it any more');
  });
});
