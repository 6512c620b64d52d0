/** Claims as NHS CIS2 and Entra ID tell them, mapped to who somebody is here. */
import t from 'tap';
import { type Claims, readIdentity } from '../../../../hub/access/oidc-claims.ts';
import { SignInSchema } from '../../../../hub/config-sign-in.ts';

const TRUSTS = ['RRK', 'RJE'];
const NAMED = { sub: 'u1', name: 'Ada Okafor', acr: '2' };

function read(config: object, claims: Claims, signed = claims) {
  const { oidc } = SignInSchema.parse({
    oidc: { issuer: 'https://idp.example', clientId: 'cdip', roleClaim: 'roles', ...config },
  });
  if (oidc === undefined) throw new Error('no configuration');
  return readIdentity({ signed, all: claims }, oidc, TRUSTS);
}

const CIS2 = {
  ...{ userClaim: 'nhsid_useruid', roleClaim: 'nhsid_nrbac_roles.role_code' },
  ...{
    trustClaim: 'nhsid_nrbac_roles.org_code',
    roles: { R5080: 'radiologist', R8000: 'clinician' },
  },
  selectedRole: {
    ...{ list: 'nhsid_nrbac_roles', id: 'person_roleid', selected: 'selected_roleid' },
  },
};
const CIS2_CLAIMS = {
  ...{ sub: '555036632103', nhsid_useruid: '555036632103', name: 'OKAFOR Ada (Dr)' },
  ...{ selected_roleid: '555254242106', authentication_assurance_level: '3', acr: 'AAL3_ANY' },
  nhsid_nrbac_roles: [
    { person_roleid: '555254242102', org_code: 'RRK', role_code: 'S8000:G8000:R8000' },
    { person_roleid: '555254242106', org_code: 'RJE', role_code: 'S0010:G0020:R5080' },
  ],
};

t.test('of a CIS2 smartcard with roles at two trusts the selected one counts', async (t) => {
  t.same(read(CIS2, CIS2_CLAIMS), {
    person: 'OKAFOR Ada (Dr) (555036632103)',
    ...{ role: 'radiologist', trust: 'RJE', assurance: 3 },
  });
  const other = { ...CIS2_CLAIMS, selected_roleid: '555254242102' };
  t.match(read(CIS2, other), { role: 'clinician', trust: 'RRK' });
  const none = { ...CIS2_CLAIMS, selected_roleid: undefined };
  t.throws(() => read(CIS2, none), { code: 'OIDC_CLAIM_MISSING', message: /selected_roleid/ });
  const unknown = { ...CIS2_CLAIMS, selected_roleid: '1' };
  t.throws(() => read(CIS2, unknown), { code: 'OIDC_CLAIM_MISSING' });
  const empty = { ...CIS2_CLAIMS, nhsid_nrbac_roles: undefined };
  t.throws(() => read(CIS2, empty), { code: 'OIDC_CLAIM_MISSING', message: /nhsid_nrbac_roles/ });
});

t.test('without a selection roles at two trusts are nobody', async (t) => {
  const { selectedRole: _, ...config } = CIS2;
  t.throws(() => read(config, CIS2_CLAIMS), { code: 'OIDC_TRUST', message: /choose one/ });
});

t.test('an Entra ID account: app roles, and a fixed organisation by its tenant', async (t) => {
  const config = {
    ...{ userClaim: 'preferred_username', trustClaim: 'tid' },
    trusts: { '8b2c-tenant': 'RRK', 'c0de-network': 'network' },
    roles: { 'cdip.admin': 'admin', 'cdip.radiology': 'radiologist' },
  };
  const claims = {
    ...{ sub: 'x', name: 'Ada Okafor', preferred_username: 'ada@trust.example' },
    ...{ roles: ['cdip.radiology'], tid: '8b2c-tenant', amr: ['pwd', 'mfa'] },
  };
  t.same(read(config, claims), {
    person: 'Ada Okafor (ada@trust.example)',
    ...{ role: 'radiologist', trust: 'RRK', assurance: 2 },
  });
  t.match(read(config, { ...claims, tid: 'c0de-network' }), { trust: null });
  const both = { ...claims, roles: ['cdip.radiology', 'cdip.admin'] };
  t.match(read(config, both), { role: 'admin' }, 'the first of the configuration');
  t.throws(() => read(config, { ...claims, amr: ['pwd'] }), { code: 'OIDC_ASSURANCE' });
});

