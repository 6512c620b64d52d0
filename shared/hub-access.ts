/**
 * How an edge reaches its hub by HTTP: where, and with what it shows there. A hub that has a listener for edges alone
 * tells of it in the directory, and asks there for the certificate that it issued.
 */
import { Agent, type RequestInit, type Response, fetch as undiciFetch } from 'undici';
import type { ClientPair } from './client-pair.ts';
import { connector } from './connector.ts';

const CONNECT_MS = 10_000;

export interface HubAccess {
  /** Without a slash at its end; undefined: the edge is joined to no hub. Another one when the hub says so. */
  readonly url: () => string | undefined;
  /** Undefined: no hub has issued one yet. */
  readonly pair: () => ClientPair | undefined;
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly close: () => Promise<void>;
}

export function openHubAccess({
  url,
  pair,
}: {
  url: () => string | undefined;
  pair: HubAccess['pair'];
}): HubAccess {
  const connect = connector({ timeoutMs: CONNECT_MS, pair });
  const dispatcher = new Agent({ allowH2: false, connect });
  const base = (): string | undefined => url()?.replace(/\/+$/, '');
  return {
    ...{ url: base, pair },
    fetch: (path, init) => undiciFetch(`${base()}${path}`, { ...init, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}
