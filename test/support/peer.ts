/** A peer as the configuration would give it, with every default. */
import { type Peer, parseEdgeConfig } from '../../edge/config.ts';

export function peerOf(over: Partial<Peer> & { readonly port: number }): Peer {
  const peer = { name: 'pacs', aeTitle: 'PACS', host: '127.0.0.1', role: 'pacs', ...over };
  const { peers } = parseEdgeConfig({ trust: 'RRK', dataDirectory: '/nowhere', peers: [peer] });
  return peers[0] as Peer;
}
