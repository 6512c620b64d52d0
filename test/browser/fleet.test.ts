/** The fleet's pages as central staff use them: by keyboard alone, at a phone, a laptop and a wall. */
import { join } from 'node:path';
import t from 'tap';
import type { Principal } from '../../hub/access/rules.ts';
import { applyRollout } from '../../hub/releases/rollout-rows.ts';
import { accessibilityFaults, openChromium } from '../support/browser.ts';
import { eventually } from '../support/eventually.ts';
import { missingPeer } from '../support/missing-peer.ts';
import { heartbeatOf } from '../unit/hub/alerts/alert-world.ts';
import { type FakeHub, startFakeHub } from '../unit/hub/http/fake-hub.ts';

const SESSION = 'session-of-the-fleet';
const STAFF: Principal = { name: 'Sam Fleet', role: 'fleet', trust: null };
const WIDTHS = { phone: 390, laptop: 1280, wall: 2560 } as const;

function fill(hub: FakeHub): void {
  const now = Date.now();
  const at = new Date(now).toISOString();
  const probe = { ok: true, p95Ms: 45, failures: 0, at, reason: null };
  const modality = { peer: 'ct1', role: 'modality', objects: 9, lastObjectAt: at };
  hub.beat(
    heartbeatOf('RRK', now, {
      pacs: [{ peer: 'main-pacs', echo: probe, find: probe }],
      modalities: [{ aeTitle: 'CT1', modality: 'CT', ...modality }],
      reach: [{ trust: 'RJE', ok: true, ms: 12, at, reason: null }],
      hl7: { feeds: [{ application: 'PAS', facility: 'RRK', lastAt: at }], dead: 0 },
    }),
  );
  hub.beat(
    heartbeatOf('RJE', now, {
      certificates: [{ of: 'DICOM port', endsAt: new Date(now + 3 * 86_400_000).toISOString() }],
      queues: [
        {
          ...{ queue: 'delivery', priority: 'urgent', waiting: 3, oldestSeconds: 700 },
          reason: 'CONNECT_FAILED',
        },
      ],
      reach: [{ trust: 'RRK', ok: false, ms: null, at, reason: 'ECONNREFUSED' }],
    }),
  );
}

/** An upgrade that stands still after its second ring, and one before it. */
function rollOut(hub: FakeHub): void {
  const at = new Date(Date.now() - 600_000).toISOString();
  const common = {
    ...{ version: '1.3.0', sha256: 'a'.repeat(64), bytes: 1, signature: 'AAAA', gateMinutes: 30 },
    ...{ rings: [['RRK'], ['RJE'], ['RXK']], patienceMinutes: 60, attempt: 1, since: at },
    ...{ gateSince: null, leftOut: [], proposedBy: 'Jo Fleet', proposedAt: at, ring: 1 },
    ...{ approvedBy: 'Al Fleet', steps: [{ at, by: 'Jo Fleet', what: 'proposed' }] },
  };
  const trouble = [{ trust: 'RJE', code: 'NOT_READY', detail: 'the new build is not ready' }];
  for (const rollout of [
    { ...common, number: 1, state: 'stopped', reason: 'the May release', trouble: [] },
    { ...common, number: 2, state: 'standing', reason: 'the June release', trouble },
  ])
    applyRollout(hub.db, { body: { v: 1, rollout }, streamSeq: rollout.number });
}

t.test('the fleet', { skip: missingPeer('chromium'), timeout: 300_000 }, async (t) => {
  const hub = await startFakeHub({ principals: new Map([[SESSION, STAFF]]) });
  t.teardown(() => hub.stop());
  fill(hub);
  rollOut(hub);
  await hub.alerts.look();
  const browser = await openChromium();
  t.teardown(() => browser.close());
  const context = await browser.newContext();
  await context.addCookies([{ name: 'cdip-session', value: SESSION, url: hub.url }]);
  const page = await context.newPage();
  const folder = process.env['CDIP_PICTURES'] ?? t.testdir();

  for (const [what, path] of [
    ['fleet', '/fleet'],
    ['edge', '/fleet/RJE'],
    ['reach', '/fleet-reach'],
    ['releases', '/fleet/releases'],
    ['runbook', '/runbooks/rb10-certificate'],
  ] as const)
    for (const [device, width] of Object.entries(WIDTHS)) {
      await page.setViewportSize({ width, height: 900 });
      await page.goto(hub.url + path);
      const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      t.ok((overflow as number) <= 0, `${what} fits a ${device}`);
      t.strictSame(await accessibilityFaults(page), [], `${what} on a ${device}: accessible`);
      await page.screenshot({ path: join(folder, `${what}-${device}.png`), fullPage: true });
    }

  await page.setViewportSize({ width: WIDTHS.laptop, height: 900 });
  await page.goto(`${hub.url}/fleet`);
  const rows = page.locator('.cdip-fleet tbody tr');
  t.match(await rows.first().innerText(), /Royal Stoke[\s\S]*Act now/, 'the worst is first');

  await t.test('a change is shown without reloading', async (t) => {
    await page.evaluate('globalThis.notLoadedAgain = true');
    const queue = { queue: 'fetch', priority: 'bulk', oldestSeconds: 30, reason: null } as const;
    hub.beat(heartbeatOf('RRK', Date.now(), { queues: [{ ...queue, waiting: 4_321 }] }));
    await eventually('what waits there', async () => (await page.content()).includes('4,321'));
    t.equal(await page.evaluate('globalThis.notLoadedAgain'), true);
  });

  await t.test('by keyboard alone: to the trust, its alert, and what to do', async (t) => {
    const focused = (): Promise<string> =>
      page.evaluate(
        '(document.activeElement?.textContent || document.activeElement?.id || "").trim()',
      ) as Promise<string>;
    const tabTo = async (wanted: RegExp): Promise<void> => {
      for (let presses = 0; presses < 80; presses += 1) {
        await page.keyboard.press('Tab');
        if (wanted.test(await focused())) return;
      }
      t.fail(`Tab does not come to ${wanted}`);
    };
    await page.goto(`${hub.url}/fleet`);
    await tabTo(/^Royal Stoke$/);
    await page.keyboard.press('Enter');
    await page.waitForSelector('h2:has-text("Alerts")');
    await tabTo(/^note-/);
    await page.keyboard.type('A new one is ordered');
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Sam Fleet looks after it');
    t.match(await page.content(), /A new one is ordered/);
    t.match(hub.audit.find({}, { limit: 1, offset: 0 }).events, [
      { event: 'fleet', user: 'Sam Fleet' },
    ]);
    await tabTo(/What to do/);
    t.match(await page.evaluate('document.activeElement.href'), /\/runbooks\/rb10-certificate$/);
  });

  await t.test('works without scripts', async (t) => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    await plain.addCookies([{ name: 'cdip-session', value: SESSION, url: hub.url }]);
    const bare = await plain.newPage();
    await bare.goto(`${hub.url}/fleet/RJE`);
    t.ok(await bare.locator('.cdip-charts img').first().isVisible(), 'charts are pictures');
    await bare.locator('summary:has-text("Plan maintenance")').click();
    await bare.getByLabel('Why').fill('New power supply');
    await bare.getByRole('button', { name: 'Begin' }).click();
    await bare.waitForSelector('text=New power supply');
    t.match(hub.alerts.maintenance('RJE'), [{ reason: 'New power supply', by: 'Sam Fleet' }]);
  });
});
