/** `/people`: who gets in, as admins of the network and of a trust see and change it. */
import t from 'tap';
import type { Role } from '../../../../hub/access/rules.ts';
import { Browser } from './browser.ts';
import { startFakeHub } from './fake-hub.ts';

async function start(t: Pick<typeof import('tap').t, 'teardown'>) {
  const hub = await startFakeHub({ principals: new Map() });
  t.teardown(() => hub.stop());
  const enter = async (name: string, role: Role, trust: string | null): Promise<Browser> => {
    const browser = new Browser(hub);
    await browser.post(`/sign-in/${hub.access.invite({ name, role, trust })}`);
    return browser;
  };
  const network = await enter('Nora Network', 'admin', null);
  return { hub, enter, network };
}

const linkIn = (page: string): string => /sign-in\/[\w-]{43}/.exec(page)?.[0] ?? '';

t.test('an admin lets somebody in, gives a new link, signs out, removes', async (t) => {
  const { hub, network } = await start(t);
  const ada = { name: 'Dr Ada', role: 'radiologist', trust: 'RJE' };
  const made = await network.post('/people', ada);
  t.equal(made.status, 200);
  const link = linkIn(await made.text());
  const { events } = hub.audit.find({ user: 'Nora Network' }, { limit: 1, offset: 0 });
  t.match(events, [{ event: 'account', what: 'POST /people', query: ada }]);
  t.notMatch(JSON.stringify(events), link.slice(8), 'the link stands in no record');
  const browser = new Browser(hub);
  await browser.post(`/${link}`);
  t.equal((await browser.get('/account')).status, 200);
  t.match(await (await network.get('/people')).text(), /Dr Ada[\s\S]*Radiologist[\s\S]*In 1 place/);

  await network.post('/people/sign-out', { name: ada.name });
  t.equal((await browser.get('/account')).status, 303);
  const again = await network.post('/people/link', { name: ada.name });
  await browser.post(`/${linkIn(await again.text())}`);
  t.equal((await browser.get('/account')).status, 200);
  await network.post('/people/drop', { name: ada.name });
  t.equal((await browser.get('/account')).status, 303);
  t.notMatch(await (await network.get('/people')).text(), /Dr Ada/);
  t.equal((await network.post('/people/drop', { name: 'Nora Network' })).status, 403);
});

t.test('an admin of a trust sees and changes its people only', async (t) => {
  const { hub, enter, network } = await start(t);
  const admin = await enter('Rita', 'admin', 'RJE');
  await enter('Sam of Stoke', 'booker', 'RJE');
  const queen = await enter('Quin of Queen Elizabeth', 'booker', 'RRK');
  const page = await (await admin.get('/people')).text();
  t.match(page, /Sam of Stoke/);
  t.notMatch(page, /Quin|Nora|The network itself|Queen Elizabeth/);
  for (const name of ['Quin of Queen Elizabeth', 'Nora Network', 'nobody'])
    for (const path of ['link', 'sign-out', 'drop'])
      t.equal((await admin.post(`/people/${path}`, { name })).status, 404, `${path} ${name}`);
  t.equal((await queen.get('/account')).status, 200);
  t.equal((await network.get('/account')).status, 200);
  const wishes = [{ trust: 'RRK' }, { trust: 'network' }];
  for (const wish of wishes) {
    const answer = await admin.post('/people', { name: 'New', role: 'admin', ...wish });
    t.equal(answer.status, 403, wish.trust);
  }
  // The name of another's account would take it over.
  const taken = { name: 'Nora Network', role: 'booker', trust: 'RJE' };
  const answer = await admin.post('/people', taken);
  t.equal(answer.status, 422);
  t.match(await answer.text(), /There is an account of this name already/);
  t.equal(hub.access.accounts.find('Nora Network')?.role, 'admin');
  t.equal((await admin.post('/people', { name: 'New', role: 'king', trust: 'RJE' })).status, 422);
  // As who signs in at a provider is called, and as what looks like another.
  for (const name of ['Ben (7)', ' Nora Network', 'Nora  Network', 'Nora\u200b Network', '']) {
    const answer = await admin.post('/people', { name, role: 'booker', trust: 'RJE' });
    t.equal(answer.status, 422, JSON.stringify(name));
  }
});

t.test(
  'who comes from an identity provider is seen and signed out, and gets no link',
  async (t) => {
    const { hub, network } = await start(t);
    const browser = new Browser(hub);
    const told = { role: 'clinician', trust: 'RRK' };
    const { session } = hub.access.sessions.begin(
      { person: 'Ben (7)', method: 'oidc', assurance: 2, authenticatedAt: Date.now(), told },
      { address: null, browser: null },
    );
    browser.cookie = `cdip-session=${session}`;
    t.match(await (await network.get('/people')).text(), /Ben \(7\)[\s\S]*their organisation/);
    t.equal((await network.post('/people/link', { name: 'Ben (7)' })).status, 403);
    t.equal((await browser.get('/account')).status, 200);
    await network.post('/people/sign-out', { name: 'Ben (7)' });
    t.equal((await browser.get('/account')).status, 303);
  },
);
