/**
 * Who somebody is by what an identity provider tells: claims to name, role, trust, assurance. Pure. What is not
 * mapped gives nothing; what is missing is named, so that whoever runs the hub or the provider can mend it.
 */
import type { OidcConfig } from '../config-sign-in.ts';
import { AccessError } from './access-error.ts';
import { providerPersonName } from './account-name.ts';
import { type Assurance, ROLES, type Role } from './rules.ts';

export type Claims = Readonly<Record<string, unknown>>;

export interface Identity {
  /** `Ada Okafor (555036632103)`. account-name.ts */
  readonly person: string;
  readonly role: Role;
  /** Null: of no single trust. */
  readonly trust: string | null;
  readonly assurance: Assurance;
}

/**
 * @param told.signed what the ID token holds: assurance is read from it alone
 * @param told.all with what the userinfo endpoint adds
 * @param trusts ODS codes of the network
 * @throws AccessError `OIDC_CLAIM_MISSING`, `OIDC_CLAIM_UNVERIFIED`, `OIDC_ROLE`, `OIDC_TRUST`, `OIDC_ASSURANCE`
 */
export function readIdentity(
  told: { readonly signed: Claims; readonly all: Claims },
  config: OidcConfig,
  trusts: readonly string[],
): Identity {
  const claims = selectRole(told.all, config);
  const user = textOf(claims, config.userClaim);
  const name = textOf(claims, config.nameClaim);
  requireVerified(claims, config.userClaim);
  return {
    person: providerPersonName(name, user),
    assurance: assuranceOf(told.signed, config),
    role: roleOf(claims, config),
    trust: trustOf(claims, config, trusts),
  };
}

/** All values at the end of the way; lists are gone through. A claim may have dots in its own name. */
function valuesOf(claims: unknown, claim: string): string[] {
  if (Array.isArray(claims)) return claims.flatMap((one) => valuesOf(one, claim));
  if (claims === null || typeof claims !== 'object') return [];
  const own = (claims as Claims)[claim];
  if (own !== undefined) return [own].flat(2).flatMap(asText);
  const [first = '', ...rest] = claim.split('.');
  return rest.length === 0 ? [] : valuesOf((claims as Claims)[first], rest.join('.'));
}

const asText = (value: unknown): string[] =>
  typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];

function textOf(claims: Claims, claim: string): string {
  const text = valuesOf(claims, claim)[0] ?? '';
  if (text.trim() === '') throw missing(claim);
  return text;
}

/** An address or number that people enter themselves is theirs only once the provider has seen that it is. OIDC Core §5.1. */
const VERIFIED_BY: Readonly<Record<string, string>> = {
  email: 'email_verified',
  phone_number: 'phone_number_verified',
};

function requireVerified(claims: Claims, userClaim: string): void {
  const verified = VERIFIED_BY[userClaim];
  if (verified === undefined || claims[verified] === true) return;
  throw new AccessError(
    'OIDC_CLAIM_UNVERIFIED',
    `it did not tell that "${userClaim}" is verified ("${verified}")`,
  );
}

/** A told word is never taken for a property that every object has. */
const inMap = <T>(map: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;

const missing = (claim: string): AccessError =>
  new AccessError('OIDC_CLAIM_MISSING', `it did not tell "${claim}"`);

/** With several roles, at several trusts, only the one that was chosen at the sign-in counts. */
function selectRole(claims: Claims, { selectedRole }: OidcConfig): Claims {
  if (selectedRole === undefined) return claims;
  const { list, id, selected } = selectedRole;
  const given = claims[list];
  if (!Array.isArray(given)) throw missing(list);
  const chosen = valuesOf(claims, selected)[0];
  if (chosen === undefined) throw missing(selected);
  const kept = given.filter((one) => valuesOf(one, id).includes(chosen));
  return { ...claims, [list]: kept };
}

function roleOf(claims: Claims, { roleClaim, roles }: OidcConfig): Role {
  const told = valuesOf(claims, roleClaim);
  if (told.length === 0) throw missing(roleClaim);
  const mapped = Object.entries(roles);
  const own = ROLES.map((role): [string, Role] => [role, role]);
  // A code of the national RBAC database is a path, S0080:G0450:R5080; its parts count too.
  const parts = new Set(told.flatMap((value) => [value, ...value.split(':')]));
  const found = (mapped.length === 0 ? own : mapped).find(([value]) => parts.has(value));
  if (found !== undefined) return found[1];
  throw new AccessError(
    'OIDC_ROLE',
    `none of the roles that it told in "${roleClaim}" counts here`,
  );
}

function trustOf(
  claims: Claims,
  { trustClaim, trusts: mapped }: OidcConfig,
  trusts: readonly string[],
): string | null {
  const told = valuesOf(claims, trustClaim);
  if (told.length === 0) throw missing(trustClaim);
  const known = told.flatMap((value) => {
    const own = inMap(mapped, value);
    return own ?? (trusts.includes(value) ? value : []);
  });
  const [one, ...others] = new Set(known);
  if (one === undefined || (one !== 'network' && !trusts.includes(one)))
    throw new AccessError('OIDC_TRUST', 'the organisation that it told is none of this network');
  if (others.length > 0)
    throw new AccessError(
      'OIDC_TRUST',
      'it told several organisations: choose one when you sign in',
    );
  return one === 'network' ? null : one;
}

function assuranceOf(signed: Claims, config: OidcConfig): Assurance {
  const { assuranceClaims, assuranceLevels, leastAssurance } = config;
  const told = assuranceClaims.flatMap((claim) => valuesOf(signed, claim));
  const levels = told.map((value) => inMap(assuranceLevels, value) ?? 1);
  const assurance = Math.max(1, ...levels) as Assurance;
  if (assurance >= leastAssurance) return assurance;
  const names = assuranceClaims.map((claim) => `"${claim}"`).join(', ');
  const why =
    told.length === 0
      ? `it did not tell how you signed in (${names})`
      : `you signed in at level ${assurance} of assurance`;
  throw new AccessError('OIDC_ASSURANCE', `${why}, and this hub asks for level ${leastAssurance}`);
}
