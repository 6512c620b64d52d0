/** What follows for a rollout from what its edges tell, with a clock that the test sets. */
import t from 'tap';
import {
  type EdgeNow,
  nextOf,
  progressOf,
  type Rollout,
} from '../../../../hub/releases/rollout.ts';
import { rfc3339 } from '../../../../shared/clock.ts';
import type { UpgradeTold } from '../../../../shared/contract/releases.ts';

const MINUTE = 60_000;
const BEGUN = Date.parse('2026-11-02T02:00:00.000Z');

const rollout: Rollout = {
  ...{ number: 3, version: '2.0.0', sha256: 'a'.repeat(64), bytes: 1, signature: 'AAAA' },
  ...{ rings: [['RRK'], ['RJE', 'RXK', 'RL4'], ['RBK']], gateMinutes: 30, patienceMinutes: 60 },
  ...{ reason: 'a test', state: 'running', attempt: 1, ring: 0, since: rfc3339(BEGUN) },
  ...{ gateSince: null, leftOut: [], trouble: [], proposedBy: 'a', proposedAt: rfc3339(BEGUN) },
  ...{ approvedBy: 'b', steps: [] },
};

const told = (state: UpgradeTold['state'], more: Partial<UpgradeTold> = {}): UpgradeTold => ({
  ...{ rollout: 3, attempt: 1, version: '2.0.0', state, at: rfc3339(BEGUN + MINUTE) },
  ...{ reason: null, ...more },
});

/** Runs the build and is well, unless it is said otherwise. */
const edge = (trust: string, more: Partial<EdgeNow> = {}): EdgeNow => ({
  ...{ trust, lastHeardAt: BEGUN, isLive: true, version: '2.0.0', isReady: true },
  ...{ upgrade: told('done'), pages: [], ...more },
});
const old = (trust: string, upgrade?: UpgradeTold): EdgeNow =>
  edge(trust, { version: '1.0.0', upgrade });

const next = (edges: readonly EdgeNow[], minutes: number, from: Rollout = rollout) =>
  nextOf(from, edges, BEGUN + minutes * MINUTE);

t.test(
  'the next ring is told when all of this one have been well for as long as the gate says',
  async (t) => {
    const gated = next([edge('RRK')], 5);
    t.match(gated, { ring: 0, gateSince: rfc3339(BEGUN + 5 * MINUTE) });
    t.equal(next([edge('RRK')], 34, gated ?? rollout), null, 'not a minute before');
    const second = next([edge('RRK')], 35, gated ?? rollout);
    t.match(second, {
      state: 'running',
      ring: 1,
      since: rfc3339(BEGUN + 35 * MINUTE),
      gateSince: null,
    });
    const trio = ['RJE', 'RXK'].map((trust) => edge(trust));
    t.equal(
      next([...trio, old('RL4', told('installing'))], 40, second ?? rollout),
      null,
      'all of them',
    );
  },
);

t.test('the gate begins anew when an edge of the ring is not well for a moment', async (t) => {
  const gated: Rollout = { ...rollout, gateSince: rfc3339(BEGUN) };
  for (const [what, bad] of Object.entries({
    silent: edge('RRK', { isLive: false }),
    'not ready': edge('RRK', { isReady: false }),
    'still watched by root': edge('RRK', { upgrade: told('installing') }),
  }))
    t.match(next([bad], 29, gated), { state: 'running', ring: 0, gateSince: null }, what);
});

t.test('after the last ring it is done, not before its gate', async (t) => {
  const last: Rollout = { ...rollout, ring: 2 };
  const gated = next([edge('RBK')], 1, last);
  t.match(gated, { state: 'running', ring: 2 });
  t.match(next([edge('RBK')], 31, gated ?? last), { state: 'done' });
});

t.test('it stands still, and says why', async (t) => {
  const reason = { code: 'NOT_READY', detail: 'the new build is not ready' };
  for (const [what, code, bad, minutes] of [
    ['a build that put itself back', 'NOT_READY', old('RRK', told('returned', { reason })), 3],
    [
      'one that was refused',
      'RELEASE_UNSIGNED',
      old('RRK', told('refused', { reason: { ...reason, code: 'RELEASE_UNSIGNED' } })),
      3,
    ],
    ['somebody who put it back by hand', 'VERSION_BACK', old('RRK', told('done')), 3],
    ['an alert that pages', 'PAGE_ALERT', edge('RRK', { pages: ['PACS does not answer'] }), 20],
    ['silence', 'EDGE_SILENT', edge('RRK', { isLive: false }), 61],
    ['an edge that says nothing of it', 'UPGRADE_NOT_TOLD', old('RRK'), 61],
    ['a download without an end', 'UPGRADE_LATE', old('RRK', told('downloading')), 61],
    ['a build that is never ready', 'NOT_READY', edge('RRK', { isReady: false }), 61],
  ] as const)
    t.match(next([bad], minutes), { state: 'standing', trouble: [{ trust: 'RRK', code }] }, what);
});

t.test(
  'one bad edge of three holds the others up, and nobody of the next ring is told',
  async (t) => {
    const second: Rollout = { ...rollout, ring: 1, gateSince: rfc3339(BEGUN) };
    const bad = old('RXK', told('returned'));
    t.match(next([edge('RJE'), bad, edge('RL4')], 31, second), { state: 'standing', ring: 1 });
  },
);

t.test(
  'what is no trouble: silence in a restart, a download under way, a trust that waits for its hours',
  async (t) => {
    t.equal(next([edge('RRK', { isLive: false })], 59), null);
    t.equal(next([old('RRK', told('downloading'))], 59), null);
    t.equal(next([old('RRK', told('waiting'))], 60 * 24 * 7), null);
    t.equal(next([old('RRK', { ...told('returned'), rollout: 2 })], 1), null, 'an earlier rollout');
  },
);

t.test('a trust that is left out holds nobody up', async (t) => {
  const without: Rollout = {
    ...{ ...rollout, ring: 1, gateMinutes: 0 },
    leftOut: [{ trust: 'RXK', by: 'a', at: rfc3339(BEGUN), reason: 'manual' }],
  };
  const trio = [edge('RJE'), old('RXK', told('returned')), edge('RL4')];
  t.match(next(trio, 1, without), { state: 'running', ring: 2 });
});

t.test('an end of the try before is not counted again after somebody let it go on', async (t) => {
  const again: Rollout = { ...rollout, attempt: 2, since: rfc3339(BEGUN + 10 * MINUTE) };
  t.equal(next([old('RRK', told('returned'))], 11, again), null);
  const late = told('returned', { at: rfc3339(BEGUN + 12 * MINUTE) });
  t.match(next([old('RRK', late)], 13, again), { state: 'standing' }, 'one that came after is');
});

t.test('what stands still, is stopped or done changes by people alone', async (t) => {
  for (const state of ['proposed', 'standing', 'stopped', 'done'] as const)
    t.equal(next([edge('RRK')], 500, { ...rollout, state }), null, state);
});

t.test('how far an edge is', async (t) => {
  const at = BEGUN + MINUTE;
  t.equal(progressOf(rollout, old('RRK'), at).is, 'told');
  t.equal(progressOf(rollout, old('RRK', told('waiting')), at).is, 'waiting');
  t.equal(progressOf(rollout, edge('RRK', { upgrade: undefined }), at).is, 'well', 'by hand, too');
});
