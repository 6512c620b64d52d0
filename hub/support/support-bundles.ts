/**
 * Support bundles of edges: asked for by a person, brought by the edge with a ticket that is good for one, kept for 14
 * days in `<dataDirectory>/support`, beside what is known of each.
 *
 *   ask ─► ID.json ─► command ─► edge ─► receive ─► ID.tar.gz ─► a person fetches it ─► forgotten
 */
import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import * as z from 'zod';
import type { AuditTrail } from '../../shared/audit/trail.ts';
import { type Clock, rfc3339 } from '../../shared/clock.ts';
import {
  BUNDLE_TYPE,
  BundleProblemSchema,
  MAX_BUNDLE_BYTES,
  SUPPORT_TICKET_SECONDS,
} from '../../shared/contract/support.ts';
import { codeOf } from '../../shared/errors.ts';
import type { Log } from '../../shared/log.ts';
import { writeDurably } from '../../shared/write-durably.ts';
import type { TicketSigner } from '../access/tickets.ts';
import type { NetworkLog } from '../log/network-log.ts';
import { SupportError } from './support-error.ts';

const KEPT_MS = 14 * 86_400_000;
const SWEEP_MS = 3_600_000;
const MAX_PROBLEM_BYTES = 10_000;

const BundleSchema = z.object({
  id: z.uuid(),
  trust: z.string(),
  reason: z.string(),
  askedBy: z.string(),
  askedAt: z.iso.datetime(),
  /** `expired`: it did not come while its ticket was good. */
  state: z.enum(['asked', 'received', 'failed', 'expired']),
  receivedAt: z.iso.datetime().nullable(),
  bytes: z.int().nullable(),
  /** SHA-256, hexadecimal. */
  sha256: z.string().nullable(),
  problem: BundleProblemSchema.nullable(),
});
export type SupportBundle = z.output<typeof BundleSchema>;

export interface SupportBundlesOptions {
  readonly dataDirectory: string;
  readonly trusts: readonly { readonly ods: string }[];
  readonly tickets: Pick<TicketSigner, 'signUpload' | 'uploadOf'>;
  /** Whether a trust's edge is let in still: tickets are good for a day. */
  readonly isEnrolled: (trust: string) => boolean;
  readonly networkLog: Pick<NetworkLog, 'sendCommand'>;
  readonly audit: Pick<AuditTrail, 'append'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Brought {
  readonly id: string;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
  readonly contentDigest: string | undefined;
  readonly address: string;
  readonly body: Readable;
}

export class SupportBundles {
  readonly #options: SupportBundlesOptions;
  readonly #folder: string;
  /** Those that are coming just now. */
  readonly #coming = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SupportBundlesOptions) {
    this.#options = options;
    this.#folder = join(options.dataDirectory, 'support');
  }

