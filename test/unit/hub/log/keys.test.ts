/** Keys of the accounts: what nats-server would refuse never stands in its configuration. */
import { spawnSync } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAccount, createUser } from '@nats-io/nkeys';
import t from 'tap';
import { keysOfTrusts, openHubKeys, requireEdgeKey } from '../../../../hub/log/keys.ts';
import { configFile, serverConfig } from '../../../../hub/log/server-config.ts';
import { type Log, silentLog } from '../../../../shared/log.ts';
import { findProgram, missingPeer } from '../../../support/missing-peer.ts';

const WRONG_CHECKSUM = `U${'A'.repeat(55)}`;
const userKey = (): string => createUser().getPublicKey();

t.test('a key has to be a user, and nobody else’s', async (t) => {
  const keys = openHubKeys(t.testdir());
  const held = userKey();
  const holders = { ...keys, trusts: new Map([['RRK', [held]]]) };
  const refused = { code: 'LOG_KEY_REFUSED', retry: 'never' };
  for (const key of ['', WRONG_CHECKSUM, createAccount().getPublicKey(), `${userKey()} }`, held])
    t.throws(() => requireEdgeKey('RJE', key, holders), refused);
  t.throws(() => requireEdgeKey('RJE', keys.hubPublicKey, holders), refused, 'the hub’s own');
  t.throws(() => requireEdgeKey('RJE', keys.systemPublicKey, holders), refused);
  t.doesNotThrow(() => requireEdgeKey('RJE', userKey(), holders));
  t.doesNotThrow(() => requireEdgeKey('RRK', held, holders), 'the one it has');
});

t.test('a recorded key that can’t be used costs its own trust the connection alone', async (t) => {
  const keys = openHubKeys(t.testdir());
  const [rrk, rxk] = [userKey(), userKey()];
  const recorded = new Map([
    ['RRK', [rrk]],
    ['RJE', [WRONG_CHECKSUM]],
    ['RXK', [rxk, WRONG_CHECKSUM]],
    ['RL4', [rrk]],
  ]);
  const said: unknown[] = [];
  const log: Log = { ...silentLog, error: (event, fields) => void said.push({ event, ...fields }) };
  const chosen = keysOfTrusts(['RRK', 'RJE', 'RXK', 'RL4', 'RNA'], recorded, { keys, log });
  t.same(chosen.get('RRK'), [rrk]);
  t.same(chosen.get('RXK'), [rxk]);
  for (const ods of ['RJE', 'RL4', 'RNA']) t.same(chosen.get(ods), [keys.placeholder(ods)], ods);
  t.match(said, [
    { event: 'log.key-refused', trust: 'RJE' },
    { event: 'log.key-refused', trust: 'RXK' },
    { event: 'log.key-refused', trust: 'RL4' },
  ]);
});

t.test('the hub’s seeds are kept, for it alone', async (t) => {
  const directory = t.testdir();
  const first = openHubKeys(directory);
  const placeholder = first.placeholder('RRK');
  const second = openHubKeys(directory);
  t.equal(second.hubPublicKey, first.hubPublicKey);
  t.equal(second.placeholder('RRK'), placeholder);
  for (const file of ['hub.seed', 'system.seed', 'placeholder-RRK.seed'])
    t.equal(statSync(join(directory, file)).mode & 0o077, 0, file);
});

t.test('nats-server takes the configuration', { skip: missingPeer('nats-server') }, async (t) => {
  // A name as an administrator may give it.
  const directory = join(t.testdir({ 'the "data" of a hub': {} }), 'the "data" of a hub');
  const keys = openHubKeys(directory);
  const trusts = new Map(
    Array.from({ length: 100 }, (_, at) => [`R${100 + at}`, [userKey(), userKey()]]),
  );
  const settings = { ...keys, directory, host: '::1', port: 4999, trusts };
  writeFileSync(configFile(directory), serverConfig(settings));
  const program = findProgram('nats-server') ?? '';
  const checked = spawnSync(program, ['-t', '-c', configFile(directory)], { encoding: 'utf8' });
  t.equal(checked.status, 0, checked.stderr);
});
