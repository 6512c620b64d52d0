/**
 * Where a C-MOVE or C-GET stores its objects: at a destination over associations of its own, or at the
 * asker over the association on which he asked. PS3.4 C.4.2.3, C.4.3.3.
 */
import type { Peer } from '../../config.ts';
import { syntaxesFor } from '../../deliver/forms.ts';
import { openAssociation, scuPeer } from '../../dimse/scu.ts';
import type { ScuAssociation } from '../../dimse/scu-association.ts';
import type { OperationLink } from '../../dimse/service.ts';
import type { StoredInstance } from '../../index/types.ts';

/** PS3.8 §9.3.2.2: presentation contexts have odd identifiers up to 255. */
const MAX_CONTEXTS = 128;

export interface Storing extends Pick<ScuAssociation, 'store'> {
  accepts(context: { sopClassUID: string; transferSyntaxUID: string }): boolean;
}

export interface Target {
  /** How it wants its objects. */
  readonly peer: Pick<Peer, 'name' | 'compress'>;
  /** @throws GatewayError when it can't be reached */
  associationFor(object: StoredInstance): Promise<Storing>;
  /** The last store failed: another association is used. */
  renew(): void;
  end(): Promise<void>;
}

/** C-GET: over the association on which it was asked for. */
export function sameAssociation({ store }: OperationLink): Target {
  const storing: Storing = {
    store: (...of) => store.store(...of),
    accepts: ({ sopClassUID, transferSyntaxUID }) =>
      store.contextFor(sopClassUID, transferSyntaxUID) !== undefined,
  };
  return {
    peer: { name: 'asker', compress: 'never' },
    associationFor: async () => storing,
    renew: () => {},
    end: async () => {},
  };
}

/** C-MOVE: over an association of its own; over another one when more contexts are needed than one has. */
export function destination(
  peer: Peer,
  of: { ownAETitle: string; signal: AbortSignal; objects: readonly StoredInstance[] },
): Target {
  const groups = classGroups(of.objects, peer);
  let open: { group: ClassGroup; association: Promise<ScuAssociation> } | undefined;
  const close = async (): Promise<void> => {
    const before = open;
    open = undefined;
    await before?.association.then((association) => association.release()).catch(() => {});
  };
  return {
    peer,
    async associationFor({ sopClassUID }) {
      if (open === undefined || !open.group.has(sopClassUID)) {
        await close();
        const group = groups.find((one) => one.has(sopClassUID)) ?? new Map<string, string[]>();
        const association = openAssociation({
          ...{ peer: scuPeer(peer, of.ownAETitle), signal: of.signal },
          contexts: [...group].flatMap(([abstractSyntaxUID, syntaxes]) =>
            syntaxes.map((syntax) => ({ abstractSyntaxUID, transferSyntaxUIDs: [syntax] })),
          ),
        });
        open = { group, association };
      }
      const association = await open.association;
      return {
        store: (...stored) => association.store(...stored),
        accepts: (context) =>
          association.contextFor(context.sopClassUID, context.transferSyntaxUID) !== undefined,
      };
    },
    renew: () => {
      const before = open;
      open = undefined;
      before?.association.then((association) => association.abort()).catch(() => {});
    },
    end: close,
  };
}

/** SOP classes of one association, each with the transfer syntaxes that are proposed for it. */
type ClassGroup = ReadonlyMap<string, readonly string[]>;

function classGroups(objects: readonly StoredInstance[], peer: Peer): ClassGroup[] {
  const groups: Map<string, readonly string[]>[] = [];
  let room = 0;
  for (const [sopClassUID, ofClass] of Map.groupBy(objects, (one) => one.sopClassUID)) {
    const syntaxes = syntaxesFor(ofClass, peer).slice(0, MAX_CONTEXTS);
    if (syntaxes.length > room) {
      groups.push(new Map());
      room = MAX_CONTEXTS;
    }
    groups.at(-1)?.set(sopClassUID, syntaxes);
    room -= syntaxes.length;
  }
  return groups;
}
