/** The SOP classes of query/retrieve, for the acceptor. PS3.4 Annex C. */
import type { ServedClass } from '../../dimse/service.ts';
import { type FindParts, FindService } from './find.ts';
import { INFORMATION_MODELS } from './keys.ts';
import { LocalStudies } from './local-studies.ts';
import type { Network } from './network.ts';
import { type RetrieveParts, RetrieveService } from './retrieve.ts';

export interface QueryRetrieveParts
  extends Omit<FindParts, 'network'>,
    Omit<RetrieveParts, 'index' | 'network' | 'local' | 'waitMs'> {
  readonly index: FindParts['index'] & RetrieveParts['index'];
  /** Absent: the trust works alone. */
  readonly network: Network | undefined;
}

/** A workstation is told after so long that its fetch goes on without it. */
const WAIT_MS = 1_800_000;

export function queryRetrieve(parts: QueryRetrieveParts): ServedClass[] {
  const find = new FindService(parts);
  const local = new LocalStudies(parts.db);
  const retrieve = new RetrieveService({ ...parts, local, waitMs: WAIT_MS });
  return INFORMATION_MODELS.flatMap((model): ServedClass[] => [
    {
      sopClassUID: model.find,
      kinds: ['find'],
      handle: (request, link) => find.handle(model, request, link),
      extend: noExtensions,
    },
    {
      sopClassUID: model.move,
      kinds: ['move'],
      handle: (request, link) => retrieve.handle(request, link),
      extend: noExtensions,
    },
    {
      sopClassUID: model.get,
      kinds: ['get'],
      handle: (request, link) => retrieve.handle(request, link),
      extend: noExtensions,
    },
  ]);
}

/** Neither relational queries nor anything else that may be negotiated. PS3.4 C.5.1.1.1. */
const noExtensions = (information: Buffer): Buffer => Buffer.alloc(Math.min(information.length, 8));
