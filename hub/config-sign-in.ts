/**
 * How people sign in: the part of hub.yaml that says it. What an identity provider tells of somebody (claims) is
 * mapped to role, trust and assurance; a value that is in no mapping gives nothing.
 */
import * as z from 'zod';
import { ODSCode } from '../shared/contract/subjects.ts';
import { ROLES } from './access/rules.ts';

const Level = z.union([z.literal(1), z.literal(2), z.literal(3)]);

/**
 * What providers call one, two factors, a key in hardware: NHS CIS2's acr values and level, RFC 8176's amr of Entra
 * ID and others, the values of OpenID's EAP.
 */
const LEVELS: Record<string, z.output<typeof Level>> = {
  ...{ AAL1_USERPASS: 1, AAL2_OR_AAL3_ANY: 2, AAL2_ANY: 2, AAL3_ANY: 3 },
  ...{ '1': 1, '2': 2, '3': 3, mfa: 2, ngcmfa: 2, phr: 2, phrh: 3 },
};

/** A claim's name, or the way to it: `nhsid_nrbac_roles.role_code`. */
const Claim = z.string().min(1).max(200);

const isSafe = (issuer: string): boolean => {
  if (!URL.canParse(issuer)) return false;
  const { protocol, hostname } = new URL(issuer);
  return protocol === 'https:' || ['127.0.0.1', 'localhost', '[::1]'].includes(hostname);
};

const OidcSchema = z.strictObject({
  name: z.string().min(1).max(60).default('your organisation’s account').describe('on the button'),
  issuer: z.url().refine(isSafe, 'an identity provider speaks https'),
  clientId: z.string().min(1),
  clientSecretFile: z.string().min(1).optional(),
  privateKeyFile: z.string().min(1).optional().describe('PKCS #8, PEM; instead of a secret'),
  privateKeyAlgorithm: z
    .enum(['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'EdDSA'])
    .default('RS256'),
  privateKeyId: z.string().min(1).optional(),
  scopes: z.array(z.string().min(1)).default(['openid', 'profile']),
  userClaim: Claim.default('sub').describe('tells two people of one name apart'),
  nameClaim: Claim.default('name'),
  roleClaim: Claim,
  roles: z
    .record(z.string().min(1), z.enum(ROLES))
    .default({})
    .describe(
      'the first that somebody has counts; empty: the claim has the names of the roles here',
    ),
  trustClaim: Claim.default('trust'),
  trusts: z
    .record(z.string().min(1), z.union([ODSCode, z.literal('network')]))
    .default({})
    .describe('for values that are not ODS codes of trusts; network: of no single trust'),
  selectedRole: z
    .strictObject({ list: Claim, id: Claim, selected: Claim })
    .optional()
    .describe('of a list of roles only the one that was selected at the sign-in counts'),
  assuranceClaims: z.array(Claim).min(1).default(['acr', 'amr', 'authentication_assurance_level']),
  assuranceLevels: z.record(z.string().min(1), Level).default(LEVELS),
  leastAssurance: Level.default(2),
  acrValues: z.string().min(1).optional().describe('asked for at each sign-in'),
  stepUpAcrValues: z.string().min(1).optional().describe('asked for to confirm'),
  clockToleranceSeconds: z.int().min(0).max(300).default(30),
});

export const SignInSchema = z.strictObject({
  local: z.boolean().default(true),
  oidc: OidcSchema.optional(),
  session: z
    .strictObject({
      idleMinutes: z.number().positive().max(1_440).default(15).describe('shared screens'),
      hours: z.number().positive().max(24).default(12).describe('however busy it is'),
    })
    .prefault({}),
  limits: z
    .strictObject({
      addressPerMinute: z.int().min(1).default(120).describe('a trust may stand behind one'),
      accountPerMinute: z.int().min(1).default(20),
    })
    .prefault({})
    .describe('tries to sign in, or to take a token'),
  links: z
    .enum(['sign-in', 'set-up'])
    .default('sign-in')
    .describe('what a one-time link is good for: all, or only to choose password and code'),
  stepUp: z
    .strictObject({
      assurance: Level.default(2),
      maxAgeSeconds: z.int().min(30).max(86_400).default(300),
    })
    .optional()
    .describe('how surely and how lately somebody signed in who breaks the glass or signs off'),
});

export type OidcConfig = Readonly<z.output<typeof OidcSchema>>;
