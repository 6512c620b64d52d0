/** The SOP classes of query/retrieve, for the acceptor. PS3.4 Annex C. */
import type { ServedClass, ServedClassFacts } from '../../dimse/service.ts';
import { type FindParts, FindService, FindStatus } from './find.ts';
import { INFORMATION_MODELS, type InformationModel } from './keys.ts';
import { LocalStudies } from './local-studies.ts';
import type { Network } from './network.ts';
import { type RetrieveParts, RetrieveService, RetrieveStatus } from './retrieve.ts';

export interface QueryRetrieveParts
  extends Omit<FindParts, 'network'>,
    Omit<RetrieveParts, 'index' | 'network' | 'local' | 'waitMs' | 'stuckMs'> {
  readonly index: FindParts['index'] & RetrieveParts['index'];
  /** Absent: the trust works alone. */
  readonly network: Network | undefined;
}

/** A workstation is told after so long that its fetch goes on without it. */
const WAIT_MS = 1_800_000;
/** An edge that is upgraded, or a line that was cut for a moment, is back by then. */
const STUCK_MS = 60_000;

export function queryRetrieve(parts: QueryRetrieveParts): ServedClass[] {
  const find = new FindService(parts);
  const local = new LocalStudies(parts.db, parts.trust);
  const retrieve = new RetrieveService({ ...parts, local, waitMs: WAIT_MS, stuckMs: STUCK_MS });
  return INFORMATION_MODELS.flatMap((model) =>
    classesOf(model).map((facts): ServedClass => {
      const handle: ServedClass['handle'] = facts.kinds.includes('find')
        ? (request, link) => find.handle(model, request, link)
        : (request, link) => retrieve.handle(request, link);
      return { ...facts, handle, extend: noExtensions };
    }),
  );
}

function classesOf({ name, find, move, get }: InformationModel): ServedClassFacts[] {
  const called = `${name} Query/Retrieve Information Model`;
  return [
    { name: `${called} - FIND`, sopClassUID: find, kinds: ['find'], statuses: FindStatus },
    { name: `${called} - MOVE`, sopClassUID: move, kinds: ['move'], statuses: RetrieveStatus },
    { name: `${called} - GET`, sopClassUID: get, kinds: ['get'], statuses: RetrieveStatus },
  ];
}

export const QUERY_RETRIEVE_CLASSES: readonly ServedClassFacts[] =
  INFORMATION_MODELS.flatMap(classesOf);

/** Neither relational queries nor anything else that may be negotiated. PS3.4 C.5.1.1.1. */
const noExtensions = (information: Buffer): Buffer => Buffer.alloc(Math.min(information.length, 8));
