/** The hub's certificate authority: OpenSSL and Node take what it issues, as clients only. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openAccessDatabase } from '../../../../hub/access/access.ts';
import { openCertificateAuthority } from '../../../../hub/access/certificate-authority.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { missingPeer } from '../../../support/missing-peer.ts';

const DAY_MS = 86_400_000;

t.test('a certificate says which edge holds a key, until the key ends', async (t) => {
  const db = openAccessDatabase(t.testdir());
  t.teardown(() => void db.close());
  const authority = openCertificateAuthority(db, systemClock);
  const edge = generateKeyPairSync('ed25519');
  const endsAt = Math.floor((Date.now() + 90 * DAY_MS) / 1000) * 1000;
  const issued = new X509Certificate(authority.issue('RRK', edge.publicKey, endsAt));
  const ca = new X509Certificate(authority.certificate);
  t.equal(issued.subject, 'CN=RRK');
  t.ok(issued.checkIssued(ca) && issued.verify(ca.publicKey));
  t.ok(issued.checkPrivateKey(edge.privateKey));
  t.equal(Date.parse(issued.validTo), endsAt);
  t.equal(issued.ca, false);
  t.equal(ca.ca, true);
  const late = new X509Certificate(
    authority.issue('RRK', edge.publicKey, Date.parse('2060-01-01T00:00:00Z')),
  );
  t.equal(new Date(late.validTo).toISOString(), '2060-01-01T00:00:00.000Z');
  t.not(late.serialNumber, issued.serialNumber);
  t.equal(
    openCertificateAuthority(db, systemClock).certificate,
    authority.certificate,
    'the same after a restart',
  );
});

t.test(
  'OpenSSL takes it for a client, and for no server',
  { skip: missingPeer('openssl') },
  (t) => {
    const directory = t.testdir();
    const db = openAccessDatabase(directory);
    t.teardown(() => void db.close());
    const authority = openCertificateAuthority(db, systemClock);
    const { publicKey } = generateKeyPairSync('ed25519');
    const [ca, leaf] = [join(directory, 'ca.pem'), join(directory, 'leaf.pem')];
    writeFileSync(ca, authority.certificate);
    writeFileSync(leaf, authority.issue('RJE', publicKey, Date.now() + DAY_MS));
    const verify = (purpose: string): number | null =>
      spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', ca, '-purpose', purpose, leaf])
        .status;
    t.equal(verify('sslclient'), 0);
    t.not(verify('sslserver'), 0);
    t.end();
  },
);
