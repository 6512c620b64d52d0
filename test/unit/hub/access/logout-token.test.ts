/** What a logout token has to be, and what is none. OpenID Connect Back-Channel Logout 1.0 §2.6. */
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import t from 'tap';
import {
  hashAt,
  LOGOUT_EVENT,
  providerSessionOf,
  readLogoutToken,
} from '../../../../hub/access/logout-token.ts';

const ISSUER = 'https://idp.example';
const NOW = Date.parse('2026-11-27T12:00:00Z');
const seconds = NOW / 1000;
const GOOD = {
  ...{ iss: ISSUER, aud: 'cdip', iat: seconds - 5, exp: seconds + 115, jti: 'j1', sub: 'u1' },
  ...{ sid: 's1', events: { [LOGOUT_EVENT]: {} } },
};

async function provider() {
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k' }] });
  const read = async (
    claims: object,
    header: object = {},
    key: Parameters<SignJWT['sign']>[0] = privateKey,
  ) => {
    const token = await new SignJWT(JSON.parse(JSON.stringify(claims)) as JWTPayload)
      .setProtectedHeader({ alg: 'ES256', kid: 'k', typ: 'logout+jwt', ...header })
      .sign(key);
    const asked = { issuer: ISSUER, clientId: 'cdip', now: NOW, toleranceSeconds: 30 };
    return readLogoutToken(token, keys, asked);
  };
  return { read };
}

t.test('names the session, the person, or both, as a sign-in of them was kept', async (t) => {
  const { read } = await provider();
  const kept = providerSessionOf({ iss: ISSUER, sub: 'u1', sid: 's1' });
  t.match(await read(GOOD), kept);
  t.match(await read({ ...GOOD, sid: undefined }), { ...kept, sidHash: null });
  t.match(await read({ ...GOOD, sub: undefined }), { ...kept, subjectHash: null });
  t.match(await read({ ...GOOD, aud: ['cdip', 'another'] }), kept);
  t.match(await read(GOOD, { typ: 'JWT' }), kept, 'of a provider that does not name the kind');
  t.not(hashAt(ISSUER, 'sub', 'u1'), hashAt('https://other.example', 'sub', 'u1'));
  const { token } = await read({ ...GOOD, exp: seconds + 86_400 });
  t.ok(token.untilMs > NOW + 600_000, 'remembered for as long as it would be taken');
});

t.test('what is wrong with it is refused', async (t) => {
  const { read } = await provider();
  const stranger = (await generateKeyPair('ES256')).privateKey;
  for (const [what, claims] of [
    ['of another issuer', { iss: 'https://other.example' }],
    ['without an issuer', { iss: undefined }],
    ['for another client', { aud: 'another' }],
    ['without an audience', { aud: undefined }],
    ['without a time', { iat: undefined }],
    ['of an hour ago', { iat: seconds - 3_600 }],
    ['of the future', { iat: seconds + 300, exp: seconds + 400 }],
    ['that has ended', { exp: seconds - 60 }],
    ['without an end', { exp: undefined }],
    ['without an identifier', { jti: undefined }],
    ['with an empty identifier', { jti: '' }],
    ['with a nonce', { nonce: 'n' }],
    ['without an event', { events: undefined }],
    ['of another event', { events: { 'https://example.org/other': {} } }],
    ['whose event is no object', { events: { [LOGOUT_EVENT]: true } }],
    ['of nobody', { sub: undefined, sid: undefined }],
    ['whose subject is a number', { sub: 7 }],
  ] as const)
    await t.rejects(read({ ...GOOD, ...claims }), what);
  await t.rejects(read(GOOD, {}, stranger), 'signed by somebody else');
  await t.rejects(read(GOOD, { typ: 'at+jwt' }), 'of another kind');
  const shared = new TextEncoder().encode('a secret of client and provider alone');
  await t.rejects(read(GOOD, { alg: 'HS256' }, shared), 'signed with a shared secret');
});
