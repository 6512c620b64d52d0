/**
 * WADO-RS from a PACS: a study, or some of its objects, as they are stored there. PS3.18 §10.4.
 *
 *   GET …/studies/{study} ─► multipart/related, part by part ─► the edge's own storage
 */
import { Readable } from 'node:stream';
import { type Agent, request as httpRequest } from 'undici';
import { agentFor, authorizationFor } from '../../shared/dicomweb/service-access.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import { StoreRun } from '../dicomweb/store.ts';
import { boundaryIn, takeParts } from '../dicomweb/take-parts.ts';
import type { DimseServices } from '../dimse/service.ts';
import type { MethodReport, MethodRequest, RetrieveMethod, Wanted } from './method.ts';
import { RetrieveError } from './retrieve-error.ts';

const ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*';
/** The watchdog of the retrieve ends it before. */
const SILENT_MS = 24 * 3_600_000;

type Service = NonNullable<Peer['dicomWeb']>;

export function wadoMethod({ store }: { store: DimseServices['store'] }): RetrieveMethod {
  /** By address: connections are kept. */
  const agents = new Map<string, Agent>();
  return async (request) => {
    const { peer, wanted } = request;
    const { dicomWeb } = peer;
    if (dicomWeb === undefined)
      throw new RetrieveError('RETRIEVE_REFUSED', `${peer.aeTitle} has no dicomWeb in edge.yaml`);
    try {
      const agent = agents.get(dicomWeb.url) ?? agentFor(dicomWeb, SILENT_MS);
      agents.set(dicomWeb.url, agent);
      const sum = { status: 0, completed: 0, failed: 0 };
      for (const path of pathsOf(wanted)) {
        const part = await retrieve({ path, agent, service: dicomWeb, store }, request);
        sum.completed += part.completed;
        sum.failed += part.failed;
      }
      return sum;
    } catch (cause) {
      if (cause instanceof GatewayError) throw cause;
      throw new RetrieveError('RETRIEVE_REFUSED', `${dicomWeb.url}: ${codeOf(cause)}`, { cause });
    }
  };
}

/** The whole study, or those that are wanted only, one by one. */
function pathsOf({ studyInstanceUID, only }: Wanted): string[] {
  const study = `/studies/${encodeURIComponent(studyInstanceUID)}`;
  if (only === undefined) return [study];
  return [...only].flatMap(([series, objects]) =>
    objects.map(
      (uid) => `${study}/series/${encodeURIComponent(series)}/instances/${encodeURIComponent(uid)}`,
    ),
  );
}

interface One {
  readonly path: string;
  readonly agent: Agent;
  readonly service: Service;
  readonly store: DimseServices['store'];
}

async function retrieve(
  { path, agent, service, store }: One,
  { peer, wanted, signal, onAlive }: MethodRequest,
): Promise<Omit<MethodReport, 'status'>> {
  const { statusCode, headers, body } = await httpRequest(service.url.replace(/\/$/, '') + path, {
    headers: { accept: ACCEPT, ...authorizationFor(service) },
    ...{ dispatcher: agent, signal },
  });
  const boundary = boundaryIn(String(headers['content-type'] ?? ''));
  if (statusCode >= 300 || boundary === undefined) {
    await body.dump();
    const what = statusCode >= 300 ? `${statusCode}` : 'something else than parts';
    throw new RetrieveError('RETRIEVE_REFUSED', `the PACS answers WADO-RS with ${what}`);
  }
  const run = new StoreRun(
    { store },
    {
      // The PACS is the one who stores, as with C-GET.
      ...{ name: peer.aeTitle, host: peer.host, isTls: service.url.startsWith('https:') },
      studyInstanceUID: wanted.studyInstanceUID,
    },
  );
  await takeParts(Readable.from(body), boundary, async (part) => {
    onAlive();
    await run.take(part);
  });
  return run.counts();
}