  start(): void {
    this.sweep();
    this.#timer = setInterval(() => this.sweep(), SWEEP_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** @returns its id @throws SupportError `TRUST_UNKNOWN`; LogError, and then nothing was asked */
  async ask(trust: string, { reason, by }: { reason: string; by: string }): Promise<string> {
    const { trusts, tickets, networkLog, clock } = this.#options;
    if (!trusts.some(({ ods }) => ods === trust))
      throw new SupportError('TRUST_UNKNOWN', 'It is no trust of this network.');
    const id = randomUUID();
    const at = rfc3339(clock.now());
    const ticket = await tickets.signUpload(trust, id);
    this.#write({
      ...{ id, trust, reason, askedBy: by, askedAt: at, state: 'asked', receivedAt: null },
      ...{ bytes: null, sha256: null, problem: null },
    });
    try {
      await networkLog.sendCommand(trust, {
        ...{ v: 1, id: `support-bundle-${id}`, at, kind: 'support-bundle', bundle: id },
        ...{ askedBy: by, reason, ticket },
      });
    } catch (error) {
      this.#forget(id);
      throw error;
    }
    return id;
  }

  /** The newest first. */
  list(trust: string): SupportBundle[] {
    return this.#all()
      .filter((one) => one.trust === trust)
      .sort((a, b) => b.askedAt.localeCompare(a.askedAt));
  }

  /** The file of one that has come. @throws SupportError `BUNDLE_UNKNOWN` */
  find(trust: string, id: string): SupportBundle & { readonly file: string } {
    const found = this.list(trust).find((one) => one.id === id && one.state === 'received');
    if (found === undefined)
      throw new SupportError('BUNDLE_UNKNOWN', 'There is no such bundle, or not any more.');
    return { ...found, file: this.#fileOf(id) };
  }

  /** An edge brings what it was asked for. Durable when it resolves. @throws SupportError */
  async receive(brought: Brought): Promise<void> {
    const asked = await this.#admit(brought);
    this.#coming.add(asked.id);
    try {
      if (brought.contentType === BUNDLE_TYPE) await this.#keep(asked, brought);
      else await this.#note(asked, brought.body);
      this.#record(asked, brought.address, null);
    } catch (error) {
      this.#record(asked, brought.address, codeOf(error));
      throw error;
    } finally {
      this.#coming.delete(asked.id);
    }
  }

  /** Forgets what is too old. */
  sweep(): void {
    const { clock, log } = this.#options;
    const now = clock.now();
    for (const one of this.#all()) {
      const ageMs = now - Date.parse(one.receivedAt ?? one.askedAt);
      if (ageMs > KEPT_MS) {
        this.#forget(one.id);
        log.info('support.forgotten', { trust: one.trust, bundle: one.id });
      } else if (one.state === 'asked' && ageMs > SUPPORT_TICKET_SECONDS * 1000)
        this.#write({ ...one, state: 'expired' });
    }
  }

  async #admit({ id, authorization }: Brought): Promise<SupportBundle> {
    const { tickets, isEnrolled } = this.#options;
    const token = /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1] ?? '';
    const refused = (cause?: unknown): SupportError =>
      new SupportError('SUPPORT_TOKEN_REFUSED', 'this ticket opens nothing here', { cause });
    const ticket = await tickets.uploadOf(token).catch((cause: unknown) => {
      throw refused(cause);
    });
    const asked = this.#all().find((one) => one.id === id);
    const isGood =
      asked?.state === 'asked' &&
      ticket.bundle === id &&
      ticket.sub === asked.trust &&
      isEnrolled(asked.trust) &&
      !this.#coming.has(id);
    if (!isGood) throw refused();
    return asked;
  }

  async #keep(asked: SupportBundle, { body, contentDigest }: Brought): Promise<void> {
    const file = this.#fileOf(asked.id);
    const hash = createHash('sha256');
    let bytes = 0;
    const counted = async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        bytes += chunk.length;
        if (bytes > MAX_BUNDLE_BYTES)
          throw new SupportError('BUNDLE_DAMAGED', 'it is larger than a bundle may be');
        hash.update(chunk);
        yield chunk;
      }
    };
    try {
      await pipeline(body, counted, createWriteStream(`${file}.part`, { mode: 0o600 }));
      const digest = hash.digest();
      if (contentDigest !== `sha-256=:${digest.toString('base64')}:`)
        throw new SupportError('BUNDLE_DAMAGED', 'what came is not what was sent');
      const handle = await open(`${file}.part`, 'r+');
      await handle.sync().finally(() => handle.close());
      renameSync(`${file}.part`, file);
      this.#end(asked, { state: 'received', bytes, sha256: digest.toString('hex') });
    } catch (error) {
      rmSync(`${file}.part`, { force: true });
      throw error;
    }
  }

  async #note(asked: SupportBundle, body: Readable): Promise<void> {
    let text = '';
    for await (const chunk of body) {
      text += String(chunk);
      if (text.length > MAX_PROBLEM_BYTES) break;
    }
    const problem = BundleProblemSchema.safeParse(jsonOf(text)).data;
    if (problem === undefined) throw new SupportError('BUNDLE_DAMAGED', 'that is no bundle');
    this.#end(asked, { state: 'failed', problem });
  }

  #end(asked: SupportBundle, ended: Partial<SupportBundle>): void {
    const receivedAt = rfc3339(this.#options.clock.now());
    this.#write({ ...asked, receivedAt, ...ended });
  }

  #record({ id, trust }: SupportBundle, address: string, code: string | null): void {
    this.#options.audit.append({
      ...{ event: 'export', action: 'C', outcome: code === null ? 0 : 8, code },
      ...{ user: `edge of ${trust}`, role: 'edge', trust, address, purpose: null },
      ...{ what: 'support bundle', query: { bundle: id } },
      ...{ patients: [], studies: [], homes: [trust] },
      moved: { from: 'user', to: 'here' },
    });
  }

  #all(): SupportBundle[] {
    return globSync('*.json', { cwd: this.#folder }).flatMap((name) => {
      const read = jsonOf(readFileSync(join(this.#folder, name), 'utf8'));
      return BundleSchema.safeParse(read).data ?? [];
    });
  }

  #write(bundle: SupportBundle): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeDurably(join(this.#folder, `${bundle.id}.json`), JSON.stringify(bundle), 0o600);
  }

  #forget(id: string): void {
    for (const file of [join(this.#folder, `${id}.json`), this.#fileOf(id)])
      rmSync(file, { force: true });
  }

  #fileOf(id: string): string {
    return join(this.#folder, `${id}.tar.gz`);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
