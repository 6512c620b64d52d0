/** An analyst reads the measures: trust against network, months, what is withheld; without scripts, on paper too. */
import t from 'tap';
import type { Principal } from '../../hub/access/rules.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { startMeasureNetwork } from '../support/measure-network.ts';
import { measureWorld, WORLD_TRUSTS } from '../support/measure-world.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startFakeHub } from '../unit/hub/http/fake-hub.ts';

const ANALYST: Principal = { name: 'Ama Analyst', role: 'analyst', trust: null };
const skip = missingPeer('chromium');

t.test('the measures in a browser', { skip, timeout: 300_000 }, async (t) => {
  const network = await startMeasureNetwork();
  t.teardown(() => network.stop());
  const trusts = WORLD_TRUSTS.slice(0, 5);
  network.tell(measureWorld(900, 'browser', trusts));
  await network.measures.refresh();
  const principals = new Map([
    ['analyst', ANALYST],
    ['own', { ...ANALYST, trust: 'RRK' }],
  ]);
  const hub = await startFakeHub({ measures: network.measures, principals });
  t.teardown(() => hub.stop());
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const context = await browser.newContext({ javaScriptEnabled: true });
  await context.addCookies([{ name: 'cdip-session', value: 'analyst', url: hub.url }]);
  const page = await context.newPage();

  await page.goto(`${hub.url}/measures`);
  t.equal(await page.locator('tbody tr').count(), 22, 'every measure has its line');
  t.match(await page.locator('[role=note]').innerText(), /Data as of/);
  t.strictSame(await accessibilityFaults(page), [], 'the overview is accessible');

  await page.getByRole('link', { name: 'Request to examination', exact: true }).click();
  t.match(await page.locator('h1').innerText(), /Request to examination BI-13, version 2/);
  const picture = page.locator('figure img');
  t.match(await picture.getAttribute('alt'), /from .* to /, 'the picture is told in words');
  // Comes after the page; one that can't be drawn rejects.
  const width = await picture.evaluate(async (element) => {
    const image = element as unknown as { decode(): Promise<void>; naturalWidth: number };
    await image.decode();
    return image.naturalWidth;
  });
  t.ok(width > 0, 'the picture was drawn');
  t.equal(
    await page.locator('tbody tr').count(),
    trusts.length,
    'each trust has its row beside it',
  );
  t.strictSame(await accessibilityFaults(page), [], 'the measure is accessible');
  const headings = (): Promise<string> => page.locator('.cdip-scroll thead').first().innerText();
  t.match(await headings(), /P95 notice/);
  await page.getByRole('link', { name: 'Figures of version 1' }).press('Enter');
  t.match(await page.locator('h1').innerText(), /BI-13, version 1/, 'as it was counted before');
  t.notMatch(await headings(), /P95 notice/, 'with the figures of then');
  t.strictSame(await accessibilityFaults(page), [], 'the version before is accessible');
  await page.getByRole('link', { name: 'the newest version' }).press('Enter');
  t.match(await page.locator('h1').innerText(), /BI-13, version 2/);

  await page.getByLabel('Trust', { exact: true }).first().uncheck();
  await page.getByLabel('Month', { exact: true }).check();
  await page.getByLabel('From month').fill('2026-02');
  await page.getByRole('button', { name: 'Show' }).press('Enter');
  const link = new URL(page.url());
  t.strictSame([link.searchParams.get('by'), link.searchParams.get('from')], ['month', '2026-02']);
  t.match(await page.locator('figcaption').innerText(), /limits of chance/, 'a run chart');
  const csv = await page.getByRole('link', { name: 'CSV' }).getAttribute('href');
  const file = await hub.get(csv ?? '', { authorization: 'Bearer analyst' });
  t.match(await file.text(), /^month,exams,medianHours,/, 'the download is of the same question');

  await page.goto(`${hub.url}/measures`);
  await page.getByRole('link', { name: 'Ask by SQL' }).click();
  await page
    .getByLabel('SQL')
    .fill('SELECT modality, sum(exams) AS exams FROM bi_16h GROUP BY 1 ORDER BY 1');
  await page.getByRole('button', { name: 'Ask' }).press('Enter');
  t.match(
    await page.getByRole('region', { name: 'Answer' }).innerText(),
    /CT\s+\d+/,
    'an answer by SQL',
  );
  t.strictSame(await accessibilityFaults(page), [], 'the page of SQL is accessible');
  await page.getByLabel('SQL').fill('DROP TABLE bi_16h');
  await page.getByRole('button', { name: 'Ask' }).press('Enter');
  t.match(await page.getByRole('alert').innerText(), /Only SELECT is answered/);
  t.strictSame(await accessibilityFaults(page), [], 'a refusal is accessible');

  await context.addCookies([{ name: 'cdip-session', value: 'own', url: hub.url }]);
  await page.goto(`${hub.url}/measures`);
  await page.getByRole('link', { name: 'Waiting list now and forecast' }).click();
  t.equal(await page.getByRole('region', { name: 'Forecast' }).locator('tbody tr').count(), 12);
  t.match(await page.locator('figure img').getAttribute('alt'), /wait now; .* are expected/);
  t.strictSame(await accessibilityFaults(page), [], 'the forecast is accessible');
  await page.goto(`${hub.url}/measures`);
  await page.getByRole('link', { name: 'DIDS, checked daily' }).click();
  await page.getByLabel('Month of the tests').fill('2026-05');
  await page.getByRole('button', { name: 'Show' }).press('Enter');
  t.match(await page.locator('[role=note]').innerText(), /\d+ of \d+ records would be rejected/);
  await page.getByRole('link', { name: 'DIDS020' }).click();
  t.match(await page.locator('table').nth(1).innerText(), /source setting is missing/);
  t.strictSame(await accessibilityFaults(page), [], 'the list of DIDS is accessible');
  await context.addCookies([{ name: 'cdip-session', value: 'analyst', url: hub.url }]);

  await page.goto(`${hub.url}/measures/BI-17?by=trust,modality,month`);
  t.match(
    await page.locator('table').first().innerText(),
    /withheld/,
    'small numbers are said to be withheld',
  );
  const pdf = await page.pdf({ format: 'A4' });
  t.equal(pdf.subarray(0, 5).toString('latin1'), '%PDF-');
  await page.emulateMedia({ media: 'print' });
  t.notOk(await page.getByRole('button', { name: 'Show' }).isVisible(), 'no form on paper');

  const LONG =
    'University Hospitals of the Northern Marches and Wyre Forest Borders NHS Foundation Trust';
  const rightEdge = (of: string): Promise<number> =>
    page.evaluate(`Math.max(...[...document.querySelectorAll('${of}')]
      .map((one) => one.getBoundingClientRect().right))`);
  const named = async (width: number, media: 'print' | 'screen'): Promise<void> => {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ media });
    await page.goto(`${hub.url}/measures/BI-14?by=trust,month`);
    await page.evaluate(`for (const one of document.querySelectorAll('tbody th, option'))
      one.textContent = ${JSON.stringify(LONG)}`);
  };
  await named(390, 'screen');
  t.ok((await rightEdge('html, select')) <= 390, 'a long name is no wider than a phone');
  await named(718, 'print');
  t.ok((await rightEdge('th, td')) <= 718, 'every column is on the paper');
});
