/**
 * Which way to a source works: directly, or by the hub's relay where its trust lets nobody in. The direct one is
 * tried first; what worked is remembered, and while it is the relay the direct one is probed from time to time.
 */
import { relayedUrl } from '../../shared/contract/relay.ts';

const PROBE_EVERY_MS = 300_000;
const PROBE_MS = 4_000;

export interface SourcePath {
  readonly kind: 'direct' | 'relay';
  /** Base URL. */
  readonly url: string;
}

interface Source {
  readonly trust: string;
  readonly url: string;
}

export interface SourcePathsOptions {
  /** The hub's base URL, for edges; absent, or undefined: there is no relay. */
  readonly hubUrl?: () => string | undefined;
  readonly now?: () => number;
  readonly onChange?: (change: { source: string; path: string }) => void;
  /** Whether an edge answers at its own address; tests replace it. */
  readonly probe?: (url: string) => Promise<boolean>;
}

export class SourcePaths {
  readonly #options: SourcePathsOptions;
  /** Sources that are reached by the relay, and when the direct way was last tried. */
  readonly #relayed = new Map<string, number>();

  constructor(options: SourcePathsOptions) {
    this.#options = options;
  }

  /** The way to use, and the other one if there is one. */
  to(source: Source): [SourcePath, SourcePath?] {
    const hubUrl = this.#options.hubUrl?.();
    const direct: SourcePath = { kind: 'direct', url: source.url };
    if (hubUrl === undefined) return [direct];
    const relay: SourcePath = { kind: 'relay', url: relayedUrl(hubUrl, source.trust) };
    const triedAt = this.#relayed.get(source.trust);
    if (triedAt === undefined) return [direct, relay];
    if (this.#now() - triedAt >= PROBE_EVERY_MS) void this.#probe(source);
    return [relay, direct];
  }

  /** This one answered after the other had not. */
  works(source: Source, { kind }: SourcePath): void {
    if (kind === 'relay') this.#relayed.set(source.trust, this.#now());
    else this.#relayed.delete(source.trust);
    this.#options.onChange?.({ source: source.trust, path: kind });
  }

  async #probe(source: Source): Promise<void> {
    this.#relayed.set(source.trust, this.#now());
    const { probe = answers } = this.#options;
    if (await probe(source.url)) this.works(source, { kind: 'direct', url: source.url });
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now();
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PROBE_MS);
    return (await fetch(new URL('health/live', url.endsWith('/') ? url : `${url}/`), { signal }))
      .ok;
  } catch {
    return false;
  }
}
