/**
 * Whether a PACS brings an object to us, in each way: one object of the study that has the fewest. What comes by
 * WADO-RS and C-GET is not kept; C-MOVE shows that the PACS knows where we are and reaches us.
 */
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import { PacsFinder } from '../crawl/pacs-finder.ts';
import { scuPeer } from '../dimse/scu.ts';
import { objectsOf } from '../retrieve/inventory.ts';
import { type MethodName, type Wanted, waysOf } from '../retrieve/method.ts';
import { retrieveMethods } from '../retrieve/methods.ts';
import { type Finding, found, well } from './finding.ts';
import type { ProbeStudy } from './pacs-answers.ts';
import { discarding, type ProbeInlet } from './probe-inlet.ts';

const WORK_MS = 30_000;

interface Trying {
  readonly ownAETitle: string;
  readonly inlet: ProbeInlet;
  readonly signal: AbortSignal;
}

interface Outcome {
  /** Undefined: it could not be tried. */
  readonly came: boolean | undefined;
  readonly error: GatewayError | undefined;
}

/** @throws UlError when the PACS is not reached any more */
export async function examineRetrieve(
  peer: Peer,
  study: ProbeStudy,
  trying: Trying,
): Promise<Finding[]> {
  const wanted = await oneObject(peer, study, trying);
  const seen = { check: 'pacs', about: peer.name } as const;
  if (wanted === undefined) {
    const what = 'It does not tell the objects of a study one by one; retrieves were not tried.';
    return [well({ ...seen, what })];
  }
  const allowed = waysOf(peer);
  const outcomes = new Map<MethodName, Outcome>();
  for (const method of allowed) outcomes.set(method, await tryMethod(method, peer, wanted, trying));
  const works = allowed.filter((method) => outcomes.get(method)?.came === true);
  const move = outcomes.get('c-move');
  const ofMove = move && moveFinding(peer, move, scuPeer(peer, trying.ownAETitle).callingAETitle);
  const isTried = [...outcomes.values()].every(({ came }) => came !== undefined);
  const findings = works.map((method) =>
    well({ ...seen, what: `${method.toUpperCase()} brings objects.` }),
  );
  if (ofMove !== undefined) findings.push(ofMove);
  else if (works.length === 0 && isTried)
    findings.push(
      found('PACS_RETRIEVE_REFUSED', {
        ...{
          ...seen,
          what: `Nothing came by ${allowed.join(' and ').toUpperCase()}: ${whys(outcomes)}.`,
        },
        mend: `Allow retrieves (C-GET, or C-MOVE to us) by ${trying.ownAETitle} in the PACS.`,
      }),
    );
  return findings;
}

const whys = (outcomes: ReadonlyMap<MethodName, Outcome>): string =>
  [...outcomes.values()]
    .map(({ error }) => error?.message ?? 'success, and nothing came')
    .join('; ');

async function oneObject(
  peer: Peer,
  { studyInstanceUID, patientId }: ProbeStudy,
  { ownAETitle, signal }: Trying,
): Promise<Wanted | undefined> {
  const finder = new PacsFinder({ peer, ownAETitle, signal });
  try {
    const objects = await objectsOf((identifierFor) => finder.ask(identifierFor), studyInstanceUID);
    const [first] = objects ?? [];
    if (first === undefined) return undefined;
    const [sopInstanceUID, object] = first;
    const only = new Map([[object.seriesInstanceUID, [sopInstanceUID]]]);
    return { studyInstanceUID, patientId, objects: new Map([first]), only };
  } finally {
    await finder.release();
  }
}

async function tryMethod(
  method: MethodName,
  peer: Peer,
  wanted: Wanted,
  { ownAETitle, inlet, signal }: Trying,
): Promise<Outcome> {
  const [sopInstanceUID = ''] = wanted.objects?.keys() ?? [];
  let came: boolean | undefined = false;
  const store = discarding(
    (uid) => uid === sopInstanceUID,
    () => {
      came = true;
    },
  );
  const request = {
    ...{ peer, wanted, onAlive: () => {} },
    signal: AbortSignal.any([signal, AbortSignal.timeout(WORK_MS)]),
  };
  const run = async (): Promise<void> =>
    void (await retrieveMethods({ ownAETitle, store })[method](request));
  try {
    if (method !== 'c-move') await run();
    else
      came = await inlet.expecting(
        { studyInstanceUID: wanted.studyInstanceUID, sopInstanceUID },
        run,
      );
    return { came, error: undefined };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    return { came: false, error };
  }
}

/** Undefined: it works, is not offered at all, or could not be tried. */
function moveFinding(
  { name }: Peer,
  { came, error }: Outcome,
  destination: string,
): Finding | undefined {
  if (came !== false) return undefined;
  const seen = { check: 'pacs', about: name } as const;
  const enter = `Enter AE title ${destination} with host and DICOM port of this edge as a destination in the PACS`;
  const unless = `; or write retrieveBy: [c-get] for ${name} in edge.yaml`;
  if (error === undefined)
    return found('PACS_MOVE_NOTHING_CAME', {
      ...{ ...seen, what: `It answers C-MOVE to ${destination}, and nothing comes here.` },
      mend: `Check host and port that the PACS has for ${destination}, and the firewall from the PACS to this edge${unless}.`,
    });
  if (codeOf(error) === 'RETRIEVE_NOT_ACCEPTED') return undefined;
  return found('PACS_MOVE_DESTINATION_UNKNOWN', {
    ...{ ...seen, what: `It does not send to ${destination}: ${error.message}.` },
    mend: `${enter}${unless}.`,
  });
}