t.test('nobody becomes one of the network, or of a trust that is none, by a word', async (t) => {
  const claims = { ...NAMED, roles: 'admin', trust: 'network' };
  for (const trust of ['network', 'NETWORK', '', 'RXX', ['RXX'], 7])
    t.throws(() => read({}, { ...claims, trust }), { code: 'OIDC_TRUST' }, String(trust));
  t.throws(() => read({}, { ...claims, trust: null }), { code: 'OIDC_CLAIM_MISSING' });
  t.match(read({}, { ...claims, trust: 'RRK' }), { trust: 'RRK', role: 'admin' });
  t.throws(() => read({ trusts: { A: 'RXX' } }, { ...claims, trust: 'A' }), { code: 'OIDC_TRUST' });
  for (const role of ['Admin', 'king', '__proto__', ['constructor']])
    t.throws(() => read({}, { ...claims, trust: 'RRK', roles: role }), { code: 'OIDC_ROLE' });
  t.throws(() => read({ trusts: { A: 'RRK' } }, { ...claims, trust: 'constructor' }), {
    code: 'OIDC_TRUST',
  });
});

t.test(
  'assurance is believed of the signed token alone, and unknown words are the lowest',
  async (t) => {
    const claims = { ...NAMED, roles: 'fleet', trust: 'RRK' };
    t.throws(() => read({}, { ...claims, acr: '3' }, { ...claims, acr: '1' }), {
      code: 'OIDC_ASSURANCE',
    });
    for (const acr of ['AAL9', 'toString', '', undefined, 4])
      t.throws(() => read({}, { ...claims, acr }), { code: 'OIDC_ASSURANCE' }, String(acr));
    t.match(read({ leastAssurance: 1 }, { ...claims, acr: 'AAL9' }), { assurance: 1 });
    const own = { assuranceClaims: ['acr'], assuranceLevels: { 'urn:gold': 3 } };
    t.match(read(own, { ...claims, acr: 'urn:gold' }), { assurance: 3 });
  },
);

t.test('a name has no control characters and no length without end', async (t) => {
  const claims = { ...NAMED, roles: 'fleet', trust: 'RRK', name: `A\nda${'x'.repeat(500)}` };
  const { person } = read({}, claims);
  t.match(person, /^A dax+ \(u1\)$/);
  t.ok(person.length < 100);
  t.equal(read({}, { ...claims, name: '\u202e\u0007' }).person, 'no name (u1)');
});

t.test('two users are never one person here, however alike they are', async (t) => {
  const claims = { ...NAMED, roles: 'fleet', trust: 'RRK' };
  const long = 'u'.repeat(200);
  const users = [`${long}1`, `${long}2`, 'u1', 'u1\u200b', ' u1', 'u\u00071', 'u 1'];
  const people = users.map((sub) => read({}, { ...claims, sub }).person);
  t.equal(new Set(people).size, users.length);
  t.ok(people.every((person) => person.length < 200 && !/\p{C}/u.test(person)));
  const [same, other] = ['u1', 'u2'].map((sub) => read({}, { ...claims, sub, name: sub }).person);
  t.same([same, other], ['u1 (u1)', 'u2 (u2)'], 'nor an account of this hub of that name');
});

t.test('an address that nobody verified is nobody', async (t) => {
  const claims = { ...NAMED, roles: 'fleet', trust: 'RRK', email: 'ada@trust.example' };
  const by = { userClaim: 'email' };
  for (const email_verified of [undefined, false, 'true', null])
    t.throws(() => read(by, { ...claims, email_verified }), { code: 'OIDC_CLAIM_UNVERIFIED' });
  t.match(read(by, { ...claims, email_verified: true }), {
    person: 'Ada Okafor (ada@trust.example)',
  });
  t.match(read({}, { ...claims, email_verified: false }), { person: 'Ada Okafor (u1)' });
});

t.test('an issuer speaks https, but on this machine', async (t) => {
  const at = (issuer: string) =>
    SignInSchema.safeParse({ oidc: { issuer, clientId: 'c', roleClaim: 'r' } }).success;
  t.ok(at('https://idp.example'));
  t.ok(at('http://localhost:8080'));
  t.notOk(at('http://idp.example'));
  t.notOk(at('idp.example'));
});
