/**
 * nats-server as a child of the hub: started with a configuration of ours, started again when it dies,
 * told to read the configuration again when a key changes.
 *
 * A server that a killed hub left behind is ended first. What the server had not on the disk when power
 * failed is no loss: edges keep custody of their events until a hub has committed them, and what the
 * hub itself decides is synced by sync-store.ts.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../shared/backoff.ts';
import type { Log } from '../../shared/log.ts';
import { LogError } from './network-log.ts';
import { configFile, pidFile, type ServerSettings, serverConfig } from './server-config.ts';

const RESTART_BACKOFF = { firstMs: 100, maxMs: 5_000, random: Math.random } as const;
const RELOAD_MS = 5_000;
const STOP_MS = 10_000;
/** What it must be at least: accounts with imports as they are written here. */
const OLDEST = [2, 9] as const;

export class EmbeddedServer {
  readonly #log: Log;
  readonly #program: string;
  #settings: ServerSettings;
  #child: ChildProcess | undefined;
  #isStopping = false;
  #deaths = 0;
  readonly #onReloaded = new Set<() => void>();

  private constructor(settings: ServerSettings, program: string, log: Log) {
    this.#settings = settings;
    this.#program = program;
    this.#log = log;
  }

  /** @throws LogError `LOG_SERVER_FAULT` when there is no nats-server, or one that is too old */
  static async start(settings: ServerSettings, log: Log): Promise<EmbeddedServer> {
    const program = findServer();
    await requireVersion(program);
    const server = new EmbeddedServer(settings, program, log);
    mkdirSync(settings.directory, { recursive: true, mode: 0o700 });
    await endLeftBehind(settings.directory);
    server.#writeConfig();
    server.#spawn();
    return server;
  }

  /** Makes another key the one of a trust's account. Resolves when the server has taken it. */
  async setKey(ods: string, publicKey: string): Promise<void> {
    const trusts = new Map(this.#settings.trusts).set(ods, publicKey);
    this.#settings = { ...this.#settings, trusts };
    this.#writeConfig();
    const child = this.#child;
    // Between two lives: the next one reads what was just written.
    if (child === undefined || child.exitCode !== null) return;
    const reloaded = new Promise<void>((resolve) => {
      const timer = setTimeout(done, RELOAD_MS);
      const done_ = done;
      this.#onReloaded.add(done_);
      const forget = (): boolean => this.#onReloaded.delete(done_);
      function done(): void {
        clearTimeout(timer);
        forget();
        resolve();
      }
    });
    child.kill('SIGHUP');
    await reloaded;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  #writeConfig(): void {
    const file = configFile(this.#settings.directory);
    writeFileSync(`${file}.new`, serverConfig(this.#settings), { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }

  #spawn(): void {
    const startedAt = performance.now();
    const child = spawn(this.#program, ['-c', configFile(this.#settings.directory)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8');
    let lastWords = '';
    child.stderr.on('data', (text: string) => {
      lastWords = (lastWords + text).slice(-2_000);
      if (text.includes('Reloaded server configuration'))
        for (const listener of [...this.#onReloaded]) listener();
    });
    child.on('error', () => {});
    child.on('exit', (code, signal) => {
      if (this.#isStopping) return;
      if (performance.now() - startedAt > 10_000) this.#deaths = 0;
      const fault = /\[(?:FTL|ERR)\] (.*)/.exec(lastWords)?.[1] ?? '';
      this.#log.error('log.server-ended', { code: code ?? -1, signal: signal ?? '', fault });
      const wait = backoffMs(this.#deaths, RESTART_BACKOFF);
      this.#deaths += 1;
      setTimeout(() => {
        if (!this.#isStopping) this.#spawn();
      }, wait);
    });
  }
}

function findServer(): string {
  const given = process.env['CDIP_NATS_SERVER'];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const found = given ?? folders.map((folder) => join(folder, 'nats-server')).find(existsSync);
  if (found !== undefined) return found;
  throw new LogError(
    'LOG_SERVER_FAULT',
    'nats-server is not installed: install the package nats-server, or name servers in nats.servers',
  );
}

async function requireVersion(program: string): Promise<void> {
  const text = await new Promise<string>((resolve) => {
    const child = spawn(program, ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.on('error', () => resolve(''));
    child.on('close', () => resolve(output));
  });
  const [, major = 0, minor = 0] = (/v(\d+)\.(\d+)/.exec(text) ?? []).map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new LogError(
    'LOG_SERVER_FAULT',
    `${program} says "${text.trim()}": nats-server ${OLDEST.join('.')} or later is needed`,
  );
}

/** Ends the server of a hub that was killed; it holds our port and our store. */
async function endLeftBehind(directory: string): Promise<void> {
  const pid = existsSync(pidFile(directory)) ? Number(readFileSync(pidFile(directory), 'utf8')) : 0;
  if (!(pid > 0) || !isOurs(pid, directory)) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; isOurs(pid, directory); waited += 50) {
    if (waited === STOP_MS) process.kill(pid, 'SIGKILL');
    await delay(50);
  }
}

/** A pid may have been given to another program since. */
function isOurs(pid: number, directory: string): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const isZombie = /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return line.includes('nats-server') && line.includes(configFile(directory)) && !isZombie;
  } catch {
    return false;
  }
}
