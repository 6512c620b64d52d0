/** Pages of a patient in Chromium: accessible, usable by keyboard, and within the width of a phone. */
import t from 'tap';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { SESSION, startFakeHub } from '../unit/hub/http/fake-hub.ts';
import { holdFetch, NHS, seedPatient } from '../unit/hub/http/patient-seed.ts';

const PAGES = [
  ...['/studies/2.25.9001', `/patients/${NHS}`, '/meetings', '/meetings/list-of-RRK'],
  ...['/identity', '/reconciliation'],
];

t.test(
  'a study with reports, a patient, pairs of patients, studies without one',
  { skip: missingPeer('chromium'), timeout: 120_000 },
  async (t) => {
    const hub = await startFakeHub();
    t.teardown(() => hub.stop());
    seedPatient(hub);
    await holdFetch(hub);
    const browser = await openChromium();
    t.teardown(() => browser.close());
    const page = await browser.newPage();
    await page
      .context()
      .addCookies([{ name: 'cdip-session', value: SESSION, url: hub.url, httpOnly: true }]);
    for (const path of PAGES)
      for (const width of [390, 1_280, 2_560]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(hub.url + path);
        if (width === 390) t.strictSame(await accessibilityFaults(page), [], path);
        const overflow = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        t.ok(Number(overflow) <= 0, `${path} fits ${width} pixels: ${overflow}`);
        const folder = process.env['CDIP_SCREENSHOTS'];
        if (folder !== undefined)
          await page.screenshot({
            path: `${folder}/${path.replaceAll('/', '_')}-${width}.png`,
            fullPage: true,
          });
      }
    // By keyboard alone: from the page of studies without a patient into the form, and back as decided.
    await page.getByRole('button', { name: 'File under 1001' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/fetches\//);
    t.match(hub.fetches.named, [{ patientId: '1001', issuer: 'RRK' }]);
    t.strictSame(hub.bugs, []);
  },
);
