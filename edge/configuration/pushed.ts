/**
 * A configuration that the hub pushed, as it stands beside edge.yaml: what is in force, what was before, what became
 * of it. A kill -9 between any two steps leaves either the one before or a trial that ends.
 *
 *   push ─► edge.yaml.before ─► edge.yaml.push (trial) ─► edge.yaml ─► restart ─► hub reached? ─► kept │ returned
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
} from 'node:fs';
import { type Document, parseDocument } from 'yaml';
import * as z from 'zod';
import { rfc3339 } from '../../shared/clock.ts';
import type { ConfigureCommand } from '../../shared/contract/commands.ts';
import type { PushedConfiguration } from '../../shared/contract/events.ts';
import { PushedConfigurationSchema } from '../../shared/contract/health.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import { writeDurably } from '../../shared/write-durably.ts';
import { parseEdgeConfig } from '../config.ts';

/** Who the edge is, where its data are, and when it is replaced, is the trust's own to say. */
const NOT_PUSHED = ['trust', 'dataDirectory', 'upgrades', 'upgradeHours'];

const StateSchema = PushedConfigurationSchema.extend({
  returnSeconds: z.int().positive(),
  /** SHA-256 of edge.yaml as it is tried. */
  digest: z.string(),
});
type State = z.output<typeof StateSchema>;

/** Another change is under way. */
export class ConfigurationBusy extends GatewayError {
  override readonly name = 'ConfigurationBusy';
  override readonly code = 'CONFIG_ON_TRIAL';
  override readonly retry = 'safe';
}

export class PushedConfigurations {
  readonly #file: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #now: () => number;

  /** @param file edge.yaml */
  constructor(file: string, environment: NodeJS.ProcessEnv, now: () => number) {
    this.#file = file;
    this.#environment = environment;
    this.#now = now;
  }

  /** edge.yaml. */
  get file(): string {
    return this.#file;
  }

  /** Undefined: none was pushed. */
  last(): PushedConfiguration | undefined {
    const state = this.#state();
    if (state === undefined) return undefined;
    const { version, state: is, at, reason } = state;
    return { version, state: is, at, reason };
  }

  /** Of a trial that is under way: for how long it may go on. */
  get trialSeconds(): number | undefined {
    const state = this.#state();
    return state?.state === 'trial' ? state.returnSeconds : undefined;
  }

  /** Durable when it returns. @returns true when it is to be tried: the edge has to start again */
  take({ version, changes, returnSeconds }: ConfigureCommand): boolean {
    const state = this.#state();
    if (state !== undefined && (version <= state.version || state.state === 'trial')) return false;
    const refusal = (code: string, detail: string): false => {
      const reason = { code, detail };
      this.#keep({ version, state: 'refused', reason, returnSeconds, digest: '' });
      return false;
    };
    const own = Object.keys(changes).find((key) => NOT_PUSHED.includes(key));
    if (own !== undefined)
      return refusal('CONFIG_NOT_PUSHED', `${own} is the trust's own to change`);
    const before = readFileSync(this.#file, 'utf8');
    const document = parseDocument(before);
    for (const [key, value] of Object.entries(changes))
      if (value === null) document.delete(key);
      else document.set(key, document.createNode(value));
    try {
      parseEdgeConfig(document.toJS(), this.#environment);
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return refusal(codeOf(error), error.message);
    }
    writeDurably(`${this.#file}.before`, before);
    const text = document.toString();
    const digest = digestOf(text);
    this.#keep({ version, state: 'trial', reason: null, returnSeconds, digest });
    writeDurably(this.#file, text);
    return true;
  }

  /**
   * A change by the trust's own engineer; the edge has to start again. Durable when it returns.
   *
   * @throws ConfigError naming what is wrong with it, and GatewayError `CONFIG_ON_TRIAL` while a pushed one is
   *   tried; then nothing is changed
   */
  change(edit: (document: Document) => void): void {
    if (this.trialSeconds !== undefined)
      throw new ConfigurationBusy(
        'A configuration of the hub is being tried: wait until that is over.',
      );
    const before = readFileSync(this.#file, 'utf8');
    const document = parseDocument(before);
    edit(document);
    parseEdgeConfig(document.toJS(), this.#environment);
    writeDurably(`${this.#file}.before`, before);
    writeDurably(this.#file, document.toString());
  }

  /** A hub was reached: with it, or with what a kill -9 left in force before it was tried. */
  keep(): void {
    if (this.#state()?.digest === digestOf(readFileSync(this.#file, 'utf8')))
      this.#end('kept', null);
    else
      this.#end('returned', { code: 'INTERRUPTED', detail: 'the edge ended before it was tried' });
  }

  /** The one before is in force again; the edge has to start again. */
  putBack(reason: { code: string; detail: string }): void {
    const before = `${this.#file}.before`;
    if (existsSync(before)) {
      copyFileSync(before, `${this.#file}.new`);
      sync(`${this.#file}.new`);
      renameSync(`${this.#file}.new`, this.#file);
    }
    this.#end('returned', reason);
  }

  #end(state: 'kept' | 'returned', reason: State['reason']): void {
    const current = this.#state();
    if (current?.state !== 'trial') return;
    this.#keep({ ...current, state, reason });
  }

  #keep(state: Omit<State, 'at'>): void {
    writeDurably(
      `${this.#file}.push`,
      `${JSON.stringify({ ...state, at: rfc3339(this.#now()) })}\n`,
    );
  }

  #state(): State | undefined {
    try {
      return StateSchema.parse(JSON.parse(readFileSync(`${this.#file}.push`, 'utf8')));
    } catch {
      return undefined;
    }
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

function sync(file: string): void {
  const fd = openSync(file, 'r+');
  fsyncSync(fd);
  closeSync(fd);
}
