/** Methods that an address does not serve, HEAD, and what other sites ask before they ask: none of them opens anything. */
import t from 'tap';
import { startFakeHub } from './fake-hub.ts';

/** What a browser asks before another site's script may ask. */
const PREFLIGHT = { origin: 'https://other.example', 'access-control-request-method': 'GET' };
const METHODS = ['HEAD', 'OPTIONS', 'PATCH', 'PUT', 'DELETE'];

t.test('no method that an address does not serve tells anything, to nobody', async (t) => {
  const hub = await startFakeHub({ principals: new Map() });
  t.teardown(() => hub.stop());
  const served = new Set(hub.routes);
  const patterns = [...new Set(hub.routes.map((route) => route.split(' ')[1] ?? ''))];
  t.ok(patterns.length > 100, `${patterns.length} addresses`);
  const ask = async (method: string, pattern: string) => {
    const path = pattern.replaceAll(/:\w+|\*/g, 'x');
    const answer = await fetch(hub.url + path, {
      ...{ method, redirect: 'manual', signal: AbortSignal.timeout(10_000) },
      headers: method === 'OPTIONS' ? PREFLIGHT : {},
    });
    await answer.body?.cancel();
    return answer;
  };
  for (const pattern of patterns)
    for (const method of METHODS) {
      if (method !== 'HEAD' && served.has(`${method} ${pattern}`)) continue;
      const { status, headers } = await ask(method, pattern);
      t.equal(headers.get('access-control-allow-origin'), null, `${method} ${pattern}`);
      if (method !== 'HEAD') t.ok([404, 405].includes(status), `${method} ${pattern}: ${status}`);
      else if (status < 300)
        t.ok((await ask('GET', pattern)).ok, `HEAD ${pattern} tells what is open to everybody`);
    }
  t.strictSame(hub.bugs, []);
});
