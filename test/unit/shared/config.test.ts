/** Reading a configuration: strict, all faults at once, single values by the environment. */
import { join } from 'node:path';
import t from 'tap';
import { parseEdgeConfig, readEdgeConfig } from '../../../edge/config.ts';
import { parseHubConfig } from '../../../hub/config.ts';
import { ConfigError } from '../../../shared/config.ts';

const least = { trust: 'RRK', dataDirectory: '/var/lib/cdip' };

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}

t.test('an edge needs only its trust and its data directory', async (t) => {
  const config = parseEdgeConfig(least);
  t.equal(config.dicom.aeTitle, 'CDIP_RRK');
  t.equal(config.dicom.port, 11_112);
  t.equal(config.patientIds.namespace, 'RRK');
  t.equal(config.patientIds.unmatched, 'hold');
  t.equal(config.hub, undefined);
});

t.test('every fault is told at once, each with its path', async (t) => {
  const message = messageOf(() =>
    parseEdgeConfig({
      dataDirectory: '/x',
      dicom: { port: 99_999, prot: 104 },
      patientIds: { unmatched: 'guess' },
    }),
  );
  for (const path of ['trust', 'dicom.port', 'dicom', 'prot', 'patientIds.unmatched'])
    t.match(message, path);
});

t.test('a variable overrides one value, whatever the depth and the type', async (t) => {
  const environment = {
    CDIP_DICOM_PORT: '104',
    CDIP_DICOM_AE_TITLE: 'GATE',
    CDIP_STORAGE_RESERVE_BYTES: '5',
    CDIP_DATA_DIRECTORY: '/srv/cdip',
    CDIP_DICOM_ACCEPT_UNKNOWN_CALLERS: 'false',
    CDIP_UNRELATED: 'left alone',
  };
  const config = parseEdgeConfig(least, environment);
  t.match(config, {
    dataDirectory: '/srv/cdip',
    dicom: { port: 104, aeTitle: 'GATE', acceptUnknownCallers: false },
    storage: { reserveBytes: 5 },
  });
});

t.test('a variable with a bad value is a fault like any other', async (t) => {
  t.match(
    messageOf(() => parseEdgeConfig(least, { CDIP_DICOM_PORT: 'high' })),
    'dicom.port',
  );
});

t.test('a checked configuration can not be changed any more', async (t) => {
  const config = parseEdgeConfig(least);
  t.throws(() => Object.assign(config.storage, { reserveBytes: 0 }));
});

t.test('a file that is missing, empty or no YAML is a fault that names it', async (t) => {
  const directory = t.testdir({ 'empty.yaml': '', 'broken.yaml': 'trust: [RRK' });
  t.match(
    messageOf(() => readEdgeConfig(join(directory, 'none.yaml'), {})),
    'none.yaml',
  );
  t.match(
    messageOf(() => readEdgeConfig(join(directory, 'empty.yaml'), {})),
    'trust',
  );
  t.match(
    messageOf(() => readEdgeConfig(join(directory, 'broken.yaml'), {})),
    'broken.yaml',
  );
});

t.test('a hub starts its own nats-server unless a cluster is named', async (t) => {
  t.match(parseHubConfig({ dataDirectory: '/x' }).nats, { embedded: true, port: 4222 });
  const nats = { servers: ['tls://a:4222'], credentialsSeedFile: '/etc/cdip/hub.seed' };
  t.match(parseHubConfig({ dataDirectory: '/x', nats }).nats, {
    servers: ['tls://a:4222'],
    replicas: 3,
  });
});

t.test('a hub refuses the same trust twice', async (t) => {
  const trusts = [
    { ods: 'RRK', name: 'One' },
    { ods: 'RRK', name: 'Two' },
  ];
  t.match(
    messageOf(() => parseHubConfig({ dataDirectory: '/x', trusts })),
    'trusts',
  );
});
