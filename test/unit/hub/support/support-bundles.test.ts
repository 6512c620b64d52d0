/** Support bundles at the hub: who may bring one, how often, and how long it stays. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import t, { type Test } from 'tap';
import { accessSchema } from '../../../../hub/access/schema.ts';
import { openTicketSigner } from '../../../../hub/access/tickets.ts';
import { SupportBundles } from '../../../../hub/support/support-bundles.ts';
import type { AuditEntry } from '../../../../shared/audit/entry.ts';
import { type Command, CommandSchema } from '../../../../shared/contract/commands.ts';
import { BUNDLE_TYPE } from '../../../../shared/contract/support.ts';
import { silentLog } from '../../../../shared/log.ts';
import { openSqlite } from '../../../../shared/sqlite/open.ts';

const DAY_MS = 86_400_000;
const BYTES = Buffer.from('a bundle');
const digestOf = (bytes: Buffer): string =>
  `sha-256=:${createHash('sha256').update(bytes).digest('base64')}:`;

async function openWorld(t: Test) {
  const dataDirectory = t.testdir();
  const time = { ms: Date.parse('2026-11-02T12:00:00.000Z') };
  const clock = { now: () => time.ms, monotonicMs: () => time.ms };
  const tickets = await openTicketSigner(openSqlite(':memory:', accessSchema), clock);
  const audited: AuditEntry[] = [];
  const gone = new Set<string>();
  let command: Command | undefined;
  const support = new SupportBundles({
    ...{ dataDirectory, tickets, clock, log: silentLog },
    trusts: [{ ods: 'RRK' }, { ods: 'RJE' }],
    isEnrolled: (trust) => !gone.has(trust),
    networkLog: {
      sendCommand: async (_trust, sent) => {
        command = sent;
      },
    },
    audit: { append: (entry) => void audited.push(entry) },
  });
  const ask = async (trust = 'RRK'): Promise<{ id: string; ticket: string }> => {
    const id = await support.ask(trust, { reason: 'a test', by: 'anna' });
    const sent = CommandSchema.parse(command);
    return { id, ticket: sent.kind === 'support-bundle' ? sent.ticket : '' };
  };
  const bring = (
    { id, ticket }: { id: string; ticket: string },
    { contentType = BUNDLE_TYPE, bytes = BYTES, contentDigest = digestOf(bytes) } = {},
  ): Promise<void> =>
    support.receive({
      ...{ id, authorization: `Bearer ${ticket}`, contentType, contentDigest },
      ...{ address: '10.0.0.1', body: Readable.from([bytes]) },
    });
  return { dataDirectory, support, time, audited, gone, tickets, ask, bring };
}

const REFUSED = { code: 'SUPPORT_TOKEN_REFUSED' };

t.test('what was asked for comes once, and stands in the trail', async (t) => {
  const { support, audited, ask, bring } = await openWorld(t);
  const asked = await ask();
  t.match(support.list('RRK'), [{ state: 'asked', askedBy: 'anna' }]);
  t.throws(() => support.find('RRK', asked.id), { code: 'BUNDLE_UNKNOWN' });
  await bring(asked);
  t.match(support.find('RRK', asked.id), { state: 'received', bytes: BYTES.length });
  t.match(audited, [{ event: 'export', outcome: 0, user: 'edge of RRK', homes: ['RRK'] }]);
  await t.rejects(bring(asked), REFUSED, 'its ticket is used up');
  t.throws(() => support.find('RJE', asked.id), { code: 'BUNDLE_UNKNOWN' }, 'not as of another');
});

t.test('nobody else brings one', async (t) => {
  const { gone, tickets, ask, bring } = await openWorld(t);
  const [mine, other] = [await ask('RRK'), await ask('RJE')];
  for (const [what, ticket] of Object.entries({
    'another one of this hub': other.ticket,
    'a pass for the relay': await tickets.signPass('RRK'),
    'a ticket for nothing that was asked for': await tickets.signUpload('RRK', randomUUID()),
    'another trust, for this one': await tickets.signUpload('RJE', mine.id),
    nothing: '',
  }))
    await t.rejects(bring({ ...mine, ticket }), REFUSED, what);
  gone.add('RRK');
  await t.rejects(bring(mine), REFUSED, 'an edge whose keys were taken back');
});

t.test('what is cut or damaged is not kept, and may come again', async (t) => {
  const { dataDirectory, support, audited, ask, bring } = await openWorld(t);
  const asked = await ask();
  const contentDigest = digestOf(Buffer.from('a bundle that was longer'));
  await t.rejects(bring(asked, { contentDigest }), { code: 'BUNDLE_DAMAGED' });
  t.match(audited, [{ outcome: 8, code: 'BUNDLE_DAMAGED' }]);
  t.notOk(existsSync(join(dataDirectory, 'support', `${asked.id}.tar.gz.part`)));
  await bring(asked);
  t.equal(support.list('RRK')[0]?.state, 'received');
});

t.test('an edge that can not make one says why', async (t) => {
  const { support, ask, bring } = await openWorld(t);
  const problem = { code: 'BUNDLE_NOT_MADE', detail: 'it ended with 1' };
  const bytes = Buffer.from(JSON.stringify(problem));
  await bring(await ask(), { contentType: 'application/problem+json', bytes });
  t.match(support.list('RRK'), [{ state: 'failed', problem }]);
});

t.test('one that does not come within a day is told as such; all go after 14 days', async (t) => {
  const { dataDirectory, support, time, ask, bring } = await openWorld(t);
  const [late, kept] = [await ask(), await ask()];
  await bring(kept);
  time.ms += DAY_MS + 1;
  support.sweep();
  t.equal(support.list('RRK').find(({ id }) => id === late.id)?.state, 'expired');
  await t.rejects(bring(late), REFUSED);
  const file = support.find('RRK', kept.id).file;
  time.ms += 13 * DAY_MS;
  support.sweep();
  t.strictSame(support.list('RRK'), []);
  t.notOk(existsSync(file));
  t.notOk(existsSync(join(dataDirectory, 'support', `${kept.id}.json`)));
});
