/** Each alert leads to a page that says what to do; each channel says what is wrong, and no more. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { subjectOf, textOf } from '../../../../hub/alerts/channels.ts';
import type { Alert } from '../../../../hub/alerts/decisions.ts';
import { SIGNALS } from '../../../../hub/config-alerts.ts';

const DOCS = join(import.meta.dirname, '..', '..', '..', '..', 'docs', 'runbooks');

t.test('every signal has its runbook, with steps and an end', async (t) => {
  for (const [id, { runbook }] of Object.entries(SIGNALS)) {
    const file = join(DOCS, `${runbook}.md`);
    t.ok(existsSync(file), `${id}: ${runbook}`);
    t.match(
      readFileSync(file, 'utf8'),
      /^# .+\n[\s\S]+## What to do\n\n1\. [\s\S]+## It is over when\n/,
    );
  }
});

t.test('a message leads with the worst, and with where to look', async (t) => {
  const alert: Alert = {
    ...{ id: 'a-1', trust: 'RRK', signal: 'diskUsed', subject: '', episode: 1, state: 'open' },
    ...{ level: 'warn', value: 80, detail: 'the disk is 80 % full', closedAt: null },
    ...{ openedAt: '2026-06-01T09:00:00.000Z', levelAt: '2026-06-01T09:00:00.000Z' },
    ...{ acknowledged: null, snoozed: null, telling: null, told: {} },
  };
  const message = {
    ...{ trust: 'RRK', trustName: 'Queen Elizabeth' },
    told: [
      { alert, what: 'warn' as const },
      { alert: { ...alert, signal: 'modalitySilent', subject: 'CT1' }, what: 'page' as const },
    ],
  };
  t.equal(subjectOf(message), 'ACT NOW: Queen Elizabeth RRK: Modality silent (CT1) and 1 more');
  const links = {
    hubUrl: () => 'https://hub',
    runbookUrl: (signal: string) => `https://rb/${signal}`,
  };
  t.match(
    textOf(message, links),
    /ACT NOW: Modality silent, CT1[\s\S]+https:\/\/rb\/modalitySilent[\s\S]+Warning: Disk used[\s\S]+https:\/\/hub\/fleet\/RRK/,
  );
});
