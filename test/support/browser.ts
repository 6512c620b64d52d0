/** Debian's Chromium, driven by playwright-core; and axe-core's opinion of a page. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { programPath } from './missing-peer.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: programPath('chromium'),
    args: ['--no-sandbox', '--disable-gpu'],
  });
}

/** What WCAG 2.2 AA asks and the page does not give, as `rule: element`. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // What is asked before the style sheet is there is another page: links without room around them.
  await page.waitForLoadState('load');
  // The page's own policy forbids inline scripts; the checker is put in past it.
  return (await page.evaluate(`${AXE};
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })
      .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target)))`)) as string[];
}
