import t from 'tap';
import { openAccessDatabase } from '../../../../hub/access/access.ts';
import { type Device, Sessions } from '../../../../hub/access/sessions.ts';
import { stepUpLacks, stepUpRuleFor } from '../../../../hub/access/step-up.ts';

const MINUTE = 60_000;
const WARD: Device = { address: '10.0.0.9', browser: 'Firefox, Linux' };
const HOME: Device = { address: '192.0.2.7', browser: null };

function open(t: Pick<typeof import('tap').t, 'testdir' | 'teardown'>) {
  const clock = { ms: 1_000_000, now: () => clock.ms, monotonicMs: () => clock.ms };
  const db = openAccessDatabase(t.testdir({}));
  t.teardown(() => db.close());
  const sessions = new Sessions(db, clock, { idleMinutes: 15, hours: 12 });
  const begin = (person: string, device = WARD): string =>
    sessions.begin(
      {
        ...{ person, method: 'oidc', assurance: 2, authenticatedAt: clock.ms },
        told: { role: 'radiologist', trust: 'RRK' },
      },
      device,
    ).session;
  const who = (session: string) => sessions.find(session, { isUse: true });
  return { clock, sessions, begin, who };
}

t.test('who signed in by an identity provider is what it told, without an account', async (t) => {
  const { begin, who, clock } = open(t);
  t.same(who(begin('Ada')), {
    ...{ name: 'Ada', role: 'radiologist', trust: 'RRK' },
    ...{ method: 'oidc', assurance: 2, authenticatedAt: clock.ms },
  });
});

t.test('a session without a role and without an account is nobody', async (t) => {
  const { sessions, who, clock } = open(t);
  const gone = { person: 'Gone', method: 'link', assurance: 1, authenticatedAt: clock.ms } as const;
  t.equal(who(sessions.begin(gone, WARD).session), null);
});

t.test('a person sees their own sessions, and ends one, or all', async (t) => {
  const { begin, sessions, who } = open(t);
  const ward = begin('Ada');
  const home = begin('Ada', HOME);
  const others = begin('Ben');
  const list = sessions.list('Ada', ward);
  t.match(
    list.find(({ isThis }) => isThis),
    WARD,
  );
  const other = list.find(({ isThis }) => !isThis);
  t.match(other, { ...HOME, method: 'oidc' });
  t.equal(list.length, 2);
  t.notMatch(JSON.stringify(list), ward, 'no secret is told');
  t.equal(sessions.endOne('Ben', other?.id ?? ''), false, "nobody ends another's");
  t.equal(sessions.endOne('Ada', other?.id ?? ''), true);
  t.equal(who(home), null);
  t.ok(who(ward));
  begin('Ada', HOME);
  t.equal(sessions.endAll('Ada'), 2);
  t.equal(who(ward), null);
  t.ok(who(others));
});

t.test('a proof given again comes with another secret, and makes the day no longer', async (t) => {
  const { begin, sessions, who, clock } = open(t);
  const before = begin('Ada');
  clock.ms += 10 * MINUTE;
  const after = sessions.confirm(before, {
    method: 'oidc',
    assurance: 3,
    authenticatedAt: clock.ms,
  });
  t.equal(who(before), null, 'the old secret is worth nothing');
  t.match(who(after?.session ?? ''), {
    assurance: 3,
    authenticatedAt: clock.ms,
    role: 'radiologist',
  });
  t.equal(after?.seconds, 12 * 3600 - 600);
  t.equal(sessions.confirm(before, { method: 'oidc', assurance: 3, authenticatedAt: 0 }), null);
});

t.test('a clock that is set back makes no session longer', async (t) => {
  const { begin, who, clock } = open(t);
  const session = begin('Ada');
  clock.ms -= MINUTE / 2;
  t.ok(who(session), 'clocks differ a little');
  clock.ms -= MINUTE;
  t.equal(who(session), null);
});

t.test('what is grave needs a proof that is sure and fresh', async (t) => {
  const rule = { assurance: 2, maxAgeSeconds: 300 } as const;
  const ada = { name: 'Ada', role: 'radiologist', trust: 'RRK', method: 'oidc' } as const;
  const lacks = (more: object, now = 300_000) => stepUpLacks({ ...ada, ...more }, rule, now);
  t.equal(lacks({ assurance: 2, authenticatedAt: 1 }), null);
  t.equal(lacks({ assurance: 3, authenticatedAt: 300_000 }), null);
  t.equal(lacks({ assurance: 1, authenticatedAt: 300_000 }), 'assurance');
  t.equal(lacks({ assurance: 3, authenticatedAt: 0 }), 'freshness');
  t.equal(lacks({ assurance: 3, authenticatedAt: 361_000 }), 'freshness', 'the clock was set back');
  t.equal(lacks({ assurance: 3, authenticatedAt: 330_000 }), null, 'clocks differ a little');
  t.equal(lacks({}), 'person', 'a machine');
  t.same(stepUpRuleFor(ada, {}), rule);
  t.equal(stepUpRuleFor({ ...ada, method: 'link' }, {}), null, 'has nothing else to show');
  t.same(stepUpRuleFor({ ...ada, method: 'link' }, { oidc: {} }), rule);
  const strict = { assurance: 3, maxAgeSeconds: 60 } as const;
  t.same(stepUpRuleFor({ ...ada, method: 'link' }, { stepUp: strict }), strict);
});
