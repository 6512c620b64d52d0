/**
 * Asks a peer for an association. PS3.7 §9.1, §10.1; what may be asked over it: scu-association.ts.
 *
 *   openAssociation ─► ScuAssociation: store(…), request(…) ─► release
 */
import { type Log, silentLog } from '../../shared/log.ts';
import type { Peer } from '../config.ts';
import { requestAssociation } from '../ul/requestor.ts';
import type { PeerTls } from '../ul/tls.ts';
import type { Roles } from '../ul/user-information.ts';
import { ScuAssociation } from './scu-association.ts';
import { ScuSession } from './scu-session.ts';
import type { DimseServices } from './service.ts';
import { ScpSession } from './session.ts';

const CONNECT_MS = 10_000;
const ARTIM_MS = 30_000;
/** How long a peer may take to answer, or to take the next bytes. A PACS may archive first. */
const RESPONSE_MS = 120_000;
export const MAX_PDU_BYTES = 131_072;

export interface ScuPeer {
  readonly host: string;
  readonly port: number;
  readonly aeTitle: string;
  /** How we name ourselves. */
  readonly callingAETitle: string;
  /** Absent: it is called in plain text. */
  readonly tls?: PeerTls;
}

/** Where a configured peer is, and as whom we call it: `ownAETitle`, where it has no name of its own for us. */
export function scuPeer(peer: Peer, ownAETitle: string): ScuPeer {
  const { host, port, aeTitle, callingAETitle = ownAETitle, tls } = peer;
  return { host, port, aeTitle, callingAETitle, ...(tls === undefined ? {} : { tls }) };
}

export interface WantedContext {
  readonly abstractSyntaxUID: string;
  readonly transferSyntaxUIDs: readonly string[];
  /** What we want to be in it, if not just the one who invokes. PS3.7 D.3.3.4. */
  readonly roles?: Roles;
}

export interface OpenOptions {
  readonly peer: ScuPeer;
  /** At most 128. */
  readonly contexts: readonly WantedContext[];
  /** Ends everything at once. */
  readonly signal?: AbortSignal;
  readonly responseMs?: number;
  /** Stores that we want to have unanswered at once; the peer may grant fewer. */
  readonly window?: number;
  /** For requests that the peer makes; absent: it may make none. */
  readonly services?: DimseServices;
  readonly log?: Log;
}

/** @throws UlError */
export async function openAssociation(options: OpenOptions): Promise<ScuAssociation> {
  const { peer, contexts, signal, responseMs = RESPONSE_MS, window, services, log } = options;
  const session = new ScuSession();
  const roles = contexts.flatMap(({ abstractSyntaxUID, roles }) =>
    roles === undefined ? [] : [[abstractSyntaxUID, roles] as const],
  );
  const association = await requestAssociation({
    host: peer.host,
    port: peer.port,
    calledAETitle: peer.aeTitle,
    callingAETitle: peer.callingAETitle,
    ...(peer.tls === undefined ? {} : { tls: peer.tls }),
    contexts: contexts.map((context, at) => ({ ...context, id: at * 2 + 1 })),
    propose: {
      ...{ maxPduBytes: MAX_PDU_BYTES, roles: new Map(roles) },
      ...(window === undefined ? {} : { window: { invoked: window, performed: 1 } }),
    },
    connectMs: CONNECT_MS,
    artimMs: ARTIM_MS,
    ...(signal === undefined ? {} : { signal }),
    user: session,
  });
  const performing = services && new ScpSession({ association, services, log: log ?? silentLog });
  session.agreed(association.contexts, performing);
  return new ScuAssociation(association, session, responseMs);
}
