/** Urgent studies while no hub answers: what an edge may sign itself, and what nobody takes. shared/contract/unaided.ts. */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { generateKeyPair, SignJWT } from 'jose';
import t, { type Test } from 'tap';
import { UnaidedFetches } from '../../../../edge/commands/unaided-fetch.ts';
import { proverWith } from '../../../../edge/transfer/proof.ts';
import { MAX_AN_HOUR, UnaidedLog } from '../../../../edge/transfer/unaided-log.ts';
import { signUnaidedTicket } from '../../../../edge/transfer/unaided-ticket.ts';
import { systemClock } from '../../../../shared/clock.ts';
import type { FetchCommand } from '../../../../shared/contract/commands.ts';
import type { Directory } from '../../../../shared/contract/rpc.ts';
import { UNAIDED_TICKET_TYPE } from '../../../../shared/contract/unaided.ts';
import { smallObject } from '../../../support/storage-fixture.ts';
import {
  directory,
  hubKeys,
  presenting,
  READER_NKEY,
  readerKey,
  STUDY,
  serveStudies,
  startSource,
  ticket,
  usedTicketTables,
} from './transfer-fixture.ts';

const HOUR = 3_600;
const MANIFEST = `/transfer/v1/studies/${STUDY}/manifest?home=RRK`;
const KNOWN: Directory = {
  ...directory,
  trusts: ['RRK', 'RJE'].map((ods) => ({ ods, name: ods, httpUrl: `http://${ods}.example/` })),
};
const anotherKey = generateKeyPairSync('ed25519').privateKey;
const strangerKey = (await generateKeyPair('EdDSA', { crv: 'Ed25519' })).privateKey;
const seconds = (): number => Math.floor(Date.now() / 1000);

interface DelegationFields {
  sub?: string;
  nkey?: string;
  aud?: string;
  typ?: string;
  expiresIn?: number;
  key?: Parameters<SignJWT['sign']>[0];
}

/** As the hub signs it. */
function delegation(over: DelegationFields = {}): Promise<string> {
  const { sub = 'RJE', nkey = READER_NKEY, expiresIn = HOUR } = over;
  return new SignJWT({ cnf: { nkey } })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'k1', typ: over.typ ?? 'cdip-delegation+jwt' })
    .setIssuer('cdip-hub')
    .setAudience(over.aud ?? 'cdip-unaided')
    .setSubject(sub)
    .setIssuedAt(seconds() - HOUR)
    .setExpirationTime(seconds() + expiresIn)
    .sign(over.key ?? hubKeys.privateKey);
}

interface Fields {
  delegation?: string | undefined;
  key?: KeyObject;
  sub?: string;
  iss?: string;
  aud?: string;
  study?: string;
  home?: string;
  priority?: string;
  fetch?: string;
  cnf?: object;
  by?: string | null;
  age?: number;
  lasts?: number;
}

/** What an edge that keeps to no rule may sign. */
async function signed(over: Fields = {}): Promise<string> {
  const { sub = 'RJE', iss = sub, aud = 'RRK', study = STUDY, home = 'RRK' } = over;
  const { priority = 'urgent', fetch = 'unaided-1', age = 0, lasts = 600, cnf } = over;
  const by = over.by === null ? {} : { by: over.by ?? 'Dr Ada Okafor' };
  const claims = { study, home, fetch, priority, ...by, reason: 'theatre', ...(cnf && { cnf }) };
  return new SignJWT({ ...claims, delegation: over.delegation ?? (await delegation()) })
    .setProtectedHeader({ alg: 'EdDSA', typ: UNAIDED_TICKET_TYPE })
    .setIssuer(iss)
    .setSubject(sub)
    .setAudience(aud)
    .setJti(randomUUID())
    .setIssuedAt(seconds() - age)
    .setExpirationTime(seconds() - age + lasts)
    .sign(over.key ?? readerKey);
}

async function world(t: Test, told: Directory = KNOWN) {
  const source = await startSource(t);
  await source.send(smallObject(1));
  const log = new UnaidedLog(usedTicketTables(), Date.now);
  const served = await serveStudies(t, 'RRK', source, { directory: told, unaided: log });
  return { source, log, url: served.url };
}

