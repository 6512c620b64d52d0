/** Where a request comes from: headers that proxies and browsers set, and what nobody can say of himself. */
import t from 'tap';
import { isOfAnotherSite, isOnThisMachine } from '../../../shared/request-origin.ts';

const host = '127.0.0.1:8080';

t.test(
  'a connection from this machine is its own, unless a proxy passes somebody on',
  async (t) => {
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])
      t.ok(isOnThisMachine(address, { host }), address);
    for (const address of ['10.0.0.127', '1.127.0.0', '::ffff:10.0.0.1', 'fe80::1', '', undefined])
      t.notOk(isOnThisMachine(address, { host }), `${address}`);
    for (const name of ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via', 'forwarded'])
      t.notOk(isOnThisMachine('127.0.0.1', { host, [name]: '127.0.0.1' }), name);
  },
);

t.test('what another site started is told by whatever the browser says', async (t) => {
  const own = [
    ...[{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin', origin: 'null' }],
    ...[{ origin: `http://${host}` }, { referer: `http://${host}/page` }],
  ];
  for (const headers of own)
    t.notOk(isOfAnotherSite({ host, ...headers }), JSON.stringify(headers));
  const others = [
    ...[{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }],
    ...[{ 'sec-fetch-site': '' }, { origin: 'null' }, { origin: 'https://other.example' }],
    ...[{ origin: 'http://127.0.0.1:9999' }, { referer: 'https://other.example/?x' }],
    { origin: 'https://other.example', referer: `http://${host}/page` },
  ];
  for (const headers of others)
    t.ok(isOfAnotherSite({ host, ...headers }), JSON.stringify(headers));
});
