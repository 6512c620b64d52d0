/** Three nats-servers as one JetStream cluster on free ports of this machine, run as operators of their own run it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { createUser } from '@nats-io/nkeys';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import { freePorts } from './free-port.ts';
import { findProgram } from './missing-peer.ts';
import { Program } from './program.ts';

const NODES = ['n1', 'n2', 'n3'];

export class NatsCluster {
  readonly servers: string[];
  readonly credentialsSeedFile: string;
  readonly #nodes: readonly Program[];
  readonly #seed: Uint8Array;

  private constructor(
    nodes: readonly Program[],
    ports: readonly number[],
    seedFile: string,
    seed: Uint8Array,
  ) {
    this.#nodes = nodes;
    this.servers = ports.map((port) => `nats://127.0.0.1:${port}`);
    this.credentialsSeedFile = seedFile;
    this.#seed = seed;
  }

  static async start(directory: string): Promise<NatsCluster> {
    const ports = await freePorts(NODES.length * 2);
    const [clients, routes] = [ports.slice(0, NODES.length), ports.slice(NODES.length)];
    const user = createUser();
    const seed = user.getSeed();
    const seedFile = join(directory, 'hub.nk');
    writeFileSync(seedFile, `${Buffer.from(seed).toString()}\n`);
    const nodes = NODES.map((name, at) => {
      const file = join(directory, `${name}.conf`);
      writeFileSync(
        file,
        `server_name: ${name}, host: 127.0.0.1, port: ${clients[at]}, max_payload: 8388608
         jetstream { store_dir: ${JSON.stringify(join(directory, name))} }
         cluster { name: bench, host: 127.0.0.1, port: ${routes[at]}
           routes: [ ${routes.map((port) => `"nats-route://127.0.0.1:${port}"`).join(', ')} ] }
         accounts { HUB { jetstream: enabled, users: [ { nkey: ${user.getPublicKey()} } ] } }`,
      );
      const command = findProgram('nats-server') ?? 'nats-server';
      return new Program({ name, command, args: ['-c', file], ready: () => true });
    });
    const cluster = new NatsCluster(nodes, clients, seedFile, seed);
    for (const node of nodes) node.spawn();
    return cluster;
  }

  /** SIGKILL to the server that leads a stream. @returns that server: `start()` brings it back */
  async killLeaderOf(stream: string): Promise<Program> {
    const name = await this.#leaderOf(stream);
    const leader = this.#nodes[NODES.indexOf(name)];
    if (leader === undefined) throw new Error(`nobody leads ${stream}`);
    await leader.kill9();
    return leader;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.kill9()));
  }

  async #leaderOf(stream: string): Promise<string> {
    const authenticator = nkeyAuthenticator(this.#seed);
    const connection: NatsConnection = await connect({ servers: this.servers, authenticator });
    try {
      const info = await (await jetstreamManager(connection)).streams.info(stream);
      return info.cluster?.leader ?? '';
    } finally {
      await connection.close();
    }
  }
}
