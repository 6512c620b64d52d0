/** A peer that the trust's engineer adds from the page: into edge.yaml, whose comments stay as they are. */
import { isSeq } from 'yaml';
import { ConfigError } from '../../shared/config.ts';
import type { PushedConfigurations } from './pushed.ts';

export interface NewPeer {
  readonly name: string;
  readonly aeTitle: string;
  readonly host: string;
  readonly port: number;
  readonly role: string;
}

/** @throws as {@link PushedConfigurations.change}; ConfigError for a name that is taken, too */
export function addPeer(configurations: PushedConfigurations, peer: NewPeer): void {
  configurations.change((document) => {
    const peers = document.get('peers');
    if (!isSeq(peers)) document.set('peers', document.createNode([peer]));
    else {
      const names = (peers.toJS(document) as { name?: unknown }[]).map(({ name }) => name);
      if (names.includes(peer.name))
        throw new ConfigError(`✖ a peer is named ${peer.name} already`);
      peers.add(document.createNode(peer));
    }
  });
}
