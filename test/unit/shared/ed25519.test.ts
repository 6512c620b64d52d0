/** Our nkeys against those of the NATS library. */
import { verify } from 'node:crypto';
import { createUser, fromPublic } from '@nats-io/nkeys';
import t from 'tap';
import { keyOfSeed, nkeyAuthenticator, nkeyOf, publicKeyOf } from '../../../shared/ed25519.ts';

t.test("a seed's key is named and signs as the library says", async (t) => {
  for (let i = 0; i < 20; i += 1) {
    const user = createUser();
    const nkey = nkeyOf(keyOfSeed(user.getSeed()));
    t.equal(nkey, user.getPublicKey());
    const said = nkeyAuthenticator(user.getSeed())('a nonce');
    t.match(said, { nkey });
    const signature = Buffer.from((said as { sig: string }).sig, 'base64');
    t.ok(fromPublic(nkey).verify(Buffer.from('a nonce'), signature));
    t.ok(verify(null, Buffer.from('a nonce'), publicKeyOf(nkey), signature));
    t.notOk(fromPublic(nkey).verify(Buffer.from('another'), signature));
  }
});

t.test('what is no seed is no key', async (t) => {
  const seed = Buffer.from(createUser().getSeed());
  seed[20] = seed[20] === 65 ? 66 : 65;
  t.throws(() => keyOfSeed(seed));
  t.throws(() => nkeyAuthenticator(Buffer.from('')));
});
