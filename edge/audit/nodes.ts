/** Whom the configuration names, as who took part stands in the trail. */
import type { AuditNode } from '../../shared/audit/entry.ts';
import type { EdgeConfig } from '../config.ts';

export interface Nodes {
  /** Of a peer, destination or model. */
  named(name: string): AuditNode;
  /** Undefined: no peer has the AE title. */
  called(aeTitle: string): AuditNode | undefined;
}

export function nodesOf(config: Pick<EdgeConfig, 'peers' | 'destinations' | 'models'>): Nodes {
  const peers = config.peers.map(({ name, aeTitle, host }) => ({
    name,
    node: { kind: 'application-entity', id: aeTitle, address: host } as const,
  }));
  const others = config.destinations.map((one) => ({
    name: one.name,
    node:
      'folder' in one
        ? ({ kind: 'folder', id: one.name, address: one.folder } as const)
        : ({ kind: 'web', id: one.name, address: one.stow.url } as const),
  }));
  const byName = new Map<string, AuditNode>(
    [...peers, ...others].map(({ name, node }) => [name, node]),
  );
  const peerOf = new Map(config.models.map(({ name, peer }) => [name, peer]));
  return {
    named: (name) =>
      byName.get(peerOf.get(name) ?? name) ?? { kind: 'program', id: name, address: null },
    called: (aeTitle) => peers.find(({ node }) => node.id === aeTitle)?.node,
  };
}