async function answer(url: string, given: string, by?: KeyObject): Promise<string> {
  const prover = by === undefined ? {} : { by: proverWith(() => by) };
  const headers = await presenting(given, MANIFEST, prover);
  const response = await fetch(url + MANIFEST, { headers });
  const body = (await response.json()) as { code?: string };
  return `${response.status} ${body.code ?? ''}`.trim();
}

t.test(
  'what an edge signs by its delegation opens the study, and is written down first',
  async (t) => {
    const { log, url } = await world(t);
    const given = await signUnaidedTicket(
      {
        ...{ aud: 'RRK', sub: 'RJE', study: STUDY, home: 'RRK', fetch: 'unaided-1' },
        ...{ by: 'Dr Ada Okafor', reason: 'theatre' },
      },
      { delegation: await delegation(), key: readerKey, clock: systemClock },
    );
    t.equal(await answer(url, given), '200');
    t.match(log.untold(), [
      {
        ...{ side: 'source', other: 'RJE', fetchId: 'unaided-1', studyInstanceUID: STUDY },
        ...{ home: 'RRK', by: 'Dr Ada Okafor', reason: 'theatre', at: /Z$/ },
      },
    ]);
    t.equal(await answer(url, await signed()), '200', 'it goes on with a fresh ticket');
    t.equal(log.untold().length, 1, 'and is still one fetch');
    const [told] = log.untold();
    if (told !== undefined) log.told(told);
    t.same(log.untold(), [], 'once told it is not told again');
  },
);

const hubsTicket = await ticket();
const REFUSED: readonly [string, Fields, string][] = [
  ['by no delegation', { delegation: 'none' }, '401 TICKET_MALFORMED'],
  [
    'by a delegation that somebody else signed',
    { delegation: await delegation({ key: strangerKey }) },
    '401 TICKET_SIGNATURE',
  ],
  [
    'by a delegation that the edge signed itself',
    { delegation: await delegation({ key: readerKey }) },
    '401 TICKET_SIGNATURE',
  ],
  [
    'by one that has run out',
    { delegation: await delegation({ expiresIn: -60 }) },
    '401 TICKET_EXPIRED',
  ],
  ['by a ticket of the hub in its place', { delegation: hubsTicket }, '401 TICKET_MALFORMED'],
  [
    'by a delegation for something else',
    { delegation: await delegation({ aud: 'RRK' }) },
    '403 TICKET_OTHER_TRUST',
  ],
  [
    'by a delegation of another kind',
    { delegation: await delegation({ typ: 'JWT' }) },
    '401 TICKET_MALFORMED',
  ],
  ['in the name of another trust', { sub: 'RXK' }, '401 TICKET_MALFORMED'],
  ['by another issuer', { iss: 'cdip-hub' }, '401 TICKET_MALFORMED'],
  ['by another key than the delegation names', { key: anotherKey }, '401 TICKET_SIGNATURE'],
  ['for another trust', { aud: 'RXK' }, '403 TICKET_OTHER_TRUST'],
  ['for another study', { study: '2.999.7.2' }, '403 TICKET_OTHER_STUDY'],
  ["for what is another trust's", { home: 'RJE' }, '401 TICKET_MALFORMED'],
  ['not urgent', { priority: 'bulk' }, '401 TICKET_MALFORMED'],
  ['more than urgent', { priority: 'immediate' }, '401 TICKET_MALFORMED'],
  ['that has run out', { age: 700 }, '401 TICKET_EXPIRED'],
  ['for longer than the hub would', { lasts: 2_000 }, '401 TICKET_MALFORMED'],
  [
    'beyond the end of its delegation',
    { delegation: await delegation({ expiresIn: 60 }) },
    '401 TICKET_MALFORMED',
  ],
  ['without saying who wants it', { by: null }, '401 TICKET_MALFORMED'],
];

for (const [what, fields, expected] of REFUSED)
  t.test(`refuses a ticket that is signed ${what}`, async (t) => {
    const { log, url } = await world(t);
    t.equal(await answer(url, await signed(fields), fields.key), expected);
    t.same(log.untold(), [], 'nothing was read');
  });

