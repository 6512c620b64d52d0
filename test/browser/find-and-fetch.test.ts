/** A radiologist signs in, finds a patient over all trusts, fetches a study and sees it arrive. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { encodeDataSet, encodePart10 } from '../../demo/phantom/data-set.ts';
import { commonElements, pixelElements } from '../../demo/phantom/modules.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { cdipDone } from '../support/cdip.ts';
import { concern } from '../support/concern.ts';
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
  await concern(network.hub, 'RJE', NHS_NUMBER);
  const link = await cdipDone([
    ...['hub', 'user', 'add', 'Dr Ada Okafor', '--role', 'radiologist', '--trust', 'RJE'],
    ...['--config', network.hub.configFile],
  ]);
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const page = await browser.newPage();
  const accessible = async (what: string): Promise<void> => {
    t.strictSame(await accessibilityFaults(page), [], `${what} has no fault of accessibility`);
  };

  await page.goto(link);
  await page.getByRole('button', { name: /sign in/i }).click();
  await page.waitForSelector('h1:has-text("Find a patient")');
  await accessible('the first page');
  await page.getByLabel('NHS number').fill('999 000 0018');
  await page.getByRole('button', { name: 'Find imaging' }).click();
  await page.waitForSelector('h1:has-text("PHANTOM")');
  t.match(await page.content(), /2 studies/);
  await accessible('the list of studies');
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
});
