/**
 * `cdip hub token`, `revoke`, `user`, `key`, `client`, `keys`: who gets in. Also while the hub runs: what is given or taken
 * counts at once.
 *
 *   words ─► checked here ─► issue.ts: audit trail, access.sqlite ─► what a script needs, on stdout
 */
import { readFileSync } from 'node:fs';
import { rfc3339, systemClock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import { openAccessDatabase } from '../access/access.ts';
import { AccessError } from '../access/access-error.ts';
import { accountNameFault } from '../access/account-name.ts';
import { readKeySet } from '../access/client-assertions.ts';
import { EdgeCredentials } from '../access/edge-credentials.ts';
import type { Machine } from '../access/machines.ts';
import { ACTIONS, type Action, ROLES } from '../access/rules.ts';
import { type HubConfig, httpUrlOf } from '../config.ts';
import { type Invited, issueKey, issueLink, issueToken, record, withAccess } from './issue.ts';

const DEFAULT_TTL = '24h';
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export interface Given {
  readonly names: readonly string[];
  readonly trust: string | undefined;
  readonly role: string | undefined;
  readonly scope: string | undefined;
  readonly ttl: string | undefined;
  /** File with the public keys of a client. */
  readonly jwks: string | undefined;
  /** File of `audit anchors`. */
  readonly anchors: string | undefined;
  /** File of `release add`. */
  readonly key: string | undefined;
}

/** @returns null: it was not said for which trust @throws AccessError */
export function token({ trust, ttl = DEFAULT_TTL }: Given, config: HubConfig): number | null {
  if (trust === undefined) return null;
  requireTrust(trust, config);
  const ttlMs = milliseconds(ttl);
  const secret = issueToken(config, { trust, ttl, ttlMs });
  process.stderr.write(`For the edge of ${trust}, once, within ${ttl}:\n`);
  process.stdout.write(`${secret}\n`);
  return 0;
}

/** @returns null: it was not said whose edge @throws AccessError */
export function revoke({ trust }: Given, config: HubConfig): number | null {
  if (trust === undefined) return null;
  record(config, { what: 'cdip hub revoke', query: { trust }, action: 'D' });
  const db = openAccessDatabase(config.dataDirectory);
  try {
    new EdgeCredentials(db, systemClock).revoke(trust);
  } finally {
    db.close();
  }
  process.stderr.write(
    `The edge of ${trust} is cut off, within seconds where the hub runs. To let it in again: cdip hub token --trust ${trust}, and cdip edge enrol there.\n`,
  );
  return 0;
}

/** @returns null: it was not understood @throws AccessError */
export function user(words: readonly string[], given: Given, config: HubConfig): number | null {
  const [verb, ...rest] = words;
  const name = rest.join(' ');
  if (verb === 'list' && name === '') return listPeople(config);
  if (name === '') return null;
  if (verb === 'add') return invite(name, given, config);
  return verb === 'drop' ? dropPerson(name, config) : null;
}

function invite(name: string, given: Given, config: HubConfig): number {
  const account = accountOf(name, given, config);
  const secret = issueLink(config, account);
  process.stderr.write(`${account.name} signs in by this link, once, within 24 hours:\n`);
  process.stdout.write(`${httpUrlOf(config, config.http.port)}/sign-in/${secret}\n`);
  return 0;
}

function listPeople(config: HubConfig): number {
  const people = withAccess(config, (access) => access.accounts.list());
  for (const { name, role, trust, hasPassword } of people) {
    const way = hasPassword ? 'password and code' : 'links';
    process.stdout.write(`${[name, role, trust ?? 'network', way].join('\t')}\n`);
  }
  return 0;
}

function dropPerson(name: string, config: HubConfig): number {
  record(config, { what: 'cdip hub user drop', query: { name }, action: 'D' });
  if (!withAccess(config, (access) => access.accounts.drop(name)))
    throw new AccessError('NAME_INVALID', `there is no account ${name}`);
  process.stderr.write(`${name} has no account any more, and is signed out.\n`);
  return 0;
}

/** @throws AccessError */
export function addKey(words: readonly string[], given: Given, config: HubConfig): number {
  const machine = machineOf(words, given, config);
  const key = issueKey(config, machine);
  process.stderr.write(`The key of ${machine.name}; it is not shown again:\n`);
  process.stdout.write(`${key}\n`);
  return 0;
}

/** @throws AccessError */
export function addClient(words: readonly string[], given: Given, config: HubConfig): number {
  const machine = machineOf(words, given, config);
  const keySet = given.jwks === undefined ? null : keysIn(given.jwks);
  record(config, { what: 'cdip hub client', query: { ...machine } });
  const { id, secret } = withAccess(config, (access) => access.machines.addClient(machine, keySet));
  const isSecret = keySet === null;
  const what = isSecret ? 'ID:SECRET' : 'ID';
  process.stderr.write(`${what} of ${machine.name} for /oauth/token; not shown again:\n`);
  process.stdout.write(isSecret ? `${id}:${secret}\n` : `${id}\n`);
  return 0;
}

/** @throws AccessError `KEYS_INVALID` */
function keysIn(file: string): string {
  try {
    return readKeySet(readFileSync(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof AccessError) throw cause;
    throw new AccessError('KEYS_INVALID', `${file} can not be read (${codeOf(cause)})`, { cause });
  }
}

/** @returns null: it was not understood @throws AccessError */
export function keys([verb, ...rest]: readonly string[], config: HubConfig): number | null {
  if (verb === undefined) return listMachines(config);
  const name = rest.join(' ');
  if (verb !== 'drop' || name === '') return null;
  record(config, { what: 'cdip hub keys drop', query: { name }, action: 'D' });
  const dropped = withAccess(config, (access) => access.machines.drop(name));
  if (dropped === 0) throw new AccessError('NAME_INVALID', `there is no key or client ${name}`);
  process.stderr.write(`${dropped} of ${name} count no more.\n`);
  return 0;
}

function listMachines(config: HubConfig): number {
  for (const machine of withAccess(config, (access) => access.machines.list())) {
    const { kind, name, role, trust, scopes, createdAt, expiresAt } = machine;
    const ends = expiresAt === null ? 'no end' : `until ${rfc3339(expiresAt)}`;
    const may = scopes?.join(',') ?? 'all of the role';
    const words = [kind, name, role, trust ?? 'network', may, rfc3339(createdAt), ends];
    process.stdout.write(`${words.join('\t')}\n`);
  }
  return 0;
}

function machineOf(words: readonly string[], given: Given, config: HubConfig): Machine {
  const { scope, ttl } = given;
  const scopes = scope === undefined ? {} : { scopes: scope.split(/[\s,]+/).map(actionOf) };
  const end = ttl === undefined ? {} : { expiresAt: systemClock.now() + milliseconds(ttl) };
  return { ...accountOf(words.join(' '), given, config), ...scopes, ...end };
}

function actionOf(scope: string): Action {
  const known = ACTIONS.find((one) => one === scope);
  if (known !== undefined) return known;
  throw new AccessError('SCOPE_UNKNOWN', `--scope is of ${ACTIONS.join(', ')}`);
}

/** @throws AccessError */
function accountOf(name: string, { role, trust }: Given, config: HubConfig): Invited {
  const fault = accountNameFault(name);
  if (fault !== null) throw new AccessError('NAME_INVALID', fault);
  const known = ROLES.find((one) => one === role);
  if (known === undefined)
    throw new AccessError('ROLE_UNKNOWN', `--role is one of ${ROLES.join(', ')}`);
  if (trust !== undefined) requireTrust(trust, config);
  return { name, role: known, trust: trust ?? null };
}

function requireTrust(trust: string, { trusts }: HubConfig): void {
  if (trusts.some(({ ods }) => ods === trust)) return;
  const known = trusts.map(({ ods }) => ods).join(', ') || 'none';
  throw new AccessError('TRUST_UNKNOWN', `${trust} is not in the configuration (there: ${known})`);
}

/** @throws AccessError `TTL_INVALID` */
function milliseconds(ttl: string): number {
  const [, count = '', unit = ''] = /^(\d{1,4})([mhd])$/.exec(ttl) ?? [];
  const ms = Number(count) * (UNIT_MS[unit as keyof typeof UNIT_MS] ?? 0);
  if (ms > 0) return ms;
  throw new AccessError('TTL_INVALID', '--ttl is a number and m, h or d: 30m, 24h, 7d');
}
