/**
 * `cdip hub …`: which command, with which configuration.
 *
 *   run (no name) ─► main.ts        token, user add, key ─► access.sqlite, also while the hub runs
 *   rebuild ─► drops the projection, while the hub is stopped        audit verify ─► reads the trail
 *
 * What a script needs is the only thing on stdout. What is written is for its owner's eyes only.
 */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { AuditTrail } from '../../shared/audit/trail.ts';
import { verifyAudit } from '../../shared/audit/verify.ts';
import { rfc3339, systemClock } from '../../shared/clock.ts';
import { holdDirectory } from '../../shared/sqlite/hold-directory.ts';
import { Access, openAccessDatabase } from '../access/access.ts';
import { AccessError } from '../access/access-error.ts';
import { ROLES, type Role } from '../access/rules.ts';
import { type HubConfig, httpUrlOf, readHubConfig } from '../config.ts';
import { didsCheck } from './dids-check.ts';

const EXIT_USAGE = 64;
/** Where the package keeps it. */
const PACKAGED_CONFIG = '/etc/cdip/hub.yaml';
const EXIT_BROKEN = 1;
const DEFAULT_TTL = '24h';
const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const USAGE = `Usage: cdip hub [COMMAND] [--config FILE]

  (none)                                      runs the hub
  token --trust ODS [--ttl 24h]               one-time enrolment token for a trust's edge
  user add NAME --role R [--trust ODS]        a person's account; prints a sign-in link that works once
  key NAME --role R [--trust ODS]             an API key
  dids-check FILE [--reference FOLDER]        what of a DIDS file would be rejected, and why
  audit verify                                reads the whole audit trail: exit 1, and where, if it was changed
  backup FILE | restore FILE                  people, keys, audit, log; with the hub stopped
  rebuild [PROJECTION]                        drops the projection "studies"; the next start builds it again

Roles: ${ROLES.join(', ')}
`;

const OPTIONS = {
  config: { type: 'string' },
  trust: { type: 'string' },
  role: { type: 'string' },
  ttl: { type: 'string' },
} as const;

interface Given {
  readonly names: readonly string[];
  readonly trust: string | undefined;
  readonly role: string | undefined;
  readonly ttl: string | undefined;
}

/** @returns the exit code @throws ConfigError, AccessError and other GatewayErrors for bin/main.ts to tell */
export async function runHubCommand(args: readonly string[]): Promise<number> {
  if (args[0] === 'dids-check')
    return didsCheck(args.slice(1), rfc3339(systemClock.now()).slice(0, 10));
  let given: Given;
  let file: string | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const { trust, role, ttl } = values;
    file = values.config ?? (existsSync(PACKAGED_CONFIG) ? PACKAGED_CONFIG : undefined);
    given = { names: positionals, trust, role, ttl };
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (file === undefined) return refuse('--config FILE is needed');
  process.umask(0o077);
  const [command, archive] = given.names;
  if (command === 'backup' || command === 'restore') {
    if (archive === undefined) return refuse(`say: ${command} FILE`);
    const { backup, restore } = await import('./backup.ts');
    if (command === 'restore') return restore(file, archive);
    return backup(readHubConfig(file, process.env), file, archive);
  }
  return run(given, readHubConfig(file, process.env));
}

async function run(given: Given, config: HubConfig): Promise<number> {
  const [command, ...rest] = given.names;
  switch (command) {
    case undefined:
      return (await import('../main.ts')).runHub(config);
    case 'token':
      if (rest.length > 0) return refuse(`"${rest[0]}" is not understood: token --trust ODS`);
      return token(given, config);
    case 'user':
      if (rest[0] !== 'add' || rest[1] === undefined) return refuse('say: user add NAME --role R');
      return invite(rest.slice(1).join(' '), given, config);
    case 'key':
      if (rest.length === 0) return refuse('say: key NAME --role R');
      return addKey(rest.join(' '), given, config);
    case 'audit':
      if (rest.length !== 1 || rest[0] !== 'verify') return refuse('say: audit verify');
      return verifyTrail(config);
    case 'rebuild':
      return rebuild(rest[0] ?? 'studies', config);
    default:
      return refuse(`unknown command "${command}"`);
  }
}

