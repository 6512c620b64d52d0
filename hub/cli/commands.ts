/**
 * `cdip hub …`: which command, with which configuration.
 *
 *   run (no name) ─► main.ts        token, user, key, client ─► give-access.ts
 *   revoke ─► access.sqlite; a hub that runs goes by it within a second
 *   release ─► release.ts
 *   rebuild ─► drops the projection, while the hub is stopped        audit verify ─► reads the trail
 *
 * What a script needs is the only thing on stdout. What is written is for its owner's eyes only.
 */
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { rfc3339, systemClock } from '../../shared/clock.ts';
import { ACTIONS, ROLES } from '../access/rules.ts';
import { type HubConfig, readHubConfig } from '../config.ts';
import type { Given } from './give-access.ts';

const EXIT_USAGE = 64;
/** Where the package keeps it. */
const PACKAGED_CONFIG = '/etc/cdip/hub.yaml';

const USAGE = `Usage: cdip hub [COMMAND] [--config FILE]

  (none)                                      runs the hub
  token --trust ODS [--ttl 24h]               one-time enrolment token for a trust's edge
  user add NAME --role R [--trust ODS]        a person's account; prints a sign-in link that works once
  user list | user drop NAME                  accounts; an account goes, with its sessions
  revoke --trust ODS                          takes an edge's keys back: it is cut off, and has to be enrolled again
  key NAME --role R [--trust ODS] [--scope S,S] [--ttl 365d]
                                              an API key
  client NAME --role R [--trust ODS] [--scope S,S] [--ttl 365d]
                                              an OAuth client for /oauth/token; prints ID:SECRET,
                                              or with --jwks FILE, its public keys, the ID alone
  keys | keys drop NAME                       keys and clients; those of NAME count no more
  dids-check FILE [--reference FOLDER]        what of a DIDS file would be rejected, and why
  audit verify [--anchors FILE]               reads the whole audit trail: exit 1, and where, if it was changed
  audit anchors                               its end, and what is kept of the edges' trails, for verify elsewhere
  backup FILE | restore FILE                  people, keys, audit, log; with the hub stopped
  rebuild [PROJECTION]                        drops the projection "studies"; the next start builds it again

Roles: ${ROLES.join(', ')}
Scopes: ${ACTIONS.join(', ')}
`;

const OPTIONS = {
  config: { type: 'string' },
  trust: { type: 'string' },
  role: { type: 'string' },
  scope: { type: 'string' },
  jwks: { type: 'string' },
  ttl: { type: 'string' },
  anchors: { type: 'string' },
  key: { type: 'string' },
} as const;

/** @returns the exit code @throws ConfigError, AccessError and other GatewayErrors for bin/main.ts to tell */
export async function runHubCommand(args: readonly string[]): Promise<number> {
  if (args[0] === 'dids-check') {
    const { didsCheck } = await import('./dids-check.ts');
    return didsCheck(args.slice(1), rfc3339(systemClock.now()).slice(0, 10));
  }
  let given: Given;
  let file: string | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: OPTIONS,
      allowPositionals: true,
    });
    const { trust, role, scope, ttl, jwks, anchors, key } = values;
    file = values.config ?? (existsSync(PACKAGED_CONFIG) ? PACKAGED_CONFIG : undefined);
    given = { names: positionals, trust, role, scope, ttl, jwks, anchors, key };
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
    case 'release':
      return (
        (await import('./release.ts')).release(rest, config, given.key) ??
        refuse('say: release add FILE.deb FILE.deb.sig, list, drop SHA256')
      );
    case 'audit':
      return audit(rest, config, given.anchors);
    case 'rebuild':
      return rebuild(rest[0] ?? 'studies', config);
    default:
      return giveOrTake(given, config);
  }
}

/** Who gets in, and who does not any more. */
async function giveOrTake(given: Given, config: HubConfig): Promise<number> {
  const { addClient, addKey, keys, revoke, token, user } = await import('./give-access.ts');
  const [command, ...rest] = given.names;
  switch (command) {
    case 'token':
    case 'revoke': {
      if (rest.length > 0) return refuse(`"${rest[0]}" is not understood: ${command} --trust ODS`);
      const done = command === 'token' ? token(given, config) : revoke(given, config);
      return done ?? refuse(`${command} needs --trust ODS`);
    }
    case 'user':
      return user(rest, given, config) ?? refuse('say: user add NAME --role R, list, drop NAME');
    case 'key':
    case 'client':
      if (rest.length === 0) return refuse(`say: ${command} NAME --role R`);
      return command === 'key' ? addKey(rest, given, config) : addClient(rest, given, config);
    case 'keys':
      return keys(rest, config) ?? refuse('say: keys, or keys drop NAME');
    default:
      return refuse(`unknown command "${command}"`);
  }
}

async function audit(
  [what]: readonly string[],
  config: HubConfig,
  anchors: string | undefined,
): Promise<number> {
  const { HUB_TRAIL } = await import('../../shared/audit/anchors.ts');
  const { printAnchors, verifyTrail } = await import('../../shared/audit/command.ts');
  const trail = { dataDirectory: config.dataDirectory, of: HUB_TRAIL };
  if (what === 'verify') return verifyTrail(trail, anchors);
  const trusts = config.trusts.map(({ ods }) => ods);
  return what === 'anchors' ? printAnchors(trail, trusts) : refuse('say: audit verify, or anchors');
}

async function rebuild(name: string, { dataDirectory }: HubConfig): Promise<number> {
  if (name !== 'studies') return refuse(`there is no projection "${name}"; there is "studies"`);
  const { holdDirectory } = await import('../../shared/sqlite/hold-directory.ts');
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
