/**
 * Names of people: what their doings stand under in the audit trail, and their emergencies are theirs by. Who signs in at
 * an identity provider is `NAME (USER)`; an account of this hub never is, so that no admin can make one that is taken
 * for somebody of there.
 */
import { createHash } from 'node:crypto';

const LONGEST = 80;

/** Null: it may be an account's. Else why not, for the person who typed it. */
export function accountNameFault(name: string): string | null {
  if (!/^[^\p{C}]{1,100}$/u.test(name))
    return 'a name has 1 to 100 characters, none of them control characters or invisible';
  if (name !== name.trim() || /\s{2}/u.test(name))
    return 'a name has no spaces around it, and one at a time in it';
  return name.endsWith(')')
    ? 'a name that ends with ")" is of somebody who signs in at the identity provider'
    : null;
}

/**
 * @param name as the provider shows it, which people may choose themselves
 * @param user by which the provider tells them apart
 */
export function providerPersonName(name: string, user: string): string {
  return `${clipped(name)} (${distinct(user)})`;
}

const clipped = (name: string): string =>
  name.replace(/\p{C}/gu, ' ').trim().slice(0, LONGEST) || 'no name';

/** Two that begin alike, or differ in what can not be seen, stay two. */
function distinct(user: string): string {
  const shown = clipped(user);
  if (shown === user) return user;
  const digest = createHash('sha256').update(user).digest('hex').slice(0, 16);
  return `${shown.slice(0, LONGEST - 17)}~${digest}`;
}
