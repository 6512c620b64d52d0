import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { stringify } from 'yaml';
import { Access, openAccessDatabase } from '../../../../hub/access/access.ts';
import { EdgeCredentials } from '../../../../hub/access/edge-credentials.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { cdip } from '../../../support/cdip.ts';

/** A hub.yaml in a directory of its own, and how to run a command on it. */
function hubIn(t: Pick<Tap, 'testdir'>, more: object = {}) {
  const directory = t.testdir({});
  const dataDirectory = join(directory, 'data');
  const file = join(directory, 'hub.yaml');
  const trusts = [
    { ods: 'RRK', name: 'Queen Elizabeth' },
    { ods: 'RJE', name: 'Royal Stoke' },
  ];
  writeFileSync(file, stringify({ dataDirectory, trusts, ...more }));
  return {
    dataDirectory,
    run: (...args: string[]) => cdip(['hub', ...args, '--config', file]),
    edges<T>(look: (edges: EdgeCredentials) => T): T {
      const db = openAccessDatabase(dataDirectory);
      try {
        return look(new EdgeCredentials(db, systemClock));
      } finally {
        db.close();
      }
    },
    access<T>(look: (access: Access) => T): T {
      const db = openAccessDatabase(dataDirectory);
      try {
        return look(new Access(db, systemClock));
      } finally {
        db.close();
      }
    },
  };
}
type Tap = typeof t;

t.test('key prints the key alone, and it opens the hub', async (t) => {
  const hub = hubIn(t);
  const { code, stdout, stderr } = await hub.run(
    'key',
    'ris',
    'export',
    '--role',
    'analyst',
    '--trust',
    'RRK',
  );
  t.equal(code, 0, stderr);
  t.match(stdout, /^cdip_[\w-]{43}$/);
  t.match(stderr, /not shown again/);
  t.same(
    hub.access((access) => access.authenticate({ bearer: stdout })),
    {
      name: 'ris export',
      role: 'analyst',
      trust: 'RRK',
    },
  );
  t.equal(statSync(hub.dataDirectory).mode & 0o077, 0, "nobody else's");
});

