/** An analyst has figures sent by e-mail, from the page of the question that they look at; without scripts, by keyboard alone. */
import t from 'tap';
import type { Principal } from '../../hub/access/rules.ts';
import { parseHubConfig } from '../../hub/config.ts';
import { MEASURES } from '../../hub/measures/all-measures.ts';
import type { Question } from '../../hub/measures/answer.ts';
import { openSubscriptions } from '../../hub/measures/subscriptions/open-subscriptions.ts';
import { systemClock } from '../../shared/clock.ts';
import { silentLog } from '../../shared/log.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { startFakeHub } from '../unit/hub/http/fake-hub.ts';

const ANALYST: Principal = {
  ...{ name: 'Ama Analyst', role: 'analyst', trust: null, method: 'password' },
  ...{ assurance: 2, authenticatedAt: Date.now() },
};
const EMAIL = { host: '127.0.0.1', from: 'cdip@example.nhs.uk', domains: ['example.nhs.uk'] };
const skip = missingPeer('chromium');

/** Figures of no trust yet. */
async function answer(id: string, _: Question) {
  const measure = MEASURES.find((one) => one.id === id);
  if (measure === undefined) throw new Error(`there is no ${id}`);
  const asOf = '2026-03-09T06:00:00.000Z';
  return { measure, asOf, from: null, to: null, isSampled: false, rows: [], coverage: [] };
}

t.test('figures by e-mail in a browser', { skip, timeout: 300_000 }, async (t) => {
  const raw = { dataDirectory: t.testdir(), measures: { email: EMAIL } };
  const measures = { definitions: MEASURES, answer } as never;
  const subscriptions = openSubscriptions(raw.dataDirectory, {
    ...{ config: parseHubConfig(raw).measures.email, measures, clock: systemClock },
    ...{ log: silentLog, hubUrl: () => 'https://hub.example' },
    people: { find: () => ANALYST, refusal: () => null },
    audit: { append: () => {} },
  });
  t.teardown(() => subscriptions.stop());
  const hub = await startFakeHub({
    ...{ measures, subscriptions, principals: new Map([['analyst', ANALYST]]) },
    config: { measures: { email: EMAIL } },
  });
  t.teardown(() => hub.stop());
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const context = await browser.newContext({ javaScriptEnabled: true });
  await context.addCookies([{ name: 'cdip-session', value: 'analyst', url: hub.url }]);
  const page = await context.newPage();

  await page.goto(`${hub.url}/measures/BI-14?by=trust&modality=CT`);
  await page.locator('summary').press('Enter');
  t.strictSame(await accessibilityFaults(page), [], 'the form is accessible');
  await page.getByLabel('Your e-mail address').fill('ama@elsewhere.example');
  await page.getByLabel('How often').selectOption('month');
  await page.getByRole('button', { name: 'Subscribe' }).press('Enter');
  t.match(
    await page.getByRole('alert').innerText(),
    /at example\.nhs\.uk: figures are sent nowhere/,
  );
  t.strictSame(await accessibilityFaults(page), [], 'a refusal is accessible');

  await page.goto(`${hub.url}/measures/BI-14?by=trust&modality=CT`);
  await page.locator('summary').press('Enter');
  await page.getByLabel('Your e-mail address').fill('ama@example.nhs.uk');
  await page.getByRole('button', { name: 'Subscribe' }).press('Enter');
  t.match(await page.locator('tbody').innerText(), /Report turnaround\s+by trust; modality CT/);
  t.strictSame(await accessibilityFaults(page), [], 'the list is accessible');
  t.match(
    await page.getByRole('link', { name: 'Report turnaround' }).getAttribute('href'),
    '/measures/BI-14?by=trust&modality=CT',
    'it leads back to the question',
  );

  const [one] = subscriptions.list(ANALYST);
  const visitor = await (await browser.newContext()).newPage();
  await visitor.goto(`${hub.url}/stop-figures/${one?.secret}`);
  t.strictSame(
    await accessibilityFaults(visitor),
    [],
    'the question whether to stop is accessible',
  );
  await visitor.getByRole('button', { name: 'Stop' }).press('Enter');
  t.match(await visitor.locator('h1').innerText(), /not sent these figures any more/);
  t.strictSame(await accessibilityFaults(visitor), [], 'so is the answer');
  await page.reload();
  t.match(await page.locator('main').innerText(), /You are sent nothing/);
});
