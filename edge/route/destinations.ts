/** Where things can be sent: DICOM peers, and what else the configuration names. */
import { asPeer, type EdgeConfig, type Peer } from '../config.ts';
import type { Destinations } from '../deliver/destination.ts';
import { folderDestination } from './folder-destination.ts';
import { stowDestination } from './stow-destination.ts';

type Configured = Pick<EdgeConfig, 'peers' | 'destinations'>;

/** What deliveries may name. */
export const deliveryPeers = ({ peers, destinations }: Configured): Peer[] => [
  ...peers,
  ...destinations.map(({ name }) => asPeer(name)),
];

/** Each by its own kind. */
export function allDestinations({ destinations }: Configured, dimse: Destinations): Destinations {
  const others = new Map(
    destinations.map((destination) => [
      destination.name,
      'folder' in destination
        ? folderDestination(destination.folder)
        : stowDestination(destination.stow),
    ]),
  );
  const of = ({ name }: Peer): Destinations => others.get(name) ?? dimse;
  return {
    open: (peer, contexts, signal) => of(peer).open(peer, contexts, signal),
    holding: (peer, study, signal) => of(peer).holding(peer, study, signal),
  };
}
