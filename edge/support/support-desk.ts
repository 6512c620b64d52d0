/**
 * Support bundles that the hub asks for: made by `cdip edge support-bundle` in a process of its own, so that nothing waits
 * for it, and sent to the hub. What was asked for lies in `<dataDirectory>/support/asked`, and is gone on with after a start.
 *
 *   command ─► asked/ID.json ─► bundle, scrubbed ─► audit ─► PUT to the hub ─► gone, here
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import { backoffMs, sleep } from '../../shared/backoff.ts';
import type { Clock } from '../../shared/clock.ts';
import {
  type SupportBundleCommand,
  SupportBundleCommandSchema,
} from '../../shared/contract/commands.ts';
import {
  BUNDLE_TYPE,
  SUPPORT_PATH,
  SUPPORT_TICKET_SECONDS,
} from '../../shared/contract/support.ts';
import { codeOf } from '../../shared/errors.ts';
import type { HubAccess } from '../../shared/hub-access.ts';
import type { Log } from '../../shared/log.ts';
import { writeDurably } from '../../shared/write-durably.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'main.ts');
const MAKE_MS = 300_000;
const SEND_MS = 300_000;
const BACKOFF = { firstMs: 2_000, maxMs: 300_000, random: Math.random } as const;

export interface SupportDeskParts {
  readonly trust: string;
  readonly dataDirectory: string;
  /** edge.yaml. */
  readonly configFile: string;
  readonly hub: Pick<HubAccess, 'fetch'>;
  readonly audit: Pick<AuditTrail, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class SupportDesk {
  readonly #parts: SupportDeskParts;
  readonly #folder: string;
  readonly #ending = new AbortController();
  #working: Promise<void> = Promise.resolve();

  constructor(parts: SupportDeskParts) {
    this.#parts = parts;
    this.#folder = join(parts.dataDirectory, 'support', 'asked');
  }

  /** Goes on with what was asked for. */
  start(): void {
    for (const name of globSync('*.json', { cwd: this.#folder })) this.#begin(name);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#working;
  }

  /** Durable when it returns. */
  take(command: SupportBundleCommand): void {
    const name = `${command.bundle}.json`;
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    if (existsSync(join(this.#folder, name))) return;
    writeDurably(join(this.#folder, name), JSON.stringify(command), 0o600);
    this.#parts.log.info('support.asked', { bundle: command.bundle });
    this.#begin(name);
  }

  /** One after the other. */
  #begin(name: string): void {
    this.#working = this.#working.then(() => this.#serve(join(this.#folder, name)));
  }

  async #serve(file: string): Promise<void> {
    const { log, clock } = this.#parts;
    const { signal } = this.#ending;
    const bundle = file.replace(/json$/, 'tar.gz');
    const done = (): void => {
      for (const one of [file, bundle]) rmSync(one, { force: true });
    };
    for (let tries = 0; !signal.aborted; tries += 1) {
      try {
        const asked = SupportBundleCommandSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
        const isOld = clock.now() - Date.parse(asked.at) > SUPPORT_TICKET_SECONDS * 1000;
        if (isOld || (await this.#made(asked, bundle))) return done();
      } catch (error) {
        log.warn('support.failed', { code: codeOf(error) });
        // Not even what was asked for can be read.
        if (error instanceof SyntaxError || !existsSync(file)) return done();
      }
      await sleep(backoffMs(tries, BACKOFF), signal);
    }
  }

  /** @returns true: it is over, one way or the other */
  async #made(asked: SupportBundleCommand, file: string): Promise<boolean> {
    const { signal } = this.#ending;
    if (!existsSync(file)) {
      const args = [PROGRAM, 'edge', 'support-bundle', '--config', this.#parts.configFile];
      const made = await promisify(execFile)(process.execPath, [...args, '--out', file], {
        ...{ timeout: MAKE_MS, signal },
      }).catch((error: unknown) => error as NodeJS.ErrnoException);
      if (signal.aborted) return false;
      if (!existsSync(file)) {
        const code = made instanceof Error ? codeOf(made) : 'BUNDLE_MISSING';
        return this.#send(asked, { code: 'BUNDLE_NOT_MADE', detail: `it ended with ${code}` });
      }
    }
    return this.#send(asked, readFileSync(file));
  }

  async #send(
    asked: SupportBundleCommand,
    body: Buffer<ArrayBuffer> | { code: string; detail: string },
  ): Promise<boolean> {
    const { hub, log } = this.#parts;
    const { bundle, ticket } = asked;
    const isBundle = Buffer.isBuffer(body);
    const bytes = isBundle ? body : Buffer.from(JSON.stringify(body));
    const digest = createHash('sha256').update(bytes).digest('base64');
    // What leaves the trust stands in its own trail before it does.
    this.#record(asked, { bytes: bytes.length, digest, isBundle });
    const { status } = await hub.fetch(`${SUPPORT_PATH}/${bundle}`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${ticket}`,
        'content-type': isBundle ? BUNDLE_TYPE : 'application/problem+json',
        'content-digest': `sha-256=:${digest}:`,
      },
      body: bytes,
      redirect: 'error',
      signal: AbortSignal.any([this.#ending.signal, AbortSignal.timeout(SEND_MS)]),
    });
    const isTaken = status >= 200 && status < 300;
    if (isTaken) log.info('support.sent', { bundle, bytes: bytes.length });
    else log.warn('support.failed', { code: `HTTP_${status}` });
    // What the hub refuses it refuses again.
    return isTaken || (status >= 400 && status < 500);
  }

  #record({ bundle, askedBy, reason }: SupportBundleCommand, query: object): void {
    const { audit, trust } = this.#parts;
    audit.append({
      ...{ event: 'export', action: 'R', outcome: 0, code: null, what: 'support bundle' },
      ...{ user: askedBy, role: 'fleet', trust: null, address: null, purpose: reason },
      ...{ query: { bundle, ...query }, patients: [], studies: [], homes: [trust] },
      moved: { from: 'here', to: { kind: 'program', id: 'hub', address: null } },
    });
  }
}
