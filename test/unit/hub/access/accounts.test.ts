import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret, TOTP } from 'otpauth';
import t from 'tap';
import { Access, openAccessDatabase } from '../../../../hub/access/access.ts';
import { Accounts, waitAfter } from '../../../../hub/access/accounts.ts';
import { hashPassword, isPassword, passwordFault } from '../../../../hub/access/passwords.ts';

const SECOND = 1_000;
const ADA = { name: 'Dr Ada Okafor', role: 'radiologist' as const, trust: 'RJE' };
const PASSWORD = 'kettle violin harbour';
const HERE = { address: null, browser: null };

async function open(t: Pick<typeof import('tap').t, 'testdir' | 'teardown'>) {
  const directory = t.testdir({});
  const clock = {
    ms: Date.parse('2026-03-02T08:00:00Z'),
    now: () => clock.ms,
    monotonicMs: () => clock.ms,
  };
  const db = openAccessDatabase(directory);
  t.teardown(() => db.close());
  const access = new Access(db, clock);
  // Seconds of the processor are saved; what is kept is of the same form.
  const accounts = new Accounts(db, clock, { ln: 4, r: 8, p: 1 });
  access.invite(ADA);
  const secret = accounts.newSecret();
  const code = (): string =>
    TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: clock.ms });
  await accounts.choose(ADA.name, { password: PASSWORD, secret, code: code() });
  clock.ms += 30 * SECOND;
  const prove = (more: Partial<{ name: string; password: string; code: string }> = {}) =>
    accounts.prove({ name: ADA.name, password: PASSWORD, code: code(), ...more });
  return { access, accounts, clock, code, prove, directory, secret };
}

t.test('a person signs in with password and code, and a code works once', async (t) => {
  const { prove, clock, code } = await open(t);
  const used = code();
  t.same(await prove(), { kind: 'proved', person: ADA });
  t.match(await prove(), { kind: 'wrong' }, 'the same code again');
  clock.ms += 30 * SECOND;
  t.match(
    await prove({ code: used }),
    { kind: 'wrong' },
    'nor while it would still be near enough',
  );
  t.match(await prove(), { kind: 'proved' });
});

t.test('of two that come at once with one code, one gets in', async (t) => {
  const { prove } = await open(t);
  const kinds = (await Promise.all([prove(), prove()])).map(({ kind }) => kind);
  t.same(kinds.sort(), ['proved', 'wrong']);
});

t.test(
  'the code of a phone whose clock is half a minute off is taken, an older one not',
  async (t) => {
    const { prove, clock, code } = await open(t);
    clock.ms += 300 * SECOND;
    const now = code();
    clock.ms += 30 * SECOND;
    t.match(await prove({ code: now }), { kind: 'proved' });
    const late = code();
    clock.ms += 90 * SECOND;
    t.match(await prove({ code: late }), { kind: 'wrong' });
  },
);

t.test('one of the two alone is nothing, and whose account it is does not show', async (t) => {
  const { prove } = await open(t);
  t.same(await prove({ password: 'kettle violin harbor' }), { kind: 'wrong' });
  t.same(await prove({ code: '000000' }), { kind: 'wrong' });
  t.same(await prove({ code: '' }), { kind: 'wrong' });
  t.same(await prove({ name: 'Nobody' }), { kind: 'wrong' });
});

t.test(
  'after five wrong tries each waits, longer and longer, also for names that are none',
  async (t) => {
    const { prove, clock } = await open(t);
    for (const name of [ADA.name, 'Nobody']) {
      for (let i = 0; i < 5; i += 1)
        t.match(await prove({ name, password: 'x' }), { kind: 'wrong' });
      t.same(await prove({ name }), { kind: 'wait', untilMs: clock.ms + 30 * SECOND });
    }
    clock.ms += 30 * SECOND;
    t.match(await prove({ password: 'x' }), { kind: 'wrong' });
    t.same(await prove(), { kind: 'wait', untilMs: clock.ms + 60 * SECOND }, 'twice as long');
    clock.ms += 60 * SECOND;
    t.match(await prove(), { kind: 'proved' }, 'the right one after the wait');
    clock.ms += 30 * SECOND;
    t.match(await prove({ password: 'x' }), { kind: 'wrong' }, 'and all is forgotten');
    t.same(
      [4, 5, 6, 9, 10, 40].map((tries) => waitAfter(tries) / SECOND),
      [0, 30, 60, 480, 900, 900],
    );
  },
);

t.test('guesses that come all at once count one by one', async (t) => {
  const { prove } = await open(t);
  const kinds = await Promise.all(Array.from({ length: 12 }, () => prove({ password: 'x' })));
  t.equal(kinds.filter(({ kind }) => kind === 'wrong').length, 5);
  t.equal(kinds.filter(({ kind }) => kind === 'wait').length, 7);
});

t.test('a new password is taken with a code of the app that is to be used', async (t) => {
  const { accounts, clock, prove, code } = await open(t);
  const secret = accounts.newSecret();
  const password = 'lantern orchard nine';
  const choose = (given: object) =>
    accounts.choose(ADA.name, { password, secret, code: code(), ...given });
  await t.rejects(choose({}), { code: 'CODE_WRONG' }, 'of the app as it was before');
  await t.rejects(choose({ password: 'short' }), { code: 'PASSWORD_WEAK' });
  await t.rejects(choose({ secret: '' }), { code: 'CODE_WRONG' });
  t.match(await prove(), { kind: 'proved' }, 'nothing has changed');
  const fresh = TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: clock.ms });
  await choose({ code: fresh });
  clock.ms += 60 * SECOND;
  t.match(await prove(), { kind: 'wrong' });
});

t.test('an account that is dropped is nobody, at once', async (t) => {
  const { access, accounts, prove } = await open(t);
  const session = access.useSignInLink(access.invite(ADA), HERE)?.session ?? '';
  const unused = access.invite(ADA);
  t.ok(access.authenticate({ session }));
  t.match(accounts.list(), [{ ...ADA, hasPassword: true }]);
  t.equal(accounts.drop(ADA.name), true);
  t.equal(access.authenticate({ session }), null);
  t.equal(access.useSignInLink(unused, HERE), null);
  t.match(await prove(), { kind: 'wrong' });
  t.equal(accounts.drop(ADA.name), false);
});

t.test('the password stands nowhere', async (t) => {
  const { directory } = await open(t);
  for (const file of ['access.sqlite', 'access.sqlite-wal'])
    t.notOk(readFileSync(join(directory, file)).includes(PASSWORD), file);
  const [one, two] = [await hashPassword(PASSWORD), await hashPassword(PASSWORD)];
  t.not(one, two, 'salted');
  t.match(one, /^\$scrypt\$ln=15,r=8,p=3\$/);
  t.equal(await isPassword(PASSWORD, one), true);
  t.equal(await isPassword('ｋettle violin harbour', two), true, 'one form of each letter');
  t.equal(await isPassword(`${PASSWORD} `, one), false);
  t.equal(await isPassword(PASSWORD, undefined), false);
});

t.test('a password is long, and neither a repetition nor the name', async (t) => {
  const fault = (password: string) => passwordFault(password, ADA.name);
  t.equal(fault(PASSWORD), null);
  t.equal(fault('пароль-из-слов'), null);
  t.match(fault('elevenchars'), /12 characters or more/);
  t.match(fault('x'.repeat(201)), /at most 200/);
  t.match(fault('abcabcabcabc'), /does not repeat/);
  t.match(fault('okafor-okafor-1'), /your name/);
});
