/**
 * nats-server as a child of the hub: started with a configuration of ours, started again when it dies,
 * told to read the configuration again when a key changes.
 *
 * A server that a killed hub left behind is ended first. What the server had not on the disk when power
 * failed is no loss: edges keep custody of their events until a hub has committed them, and what the
 * hub itself decides is synced by sync-store.ts.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '../../shared/backoff.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { requireEdgeKey } from './keys.ts';
import { LogError } from './network-log.ts';
import {
  clientAuthorityFile,
  configFile,
  pidFile,
  type ServerSettings,
  serverConfig,
} from './server-config.ts';
import { findServerProgram } from './server-program.ts';

const RESTART_BACKOFF = { firstMs: 100, maxMs: 5_000, random: Math.random } as const;
const RELOAD_MS = 5_000;
const STOP_MS = 10_000;
/** A server that ran so long was well: the next wait is a short one again. */
const WELL_MS = 10_000;

type Child = ChildProcessByStdio<null, null, Readable>;

export class EmbeddedServer {
  readonly #log: Log;
  readonly #program: string;
  #settings: ServerSettings;
  /** Undefined between two lives. */
  #child: Child | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isStopping = false;
  #deaths = 0;
  /** One change of keys at a time: an answer of the server belongs to the last thing it was told. */
  #changing: Promise<void> = Promise.resolve();

  private constructor(settings: ServerSettings, program: string, log: Log) {
    this.#settings = settings;
    this.#program = program;
    this.#log = log;
  }

  /** @throws LogError `LOG_SERVER_FAULT` when there is no nats-server, or one that is too old */
  static async start(settings: ServerSettings, log: Log): Promise<EmbeddedServer> {
    const server = new EmbeddedServer(settings, await findServerProgram(), log);
    mkdirSync(settings.directory, { recursive: true, mode: 0o700 });
    await endLeftBehind(settings.directory);
    server.#writeConfig();
    server.#spawn();
    return server;
  }

  /**
   * Makes other keys those of a trust's account; who is connected with one that is not among them is cut off.
   * Resolves when the server has taken them.
   *
   * @param keys empty: its placeholder's
   *
   * @throws LogError `LOG_KEY_REFUSED`, `LOG_SERVER_FAULT`: nothing has changed; `LOG_UNAVAILABLE`
   */
  setKeys(ods: string, keys: readonly string[]): Promise<void> {
    const change = this.#changing.then(() => this.#change(ods, keys));
    this.#changing = change.catch(() => {});
    return change;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  }

  /** @throws LogError `LOG_KEY_REFUSED` */
  requireAdmissible(ods: string, publicKey: string): void {
    // An account that comes with a reload is half-wired: the hub has to start with the trust in its list.
    if (!this.#settings.trusts.has(ods))
      throw new LogError('LOG_KEY_REFUSED', `${ods} was not among the trusts when the hub started`);
    requireEdgeKey(ods, publicKey, this.#settings);
  }

  async #change(ods: string, keys: readonly string[]): Promise<void> {
    for (const key of keys) this.requireAdmissible(ods, key);
    const before = this.#settings;
    const held = keys.length > 0 ? keys : [before.placeholder(ods)];
    this.#settings = { ...before, trusts: new Map(before.trusts).set(ods, held) };
    this.#writeConfig();
    // Between two lives: the next one reads what was just written.
    if (this.#child === undefined) return;
    try {
      await reload(this.#child);
    } catch (error) {
      if (codeOf(error) === 'LOG_SERVER_FAULT') {
        this.#settings = before;
        this.#writeConfig();
      }
      throw error;
    }
  }

  #writeConfig(): void {
    const { directory, tls } = this.#settings;
    if (tls?.clientAuthority !== undefined)
      writeFileSync(clientAuthorityFile(directory), tls.clientAuthority);
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
    });
    const ended = (end: { code: number; signal: string; fault: string }): void => {
      if (this.#child !== child) return;
      this.#child = undefined;
      if (this.#isStopping) return;
      if (performance.now() - startedAt > WELL_MS) this.#deaths = 0;
      this.#log.error('log.server-ended', end);
      const wait = backoffMs(this.#deaths, RESTART_BACKOFF);
      this.#deaths += 1;
      this.#restart = setTimeout(() => this.#spawn(), wait);
    };
    // Of a program that could not even be started no exit is told.
    child.on('error', (error) => ended({ code: -1, signal: '', fault: codeOf(error) }));
    child.on('exit', (code, signal) =>
      ended({ code: code ?? -1, signal: signal ?? '', fault: faultIn(lastWords) }),
    );
  }
}

/** Has it read its configuration again. @throws LogError when it refuses it, or is silent */
function reload(child: Child): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const silence = new LogError('LOG_UNAVAILABLE', 'nats-server does not take its configuration');
    const timer = setTimeout(() => done(silence), RELOAD_MS);
    const listen = (text: string): void => {
      said += text;
      const refusal = /Failed to reload server configuration: (.*)/.exec(said)?.[1];
      if (refusal !== undefined) done(new LogError('LOG_SERVER_FAULT', refusal));
      else if (said.includes('Reloaded server configuration')) done();
    };
    const end = (): void => done();
    function done(error?: LogError): void {
      clearTimeout(timer);
      child.stderr.off('data', listen);
      child.off('exit', end);
      if (error === undefined) resolve();
      else reject(error);
    }
    child.stderr.on('data', listen);
    // Its next life reads what was written.
    child.once('exit', end);
    child.kill('SIGHUP');
  });
}

/** Why it ended, as far as it said. */
function faultIn(words: string): string {
  return /(?:\[(?:FTL|ERR)\]|^nats-server:) (.*)/m.exec(words)?.[1] ?? '';
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