t.test('user add prints the sign-in link alone', async (t) => {
  const args = ['user', 'add', 'Dr Ada Okafor', '--role', 'radiologist', '--trust', 'RJE'];
  const local = hubIn(t, { http: { port: 8123 } });
  const { stdout } = await local.run(...args);
  const [, token = ''] = /^http:\/\/127\.0\.0\.1:8123\/sign-in\/([\w-]{43})$/.exec(stdout) ?? [];
  t.match(
    local.access((access) => access.readSignInLink(token)),
    {
      name: 'Dr Ada Okafor',
      role: 'radiologist',
      trust: 'RJE',
    },
  );
  const open = hubIn(t, { http: { publicUrl: 'https://hub.example/' } });
  t.match((await open.run(...args)).stdout, /^https:\/\/hub\.example\/sign-in\//);
});

t.test('a client is given ID:SECRET with scopes, listed, and dropped', async (t) => {
  const hub = hubIn(t);
  const args = ['client', 'ris', '--role', 'clinician', '--scope', 'search,view', '--ttl', '90d'];
  const { stdout } = await hub.run(...args);
  const [id = '', secret = ''] = stdout.split(':');
  const { token } = hub.access(({ machines }) => machines.issue({ id, secret }));
  t.match(
    hub.access((access) => access.authenticate({ bearer: token })),
    { name: 'ris', scopes: ['search', 'view'] },
  );
  t.match((await hub.run('keys')).stdout, /^client\tris\tclinician\tnetwork\tsearch,view\t/);
  t.equal((await hub.run('keys', 'drop', 'ris')).code, 0);
  t.equal(
    hub.access((access) => access.authenticate({ bearer: token })),
    null,
  );
});

t.test('an account is listed, and dropped', async (t) => {
  const hub = hubIn(t);
  hub.access((access) => access.invite({ name: 'Dr Ada Okafor', role: 'admin', trust: null }));
  t.equal((await hub.run('user', 'list')).stdout, 'Dr Ada Okafor\tadmin\tnetwork\tlinks');
  t.equal((await hub.run('user', 'drop', 'Dr', 'Ada', 'Okafor')).code, 0);
  t.match(await hub.run('user', 'drop', 'Nobody'), { code: 1, stderr: /no account Nobody/ });
});

t.test('token prints a token that enrols the edge of its trust', async (t) => {
  const hub = hubIn(t);
  const { stdout: token } = await hub.run('token', '--trust', 'RRK', '--ttl', '30m');
  hub.edges((edges) =>
    edges.enrol({
      token,
      trust: 'RRK',
      natsPublicKey: `U${'A'.repeat(55)}`,
      httpUrl: 'http://127.0.0.1:1',
      version: '1',
    }),
  );
  const enrolled = (): string[] => hub.edges((edges) => [...edges.keys().keys()]);
  t.same(enrolled(), ['RRK']);
  t.equal((await hub.run('revoke', '--trust', 'RRK')).code, 0);
  t.same(enrolled(), [], 'and revoke takes its keys back');
  t.match(await hub.run('revoke', '--trust', 'RRK'), { code: 1, stderr: /EDGE_NOT_ENROLLED/ });
});

t.test('what can not be done is said, and nothing is given out', async (t) => {
  const hub = hubIn(t);
  const cases: [string[], number, RegExp][] = [
    [['token'], 64, /token needs --trust ODS/],
    [['token', 'RRK'], 64, /"RRK" is not understood/],
    [['token', '--trust', 'XXX'], 1, /XXX is not in the configuration \(there: RRK, RJE\)/],
    [['token', '--trust', 'RRK', '--ttl', 'soon'], 1, /--ttl is a number and m, h or d/],
    [['token', '--trust', 'RRK', '--ttl', '0h'], 1, /--ttl/],
    [['key', 'k', '--role', 'king'], 1, /--role is one of admin, clinician/],
    [['key', 'k'], 1, /--role is one of/],
    [['key', 'k', '--role', 'admin', '--scope', 'all'], 1, /--scope is of search, view/],
    [['client', 'k', '--role', 'analyst', '--scope', 'fetch'], 1, /analyst has no scope fetch/],
    [['key', '--role', 'admin'], 64, /say: key NAME/],
    [['user', 'add', '--role', 'admin'], 64, /say: user add NAME/],
    [['user', 'remove', 'x'], 64, /say: user add NAME/],
    [['user', 'add', 'a\tb', '--role', 'admin'], 1, /none of them control/],
    [['fly'], 64, /unknown command "fly"/],
    [['key', 'k', '--rôle', 'admin'], 64, /Usage/],
    [['rebuild', 'stars'], 64, /no projection "stars"/],
  ];
  const results = await Promise.all(cases.map(([args]) => hub.run(...args)));
  for (const [i, [args, code, words]] of cases.entries()) {
    const what = args.join(' ');
    t.equal(results[i]?.code, code, what);
    t.equal(results[i]?.stdout, '', what);
    t.match(results[i]?.stderr, words, what);
  }
});

t.test('every hub command needs its configuration', async (t) => {
  t.match(await cdip(['hub', 'token', '--trust', 'RRK']), {
    code: 64,
    stderr: /--config FILE is needed/,
  });
  t.match(await cdip(['hub', '--config', join(t.testdir({}), 'none.yaml')]), { code: 2 });
});

t.test('rebuild drops the projection and leaves who may do what', async (t) => {
  const hub = hubIn(t);
  const { stdout: key } = await hub.run('key', 'k', '--role', 'admin');
  const file = join(hub.dataDirectory, 'projection.sqlite');
  writeFileSync(file, 'rows');
  t.equal((await hub.run('rebuild')).code, 0);
  t.notOk(existsSync(file));
  t.ok(hub.access((access) => access.authenticate({ bearer: key })));
});

t.test(
  'accounts stand in the audit trail, and audit verify names the row that was changed',
  async (t) => {
    const hub = hubIn(t);
    await hub.run('key', 'ris', '--role', 'analyst');
    await hub.run('token', '--trust', 'RRK');
    const whole = await hub.run('audit', 'verify');
    t.equal(whole.code, 0, whole.stderr);
    t.match(JSON.parse(whole.stdout), { rows: 2, fault: null });
    const db = new Database(join(hub.dataDirectory, 'audit.sqlite'));
    db.exec("DROP TRIGGER audit_no_update; UPDATE audit SET user = 'nobody' WHERE seq = 2");
    db.close();
    const broken = await hub.run('audit', 'verify');
    t.equal(broken.code, 1);
    t.match(JSON.parse(broken.stdout), { rows: 1, fault: { code: 'ROW_ALTERED', seq: 2 } });
    t.match(broken.stderr, /row 2/);
  },
);
