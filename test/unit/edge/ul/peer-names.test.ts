import { createServer } from 'node:net';
import t from 'tap';
import { PeerNames } from '../../../../edge/ul/peer-names.ts';
import { Collector, request } from './fixture.ts';

type Answer = Parameters<ConstructorParameters<typeof PeerNames>[0] & object>[2];

const found = (names: PeerNames, name: string): Promise<string> =>
  new Promise((resolve, reject) => {
    names.lookup(name, {}, (error, address) => {
      if (error === null) resolve(String(address));
      else reject(error);
    });
  });

t.test('one name at a time is looked up, however many do not answer', async (t) => {
  const open: [name: string, answer: Answer][] = [];
  const names = new PeerNames((name, _options, answer) => void open.push([name, answer]));
  const all = ['a', 'b', 'c', 'b'].map((name) => found(names, name));
  t.strictSame(
    open.map(([name]) => name),
    ['a'],
  );
  open[0]?.[1](Object.assign(new Error('no'), { code: 'ETIMEOUT' }), []);
  t.strictSame(
    open.map(([name]) => name),
    ['a', 'b'],
  );
  open[1]?.[1](null, [{ address: '10.0.0.2', family: 4 }]);
  open[2]?.[1](null, [{ address: '10.0.0.3', family: 4 }]);
  await t.rejects(all[0] as Promise<string>, { code: 'ETIMEOUT' });
  t.strictSame(await Promise.all(all.slice(1)), ['10.0.0.2', '10.0.0.3', '10.0.0.2']);
});

t.test('a name that was found is called at its last address when DNS is silent', async (t) => {
  let answers = true;
  const names = new PeerNames((_name, _options, answer) => {
    if (answers) answer(null, [{ address: '10.0.0.2', family: 4 }]);
  }, 20);
  t.equal(await found(names, 'pacs'), '10.0.0.2');
  answers = false;
  t.equal(await found(names, 'pacs'), '10.0.0.2');
  t.equal(await found(names, 'pacs'), '10.0.0.2', 'and the next one is not held up by the first');
});

t.test('a peer by its name is reached', async (t) => {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  const reached = request(port, new Collector(), { host: 'localhost' });
  await t.rejects(reached, { code: 'ASSOCIATION_ABORTED' });
});
