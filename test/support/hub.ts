/** A hub as a process of its own, with its embedded nats-server, on free ports that it keeps over restarts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Role } from '../../hub/access/rules.ts';
import { issueKey, issueLink, issueToken } from '../../hub/cli/issue.ts';
import { cdipDone, cdipProgram } from './cdip.ts';
import { freePorts } from './free-port.ts';
import type { Program } from './program.ts';

const EVERYWHERE = { host: '0.0.0.0' } as const;

export interface HubOptions {
  readonly directory: string;
  readonly trusts: readonly string[];
  /** Keys of hub.yaml that replace those written here; `http` is merged. */
  readonly config?: Record<string, unknown>;
  /** `nats.tls`. */
  readonly natsTls?: object;
  readonly env?: NodeJS.ProcessEnv;
  /** Where edges reach it; default 127.0.0.1 alone. */
  readonly address?: string;
}

export interface HubAnswer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export class Hub {
  readonly configFile: string;
  readonly dataDirectory: string;
  readonly url: string;
  readonly urlForEdges: string;
  readonly natsPort: number;
  readonly program: Program;
  #key: string | undefined;

  constructor(options: HubOptions, httpPort: number, natsPort: number) {
    this.dataDirectory = join(options.directory, 'data');
    this.configFile = join(options.directory, 'hub.yaml');
    this.url = `http://127.0.0.1:${httpPort}`;
    const { address, config: { http, ...others } = {} } = options;
    this.urlForEdges = `http://${address ?? '127.0.0.1'}:${httpPort}`;
    this.natsPort = natsPort;
    mkdirSync(this.dataDirectory, { recursive: true });
    const config = {
      dataDirectory: this.dataDirectory,
      http: {
        port: httpPort,
        ...(address === undefined ? {} : { ...EVERYWHERE, publicUrl: this.url }),
        ...(http as object | undefined),
      },
      nats: {
        ...{ embedded: true, port: natsPort },
        ...(address === undefined
          ? {}
          : { ...EVERYWHERE, publicUrl: `nats://${address}:${natsPort}` }),
        ...(options.natsTls === undefined ? {} : { tls: options.natsTls }),
      },
      trusts: options.trusts.map((ods) => ({ ods, name: `Trust ${ods}` })),
      // Of few rows a second thread costs half as much again: it lays out its own table for each aggregate.
      measures: { threads: 1 },
      ...others,
    };
    writeFileSync(this.configFile, stringify(config));
    this.program = cdipProgram('hub', {
      name: 'hub',
      configFile: this.configFile,
      url: this.url,
      ...(options.env === undefined ? {} : { env: options.env }),
    });
  }

  /** As `cdip hub token`, without a process. */
  token(trust: string): string {
    return issueToken(this, { trust, ttl: '24h', ttlMs: 24 * 3_600_000 });
  }

  /** As `cdip hub key`. */
  key(name: string, role: Role, trust: string | null = null): string {
    return issueKey(this, { name, role, trust });
  }

  /** As `cdip hub user add`. @returns the address that signs in once */
  link(name: string, role: Role, trust: string | null = null): string {
    return `${this.url}/sign-in/${issueLink(this, { name, role, trust })}`;
  }

  /** Drops the projection; the hub is stopped. */
  async rebuild(): Promise<void> {
    await cdipDone(['hub', 'rebuild', '--config', this.configFile]);
  }

  /** Calls the API as an administrator (a key is made at the first call), or with `headers` of the caller's. */
  async api<T = never>(path: string, init: RequestInit = {}): Promise<HubAnswer<T>> {
    this.#key ??= this.key('tests', 'admin');
    const headers = new Headers({ authorization: `Bearer ${this.#key}` });
    if (init.body !== undefined) headers.set('content-type', 'application/json');
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    const response = await fetch(`${this.url}${path}`, { ...init, headers });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const body = (isJson ? JSON.parse(text) : text) as T;
    return { status: response.status, headers: response.headers, body };
  }

  start(): Promise<void> {
    return this.program.start();
  }

  kill9(): Promise<void> {
    return this.program.kill9();
  }

  stop(): Promise<void> {
    return this.program.stop();
  }
}

/** Writes hub.yaml, starts the hub and waits until it is ready. */
export async function startHub(options: HubOptions): Promise<Hub> {
  const [httpPort = 0, natsPort = 0] = await freePorts(2);
  const hub = new Hub(options, httpPort, natsPort);
  await hub.start();
  return hub;
}
