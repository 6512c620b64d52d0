/**
 * Addresses of peers that are configured by name. getaddrinfo(3) runs on the threads that files are written
 * with and holds one for half a minute when DNS does not answer: so one name is looked up at a time, and one
 * that was found before is called at its last address when the answer does not come soon.
 */
import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** A name server that works answers within this. */
const SOON_MS = 1_000;

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;
type Resolve = (name: string, options: { all: true }, answer: Answer) => void;

export class PeerNames {
  readonly #resolve: Resolve;
  readonly #soonMs: number;
  readonly #known = new Map<string, LookupAddress[]>();
  /** Names that are looked up or wait for it, with those who ask. */
  readonly #asked = new Map<string, Answer[]>();

  /** For tests: who resolves, and how soon he is expected to answer. */
  constructor(resolve: Resolve = lookup, soonMs: number = SOON_MS) {
    this.#resolve = resolve;
    this.#soonMs = soonMs;
  }

  /** For `net.connect`. */
  readonly lookup: LookupFunction = (name, options, callback) => {
    this.#ask(name, (error, addresses) => {
      const wanted = addresses.filter(({ family }) => !options.family || options.family === family);
      const [first] = wanted.length > 0 ? wanted : addresses;
      if (error !== null || first === undefined) callback(error, '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };

  #ask(name: string, answer: Answer): void {
    let isAnswered = false;
    const once: Answer = (error, addresses) => {
      clearTimeout(timer);
      if (!isAnswered) answer(error, addresses);
      isAnswered = true;
    };
    const last = this.#known.get(name);
    const timer = last && setTimeout(() => once(null, last), this.#soonMs);
    const asking = this.#asked.get(name);
    if (asking !== undefined) return void asking.push(once);
    this.#asked.set(name, [once]);
    if (this.#asked.size === 1) this.#next();
  }

  #next(): void {
    const [name] = this.#asked.keys();
    if (name === undefined) return;
    this.#resolve(name, { all: true }, (error, addresses) => {
      if (error === null) this.#known.set(name, addresses);
      const asking = this.#asked.get(name) ?? [];
      this.#asked.delete(name);
      const last = this.#known.get(name);
      for (const answer of asking) {
        if (last === undefined) answer(error, []);
        else answer(null, last);
      }
      this.#next();
    });
  }
}

/** Of this process: there is one pool of threads. */
export const peerNames: PeerNames = new PeerNames();