function token({ trust, ttl = DEFAULT_TTL }: Given, config: HubConfig): number {
  if (trust === undefined) return refuse('token needs --trust ODS');
  requireTrust(trust, config);
  const ttlMs = milliseconds(ttl);
  record(config, 'cdip hub token', { trust, ttl });
  const secret = withAccess(config, (access) => access.addEnrolmentToken(trust, ttlMs));
  process.stderr.write(`For the edge of ${trust}, once, within ${ttl}:\n`);
  process.stdout.write(`${secret}\n`);
  return 0;
}

function invite(name: string, given: Given, config: HubConfig): number {
  const account = accountOf(name, given, config);
  record(config, 'cdip hub user add', { ...account });
  const secret = withAccess(config, (access) => access.invite(account));
  process.stderr.write(`${account.name} signs in by this link, once, within 24 hours:\n`);
  process.stdout.write(`${httpUrlOf(config, config.http.port)}/sign-in/${secret}\n`);
  return 0;
}

function addKey(name: string, given: Given, config: HubConfig): number {
  const account = accountOf(name, given, config);
  record(config, 'cdip hub key', { ...account });
  const key = withAccess(config, (access) => access.addKey(account));
  process.stderr.write(`The key of ${account.name}; it is not shown again:\n`);
  process.stdout.write(`${key}\n`);
  return 0;
}

/** @throws AccessError */
function accountOf(
  name: string,
  { role, trust }: Given,
  config: HubConfig,
): { name: string; role: Role; trust: string | null } {
  if (!/^[^\p{Cc}]{1,100}$/u.test(name))
    throw new AccessError('NAME_INVALID', 'a name has 1 to 100 characters, none of them control');
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

function withAccess<T>({ dataDirectory }: HubConfig, work: (access: Access) => T): T {
  const db = openAccessDatabase(dataDirectory);
  try {
    return work(new Access(db, systemClock));
  } finally {
    db.close();
  }
}

/** In the trail before it counts: whoever may run commands here is named as the system knows him. */
function record(config: HubConfig, what: string, query: Record<string, unknown>): void {
  const trail = new AuditTrail(config.dataDirectory, systemClock);
  const { trust } = query;
  try {
    trail.append({
      ...{ event: 'account', action: 'C', outcome: 0, code: null, what, query },
      ...{ user: userInfo().username, role: 'system', trust: null, address: null, purpose: null },
      ...{ patients: [], studies: [], homes: typeof trust === 'string' ? [trust] : [] },
    });
  } finally {
    trail.close();
  }
}

function verifyTrail({ dataDirectory }: HubConfig): number {
  const { rows, head, fault } = verifyAudit(dataDirectory, (read) =>
    process.stderr.write(`${read} rows read\n`),
  );
  process.stdout.write(`${JSON.stringify({ rows, digest: head.digest, fault })}\n`);
  if (fault === null) {
    process.stderr.write(`The audit trail is whole: ${rows} rows.\n`);
    return 0;
  }
  process.stderr.write(
    `The audit trail is broken at row ${fault.seq} (${fault.code}). Keep a copy of the data directory and tell the privacy officer.\n`,
  );
  return EXIT_BROKEN;
}

async function rebuild(name: string, { dataDirectory }: HubConfig): Promise<number> {
  if (name !== 'studies') return refuse(`there is no projection "${name}"; there is "studies"`);
  const { dropProjection } = await import('../projection/projection.ts');
  const letGo = holdDirectory(dataDirectory);
  dropProjection(dataDirectory);
  letGo();
  process.stderr.write('The projection is dropped. The next start of the hub builds it again.\n');
  return 0;
}

function refuse(why: string): number {
  process.stderr.write(`cdip hub: ${why}\n\n${USAGE}`);
  return EXIT_USAGE;
}
