/** The hub's port speaks HTTP/1.1 and HTTP/2, by what the client begins with. */
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { eventually } from '../../../support/eventually.ts';
import { KEY, SESSION, startFakeHub } from './fake-hub.ts';

const AUTHORIZED = { authorization: `Bearer ${KEY}` };

async function ask(session: ClientHttp2Session, path: string, headers: object = AUTHORIZED) {
  const stream = session.request({ ':path': path, ...headers });
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
  return { status: head[':status'], head, body: await text(stream) };
}

t.test('many requests over one connection, answered as over HTTP/1.1', async (t) => {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  const session = connect(hub.url);
  const paths = ['/api/openapi.json', '/api/fetches', '/api/none', '/dicom-web/studies'];
  const answers = await Promise.all(paths.map((path) => ask(session, path)));
  for (const [at, path] of paths.entries()) {
    const other = await fetch(hub.url + path, { headers: AUTHORIZED });
    t.equal(answers[at]?.status, other.status, path);
    t.equal(answers[at]?.body, await other.text(), path);
    t.equal(
      answers[at]?.head['content-security-policy'],
      other.headers.get('content-security-policy'),
    );
  }
  t.equal((await ask(session, '/api/fetches', {})).status, 401, 'nobody is let in without a key');
  const cookie = { cookie: `cdip-session=${SESSION}`, ':method': 'POST' };
  const { host } = new URL(hub.url);
  t.match(await ask(session, '/api/fetches', { ...cookie, origin: 'http://other.test' }), {
    body: /CROSS_SITE/,
  });
  t.notMatch(
    (await ask(session, '/api/fetches', { ...cookie, origin: `http://${host}` })).body,
    /CROSS_SITE/,
  );
  session.close();
  await once(session, 'close');
});

t.test('live events come over it, and the hub ends though a client stays connected', async (t) => {
  const hub = await startFakeHub();
  const session = connect(hub.url);
  const stream = session.request({ ':path': '/api/events', ...AUTHORIZED });
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
  t.match(head, { ':status': 200, 'content-type': /text\/event-stream/ });
  const idle = connect(hub.url);
  await once(idle, 'connect');
  const ended = Promise.all([once(session, 'close'), once(idle, 'close')]);
  stream.resume();
  await hub.stop();
  await ended;
});

t.test('requests that come byte by byte, and bytes of no version', async (t) => {
  const hub = await startFakeHub();
  t.teardown(() => hub.stop());
  const { port } = new URL(hub.url);
  const say = async (bytes: string): Promise<string> => {
    const socket = connectTcp(Number(port), '127.0.0.1').setNoDelay(true);
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    for (const byte of bytes) {
      socket.write(byte);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await eventually('it answers', () => answer !== '' || socket.closed);
    socket.destroy();
    return answer;
  };
  const host = `host: 127.0.0.1:${port}`;
  t.match(await say(`GET /health/live HTTP/1.1\r\n${host}\r\n\r\n`), /^HTTP\/1\.1 200 /);
  t.match(await say('PRIVATE / HTTP/1.1\r\n\r\n'), /^$|GOAWAY|^\0/, 'no HTTP/2 after all: ended');
  t.match(await say('\x16\x03\x01\x02\x00'), /^HTTP\/1\.1 400 /, 'TLS at a port without it');
  const probe = connectTcp(Number(port), '127.0.0.1').end();
  probe.resume();
  await once(probe, 'close', { signal: AbortSignal.timeout(10_000) });
  t.equal((await fetch(`${hub.url}/health/live`)).status, 200, 'the next one is served');
});
