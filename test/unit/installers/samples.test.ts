/** The samples are configurations, and name every key that there is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import * as z from 'zod';
import { EdgeConfigSchema, parseEdgeConfig, readEdgeConfig } from '../../../edge/config.ts';
import { HubConfigSchema, parseHubConfig, readHubConfig } from '../../../hub/config.ts';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'installers', 'samples');
const sample = (name: string): string => readFileSync(join(FOLDER, name), 'utf8');

/** Names of all keys, at any depth. */
function keysOf(schema: z.ZodType): string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([key, child]) => [
      key,
      ...keysOf(child as z.ZodType),
    ]);
  if (schema instanceof z.ZodUnion)
    return schema.options.flatMap((option) => keysOf(option as z.ZodType));
  if (schema instanceof z.ZodArray) return keysOf(schema.element as z.ZodType);
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  )
    return keysOf(schema.unwrap() as z.ZodType);
  return [];
}

t.test('edge.yaml', async (t) => {
  const config = parseEdgeConfig(parse(sample('edge.yaml')));
  t.match(config, { trust: 'RRK', dicom: { port: 11_112 }, peers: [{ importsTo: true }, {}] });
  for (const key of keysOf(EdgeConfigSchema)) t.match(sample('edge.yaml'), `${key}:`, key);
});

t.test('hub.yaml', async (t) => {
  const config = parseHubConfig(parse(sample('hub.yaml')));
  t.match(config, { nats: { port: 4222 }, trusts: [{ ods: 'RRK' }, { ods: 'RJE' }] });
  for (const key of keysOf(HubConfigSchema)) t.match(sample('hub.yaml'), `${key}:`, key);
});

t.test('what the samples show as defaults are the defaults', async (t) => {
  const least = parseEdgeConfig({ trust: 'RRK', dataDirectory: '/var/lib/cdip' });
  const { peers: _, ...shown } = parseEdgeConfig(parse(sample('edge.yaml')));
  const { peers: __, ...defaults } = least;
  t.strictSame(shown, defaults);
});

interface Service {
  readonly environment: Readonly<Record<string, string>>;
}

t.test('a hub and an edge of the compose file reach each other and are reached', async (t) => {
  const file = join(FOLDER, '..', 'container', 'compose.yaml');
  const { services } = parse(readFileSync(file, 'utf8')) as { services: Record<string, Service> };
  const folder = t.testdir({
    'hub.yaml':
      'dataDirectory: /var/lib/cdip-hub\ntrusts: [{ ods: RRK, name: A, postcode: B15 2GW }]\n',
    'edge.yaml': 'trust: RRK\ndataDirectory: /var/lib/cdip\n',
  });
  const hub = readHubConfig(join(folder, 'hub.yaml'), services['hub']?.environment ?? {});
  t.match(hub, {
    http: { host: '0.0.0.0', publicUrl: 'http://hub:8000' },
    nats: { host: '0.0.0.0', publicUrl: 'nats://hub:4222' },
  });
  const edge = readEdgeConfig(join(folder, 'edge.yaml'), services['edge']?.environment ?? {});
  t.match(edge, { http: { host: '0.0.0.0' } });
});
