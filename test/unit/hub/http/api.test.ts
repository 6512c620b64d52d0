import { connect } from 'node:net';
import t from 'tap';
import { type FakeHub, KEY, LINK, SESSION, startFakeHub } from './fake-hub.ts';
import { seedStudy } from './seed-study.ts';

const withHub = async (tap: Tap, options = {}): Promise<FakeHub> => {
  const hub = await startFakeHub(options);
  tap.teardown(() => hub.stop());
  return hub;
};
type Tap = Pick<typeof t, 'teardown'>;
const json = { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' };
const order = {
  studyInstanceUID: '1.2.3',
  to: { trust: 'RRK' },
  priority: 'urgent',
  purpose: 'direct care',
};

t.test('every error is problem details with a stable code', async (t) => {
  const hub = await withHub(t);
  const problem = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(hub.url + path, { headers: json, ...init });
    t.match(answer.headers.get('content-type'), 'application/problem+json', path);
    const body = (await answer.json()) as Record<string, unknown>;
    t.equal(body['status'], answer.status, path);
    t.ok(body['title'] && body['detail'], path);
    return { ...body, allow: answer.headers.get('allow') };
  };
  t.match(await problem('/api/none'), { status: 404, code: 'NOT_FOUND' });
  t.match(await problem('/viewer/none.js'), { status: 404, code: 'NOT_FOUND' }, 'no such file');
  t.match(await problem('/api/completeness', { method: 'PUT' }), {
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    allow: 'GET',
  });
  t.match(await problem('/api/fetches', { method: 'POST', body: '{"a":' }), {
    status: 400,
    code: 'MALFORMED_JSON',
  });
  t.match(await problem('/api/fetches', { method: 'POST', body: `"${'x'.repeat(300_000)}"` }), {
    status: 413,
    code: 'BODY_TOO_LARGE',
  });
  t.match(
    await problem('/api/fetches', {
      method: 'POST',
      body: 'x',
      headers: { ...json, 'content-type': 'application/dicom' },
    }),
    { status: 415, code: 'MEDIA_TYPE_UNSUPPORTED' },
  );
  t.match(await problem('/api/studies/%ZZ'), { status: 400, code: 'MALFORMED_REQUEST' });
  t.match(await problem('/api/studies', { headers: {} }), { status: 401, code: 'UNAUTHENTICATED' });
  t.match(await problem('/api/studies', { headers: { authorization: 'Bearer wrong' } }), {
    status: 401,
  });
  t.match(await problem('/api/studies?nhsNumber=9434765910'), {
    status: 400,
    code: 'INVALID_NHS_NUMBER',
  });
  t.match(await problem('/api/fetches/none'), { status: 404, code: 'FETCH_UNKNOWN' });
  t.match(
    await problem('/api/fetches', {
      method: 'POST',
      body: JSON.stringify({ ...order, studyInstanceUID: '1.2.404' }),
    }),
    { status: 404, code: 'STUDY_UNKNOWN' },
  );
});

t.test('validation lists every fault with its path', async (t) => {
  const hub = await withHub(t);
  const body = JSON.stringify({
    studyInstanceUID: '',
    to: { trust: 'nowhere', port: 1 },
    priority: 'soon',
    localPatient: { patientId: 'a\\b', birthDate: '19581331' },
    extra: 1,
  });
  const answer = await fetch(`${hub.url}/api/fetches`, { method: 'POST', headers: json, body });
  const { faults } = (await answer.json()) as { faults: { path: string; code: string }[] };
  t.equal(answer.status, 400);
  const paths = faults.map((fault) => fault.path);
  for (const path of [
    'body.studyInstanceUID',
    'body.to.trust',
    'body.to.port',
    'body.priority',
    'body.purpose',
    'body.localPatient.patientId',
    'body.localPatient.birthDate',
    'body.extra',
  ])
    t.ok(paths.includes(path), path);
  const unknown = await hub.get('/api/studies?nhsNo=1&limit=0&from=20261301');
  const names = ((await unknown.json()) as { faults: { path: string }[] }).faults;
  t.same(names.map((fault) => fault.path).sort(), ['query.from', 'query.limit', 'query.nhsNo']);
});