t.test('refuses a ticket without the proof of its key, or with another one', async (t) => {
  const { url } = await world(t);
  const given = await signed({ cnf: { nkey: 'U'.padEnd(56, 'A') } });
  const bare = await fetch(url + MANIFEST, { headers: { authorization: `Bearer ${given}` } });
  t.match(await bare.json(), { code: 'TICKET_PROOF_MISSING' });
  t.equal(await answer(url, given, anotherKey), '403 TICKET_OTHER_EDGE');
  t.equal(await answer(url, given), '200', 'the key is the one that the hub named');
});

t.test('refuses an edge that is not in the directory, or was taken back', async (t) => {
  const gone = await world(t, { ...KNOWN, trusts: KNOWN.trusts.slice(0, 1) });
  t.equal(await answer(gone.url, await signed()), '401 TICKET_MALFORMED');
  const revoked = await world(t, { ...KNOWN, revokedKeys: [READER_NKEY] });
  t.equal(await answer(revoked.url, await signed()), '403 TICKET_REVOKED');
  t.same(revoked.log.untold(), []);
});

t.test('an edge whose configuration forbids it takes none', async (t) => {
  const source = await startSource(t);
  await source.send(smallObject(1));
  t.equal(await answer(source.url, await signed()), '403 TICKET_UNAIDED');
});

t.test('an edge in wrong hands gets no further than so many studies an hour', async (t) => {
  const { log, url } = await world(t);
  for (let at = 0; at < MAX_AN_HOUR; at += 1)
    t.equal(await answer(url, await signed({ fetch: `unaided-x${at}` })), '200');
  t.equal(await answer(url, await signed({ fetch: 'unaided-more' })), '403 TICKET_UNAIDED');
  t.equal(await answer(url, await signed({ fetch: 'unaided-x0' })), '200', 'what began goes on');
  t.equal(log.untold().length, MAX_AN_HOUR);
});

t.test('the receiving edge orders only while no hub answers, and writes it down', async (t) => {
  const log = new UnaidedLog(usedTicketTables(), Date.now);
  const taken: FetchCommand[] = [];
  const state = { isAllowed: true, answers: false, told: undefined as Directory | undefined };
  const wish = {
    ...{ studyInstanceUID: STUDY, source: 'RRK', by: 'Dr Ada Okafor', reason: 'theatre' },
  };
  const begin = (over: object = {}): Promise<string> =>
    new UnaidedFetches({
      ...{ trust: 'RJE', isAllowed: state.isAllowed, clock: systemClock, written: log },
      directory: { current: () => state.told },
      key: () => readerKey,
      isHubAnswering: async () => state.answers,
      take: async (command) => void taken.push(command),
    }).begin({ ...wish, ...over });

  await t.rejects(begin(), { code: 'SOURCE_UNKNOWN' }, 'it was never told of anybody');
  state.told = KNOWN;
  await t.rejects(begin(), { code: 'DELEGATION_MISSING' });
  state.told = { ...KNOWN, delegation: await delegation({ expiresIn: -1 }) };
  await t.rejects(begin(), { code: 'DELEGATION_MISSING' }, 'the hub was away for too long');
  state.told = { ...KNOWN, delegation: await delegation() };
  await t.rejects(begin({ source: 'RXK' }), { code: 'SOURCE_UNKNOWN' });
  await t.rejects(begin({ source: 'RJE' }), { code: 'SOURCE_UNKNOWN' }, 'not of itself');
  state.answers = true;
  await t.rejects(begin(), { code: 'HUB_ANSWERS' });
  state.answers = false;
  state.isAllowed = false;
  await t.rejects(begin(), { code: 'UNAIDED_OFF' });
  state.isAllowed = true;
  t.same([taken, log.untold()], [[], []], 'nothing was begun');

  const fetchId = await begin();
  t.match(taken, [{ fetchId, priority: 'urgent', source: { trust: 'RRK' }, home: 'RRK' }]);
  t.match(log.untold(), [{ side: 'reader', fetchId, other: 'RRK', by: 'Dr Ada Okafor' }]);
  const { url } = await world(t);
  t.equal(await answer(url, taken[0]?.ticket ?? ''), '200', 'the source takes its ticket');
});
