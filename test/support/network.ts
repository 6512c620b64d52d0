/**
 * A whole network: a hub, and for each trust an enrolled edge with an Orthanc as its PACS.
 *
 *   startNetwork({ directory, trusts: ['RRK', 'RJE'] }) ──► hub, RRK, RJE, their PACSs
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Edge, type EdgeOptions, prepareEdge } from './edge.ts';
import { type Hub, startHub } from './hub.ts';
import { type Orthanc, startOrthanc } from './orthanc.ts';
import { killAllPrograms } from './program.ts';

export interface TrustSite {
  readonly trust: string;
  readonly edge: Edge;
  /** Absent with `withPacs: false`. */
  readonly pacs: Orthanc | undefined;
}

export interface Network {
  readonly hub: Hub;
  readonly sites: readonly TrustSite[];
  /** @throws when the trust is not part of the network */
  site(trust: string): TrustSite;
  /** Stops everything, hub last. */
  stop(): Promise<void>;
}

export interface NetworkOptions {
  readonly directory: string;
  readonly trusts: readonly string[];
  /** Default true: an Orthanc for each trust, named `main-pacs`, to which fetched studies are delivered. */
  readonly withPacs?: boolean;
  /** Keys of hub.yaml, and of each edge.yaml, that replace those written by default. */
  readonly hubConfig?: Record<string, unknown>;
  /** `nats.tls` of the hub. */
  readonly natsTls?: object;
  readonly edgeConfig?: (trust: string) => Record<string, object | string | readonly object[]>;
  /** What an edge is told in place of the hub's own addresses: a proxy that can be cut. */
  readonly hubUrlFor?: (trust: string, hub: Hub) => string | Promise<string>;
  /** Where edges reach the hub; default 127.0.0.1. */
  readonly hubAddress?: string;
  /** Where an edge runs; default beside us. */
  readonly placeOf?: (trust: string) => Pick<EdgeOptions, 'host' | 'within'>;
}

export async function startNetwork(options: NetworkOptions): Promise<Network> {
  const hubDirectory = join(options.directory, 'hub');
  mkdirSync(hubDirectory, { recursive: true });
  const hub = await startHub({
    directory: hubDirectory,
    trusts: options.trusts,
    ...(options.hubConfig === undefined ? {} : { config: options.hubConfig }),
    ...(options.natsTls === undefined ? {} : { natsTls: options.natsTls }),
    ...(options.hubAddress === undefined ? {} : { address: options.hubAddress }),
  });
  const sites = await Promise.all(
    options.trusts.map((trust) => startSite(trust, hub, options)),
  ).catch((error: unknown) => {
    // Whoever can't have the network has nothing to stop it by.
    killAllPrograms();
    throw error;
  });
  return {
    hub,
    sites,
    site(trust) {
      const found = sites.find((site) => site.trust === trust);
      if (!found) throw new Error(`${trust} is not part of this network`);
      return found;
    },
    async stop() {
      await Promise.all(sites.flatMap((site) => [site.edge.stop(), site.pacs?.stop()]));
      await hub.stop();
    },
  };
}

async function startSite(trust: string, hub: Hub, options: NetworkOptions): Promise<TrustSite> {
  const directory = join(options.directory, trust);
  mkdirSync(directory, { recursive: true });
  const aeTitle = `PACS_${trust}`;
  const pacs =
    options.withPacs === false
      ? undefined
      : await startOrthanc(join(directory, 'pacs'), { name: aeTitle, aeTitle });
  const peers = pacs
    ? [
        {
          ...{ name: 'main-pacs', aeTitle, host: '127.0.0.1', port: pacs.dicomPort },
          ...{ role: 'pacs', importsTo: true },
        },
      ]
    : [];
  const config = { peers, ...options.edgeConfig?.(trust) };
  const edge = await prepareEdge({ directory, trust, config, ...options.placeOf?.(trust) });
  const hubUrl = (await options.hubUrlFor?.(trust, hub)) ?? hub.urlForEdges;
  await edge.enrol(hubUrl, hub.token(trust));
  await edge.start();
  return { trust, edge, pacs };
}