t.test('a bug tells the client nothing', async (t) => {
  const hub = await withHub(t);
  hub.state.breaks = true;
  const answer = await hub.get('/api/completeness');
  const text = await answer.text();
  t.equal(answer.status, 500);
  t.match(text, 'INTERNAL');
  t.notMatch(text, /SMITH|secret|Error|\.ts/);
});

t.test('what the access rules refuse is 403', async (t) => {
  const hub = await withHub(t);
  hub.state.refuse = 'an analyst sees no patients';
  const answer = await hub.get('/api/studies?studyInstanceUID=1');
  t.equal(answer.status, 403);
  t.match(await answer.json(), { code: 'FORBIDDEN', detail: 'an analyst sees no patients' });
});

t.test('every answer carries the security headers', async (t) => {
  const hub = await withHub(t);
  for (const path of ['/api/none', '/sign-in', '/assets/style.css', '/api/studies', '/api/%ZZ']) {
    const { headers } = await fetch(hub.url + path);
    const policy = headers.get('content-security-policy') ?? '';
    t.match(policy, "default-src 'none'", path);
    t.notMatch(policy, /unsafe|https?:/, path);
    t.equal(headers.get('x-content-type-options'), 'nosniff', path);
  }
});

t.test('a request with a cookie that another site started is refused', async (t) => {
  const hub = await withHub(t);
  const send = (headers: Record<string, string>) =>
    fetch(`${hub.url}/api/fetches`, {
      method: 'POST',
      headers: {
        ...headers,
        cookie: `cdip-session=${SESSION}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(order),
    });
  t.equal((await send({ 'sec-fetch-site': 'cross-site' })).status, 403);
  t.equal((await send({ origin: 'https://elsewhere.example' })).status, 403);
  t.equal((await send({ origin: 'null' })).status, 403);
  t.equal((await send({ referer: 'https://elsewhere.example/page' })).status, 403);
  t.equal((await send({ 'sec-fetch-site': 'same-origin' })).status, 202);
});

t.test('an answer over several trusts says who did not answer', async (t) => {
  const hub = await withHub(t);
  seedStudy(hub.db, { trust: 'RJE', uid: '1.2.3' });
  const found = (await (await hub.get('/api/studies?nhsNumber=943%20476%205919')).json()) as {
    studies: Record<string, unknown>[];
    answered: object[];
    total: number;
  };
  t.equal(found.total, 1);
  t.match(found.studies[0], {
    home: 'RJE',
    trustName: 'Royal Stoke',
    studyDate: '2026-01-31',
    studyTime: '10:15:00',
    numberOfSeries: 1,
    numberOfInstances: 300,
    copies: [],
  });
  t.match(found.answered, [
    { trust: 'RRK', ok: true },
    { trust: 'RJE', ok: true },
    { trust: 'RXK', ok: false, asOf: '2026-03-02T10:42:00.000Z', reason: 'no heartbeat' },
  ]);
  const missing = await hub.get('/api/studies/9.9');
  t.equal(missing.status, 404);
  t.match(await missing.json(), { code: 'STUDY_UNKNOWN', answered: [{}, {}, { ok: false }] });
  t.match(await (await hub.get('/api/patients/9434765919')).json(), {
    nhsNumber: '9434765919',
    studies: [{}],
    answered: [{}, {}, {}],
  });
});

t.test('a fetch is ordered, read, given a patient and cancelled', async (t) => {
  const hub = await withHub(t);
  const neededBy = '2026-03-02T12:00:00+01:00';
  const localPatient = { patientId: '77', birthDate: '1958-01-31' };
  const made = await fetch(`${hub.url}/api/fetches`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ ...order, neededBy, localPatient }),
  });
  t.equal(made.status, 202);
  const address = made.headers.get('location') ?? '';
  t.match(address, /^\/api\/fetches\/f1$/);
  t.match(hub.fetches.asked[0], {
    neededBy: '2026-03-02T11:00:00.000Z',
    localPatient: { birthDate: '19580131' },
  });
  t.match(await (await hub.get(address)).json(), { state: 'authorised', to: { trust: 'RRK' } });
  const patch = () =>
    fetch(hub.url + address, {
      method: 'PATCH',
      headers: json,
      body: JSON.stringify({ localPatient: { patientId: '77' } }),
    });
  t.equal((await patch()).status, 409, 'it is not held');
  hub.fetches.move('f1', 'held', {});
  t.match(await (await patch()).json(), { state: 'coercing' });
  const listed = await (await hub.get('/api/fetches?state=coercing&trust=RRK')).json();
  t.match(listed, { total: 1, fetches: [{ fetchId: 'f1' }] });
  const ended = await fetch(hub.url + address, { method: 'DELETE', headers: json });
  t.match(await ended.json(), { state: 'cancelled' });
});

t.test('a sign-in link survives being looked at, works once, and leads back', async (t) => {
  const hub = await withHub(t);
  const led = await hub.get('/fetches?state=held', { accept: 'text/html' });
  t.equal(led.status, 303);
  t.equal(led.headers.get('location'), '/sign-in?next=%2Ffetches%3Fstate%3Dheld');
  for (let scan = 0; scan < 3; scan += 1)
    t.equal((await hub.get(`/sign-in/${LINK}`, {})).status, 200);
  const use = () =>
    fetch(`${hub.url}/sign-in/${LINK}?next=//evil.example`, { method: 'POST', redirect: 'manual' });
  const used = await use();
  t.equal(used.headers.get('location'), '/', 'never to another host');
  t.match(used.headers.get('set-cookie'), /HttpOnly; SameSite=Strict/);
  t.equal((await use()).status, 410);
  t.equal((await hub.get(`/sign-in/${LINK}`, {})).status, 410);
});

t.test('ready follows the projection, live does not', async (t) => {
  const hub = await withHub(t);
  t.equal((await hub.get('/health/ready', {})).status, 200);
  hub.state.connected = false;
  const answer = await hub.get('/health/ready', {});
  t.equal(answer.status, 503);
  t.match(await answer.json(), { code: 'NOT_READY' });
  t.equal((await hub.get('/health/live', {})).status, 200);
});

t.test('the numbers name routes, never addresses, and are for this machine', async (t) => {
  const hub = await withHub(t);
  await (await hub.get('/api/patients/9434765919')).text();
  const text = await (await hub.get('/metrics', {})).text();
  t.match(text, 'route="/api/patients/:nhsNumber"');
  t.notMatch(text, '9434765919');
  t.equal((await hub.get('/metrics', { 'x-forwarded-for': '10.0.0.1' })).status, 403);
});

t.test('the OpenAPI description holds every route that is served', async (t) => {
  const hub = await withHub(t);
  const api = (await (await hub.get('/api/openapi.json', {})).json()) as {
    openapi: string;
    paths: Record<string, Record<string, { parameters: { name: string }[] }>>;
  };
  t.equal(api.openapi, '3.1.0');
  for (const path of ['/api/studies/{uid}', '/api/fetches/{id}', '/api/events', '/api/enrol'])
    t.ok(api.paths[path], path);
  const names = api.paths['/api/studies']?.['get']?.parameters.map((one) => one.name);
  t.ok(names?.includes('nhsNumber') && names.includes('modality'));
});

t.test('bytes that are not HTTP get a 400 and the end of the connection', async (t) => {
  const hub = await withHub(t);
  const socket = connect(Number(new URL(hub.url).port), '127.0.0.1');
  socket.end('\x01\x00\x00\x00\x00garbage\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += chunk;
  t.match(text, /^HTTP\/1\.1 400 /);
  t.match(text, 'MALFORMED_REQUEST');
  t.equal((await hub.get('/health/live', {})).status, 200);
});
