/**
 * Destinations over DICOM: stores by C-STORE, asks by C-FIND at IMAGE level, by series, what is there.
 * A peer that answers no question at IMAGE level is asked for the number of instances.
 */
import type { Peer } from '../config.ts';
import { DimseError } from '../dimse/command-set.ts';
import { decodeIdentifier, encodeIdentifier, type IdentifierElement } from '../dimse/identifier.ts';
import { type OpenOptions, openAssociation, scuPeer } from '../dimse/scu.ts';
import type { ScuAssociation } from '../dimse/scu-association.ts';
import type { Destinations, Holding, StoreAssociation, StoreContext } from './destination.ts';

export const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
export const QUERY_SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];

const QueryRetrieveLevel = 0x0008_0052;
const SOPInstanceUID = 0x0008_0018;
const StudyInstanceUID = 0x0020_000d;
const SeriesInstanceUID = 0x0020_000e;
const NumberOfStudyRelatedInstances = 0x0020_1208;
const NumberOfSeriesRelatedInstances = 0x0020_1209;

const NOT_ACCEPTED = 'FIND_NOT_ACCEPTED';

/** @param ownAETitle how we name ourselves to a peer that has no name of its own for us */
export function dimseDestinations(ownAETitle: string): Destinations {
  const associate = (peer: Peer, options: Omit<OpenOptions, 'peer'>): Promise<ScuAssociation> =>
    openAssociation({ ...options, peer: scuPeer(peer, ownAETitle) });
  return {
    async open(peer, contexts, signal) {
      const wanted = contexts.map(({ sopClassUID, transferSyntaxUID }) => ({
        abstractSyntaxUID: sopClassUID,
        transferSyntaxUIDs: [transferSyntaxUID],
      }));
      const { window } = peer;
      return storing(await associate(peer, { contexts: wanted, window, signal }));
    },
    async holding(peer, study, signal) {
      const asking = async <T>(ask: (find: Find) => Promise<T>): Promise<T | Unanswered> => {
        const find = { abstractSyntaxUID: STUDY_ROOT_FIND, transferSyntaxUIDs: QUERY_SYNTAXES };
        const association = await associate(peer, { contexts: [find], signal });
        try {
          const context = association.contextFor(STUDY_ROOT_FIND);
          if (context === undefined) return { unanswered: NOT_ACCEPTED };
          return await ask(findOver(association, context.transferSyntaxUID));
        } finally {
          await association.release();
        }
      };
      return holdingOf(asking, study);
    },
  };
}

function storing(association: ScuAssociation): StoreAssociation {
  return {
    window: association.window,
    accepts: ({ sopClassUID, transferSyntaxUID }: StoreContext) =>
      association.contextFor(sopClassUID, transferSyntaxUID) !== undefined,
    store: (object, dataSet) => association.store(object, dataSet),
    release: () => association.release(),
    abort: () => association.abort(),
  };
}

interface AskedStudy {
  readonly studyInstanceUID: string;
  readonly seriesInstanceUIDs: readonly string[];
}

/** Why a question got no answer that helps. */
interface Unanswered {
  readonly unanswered: string;
  readonly brokenBy?: DimseError;
}
type Match = ReadonlyMap<number, string>;
type Find = (elements: readonly IdentifierElement[]) => Promise<readonly Match[] | Unanswered>;
/** Asks over an association of its own. */
type Asking = <T>(ask: (find: Find) => Promise<T>) => Promise<T | Unanswered>;

const isUnanswered = (answer: object): answer is Unanswered => 'unanswered' in answer;

function findOver(association: ScuAssociation, transferSyntaxUID: string): Find {
  return async (elements) => {
    const identifier = encodeIdentifier(transferSyntaxUID, elements);
    const { status, identifiers } = await association.find(STUDY_ROOT_FIND, identifier);
    if (status !== 0)
      return { unanswered: `FIND_${status.toString(16).toUpperCase().padStart(4, '0')}` };
    return identifiers.map((bytes) => decodeIdentifier(transferSyntaxUID, bytes));
  };
}

async function holdingOf(asking: Asking, study: AskedStudy): Promise<Holding> {
  const named = await asking((find) => instancesOf(find, study)).catch(asUnanswered);
  if (!isUnanswered(named)) {
    const instances: Holding = { kind: 'instances', sopInstanceUIDs: named };
    if (named.size > 0) return instances;
    // There are PACS that say success and nothing at IMAGE level. Only these series count: the study may have others.
    const count = await asking((find) => countOfSeries(find, study)).catch(asUnanswered);
    return typeof count === 'number' && count > 0 ? { kind: 'count', instances: count } : instances;
  }
  if (named.unanswered === NOT_ACCEPTED) return { kind: 'unknown', code: NOT_ACCEPTED };
  const count = await asking((find) => countOfStudy(find, study)).catch((error: unknown) => {
    // Broken off twice: a peer in trouble, to be asked again, rather than one that does not know the question.
    if (named.brokenBy !== undefined) throw named.brokenBy;
    return asUnanswered(error);
  });
  if (typeof count === 'number') return { kind: 'count', instances: count };
  return { kind: 'unknown', code: named.unanswered };
}

/** A peer that ends the association instead of an answer may just not know the question. */
function asUnanswered(error: unknown): Unanswered {
  if (!(error instanceof DimseError) || error.code === 'RESPONSE_TIMEOUT') throw error;
  return { unanswered: error.code, brokenBy: error };
}

/** SOP Instance UIDs, series by series: within what a PACS gives in one answer. */
async function instancesOf(
  find: Find,
  { studyInstanceUID, seriesInstanceUIDs }: AskedStudy,
): Promise<Set<string> | Unanswered> {
  const sopInstanceUIDs = new Set<string>();
  for (const series of seriesInstanceUIDs) {
    const matches = await find([
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'IMAGE' },
      { tag: StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
      { tag: SeriesInstanceUID, vr: 'UI', value: series },
      { tag: SOPInstanceUID, vr: 'UI', value: '' },
    ]);
    if (isUnanswered(matches)) return matches;
    for (const match of matches) sopInstanceUIDs.add(match.get(SOPInstanceUID) ?? '');
  }
  sopInstanceUIDs.delete('');
  return sopInstanceUIDs;
}

async function countOfStudy(
  find: Find,
  { studyInstanceUID }: AskedStudy,
): Promise<number | Unanswered> {
  const matches = await find([
    { tag: QueryRetrieveLevel, vr: 'CS', value: 'STUDY' },
    { tag: StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
    { tag: NumberOfStudyRelatedInstances, vr: 'IS', value: '' },
  ]);
  return isUnanswered(matches) ? matches : numberIn(matches[0], NumberOfStudyRelatedInstances);
}

async function countOfSeries(
  find: Find,
  { studyInstanceUID, seriesInstanceUIDs }: AskedStudy,
): Promise<number | Unanswered> {
  let sum = 0;
  for (const series of seriesInstanceUIDs) {
    const matches = await find([
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'SERIES' },
      { tag: StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
      { tag: SeriesInstanceUID, vr: 'UI', value: series },
      { tag: NumberOfSeriesRelatedInstances, vr: 'IS', value: '' },
    ]);
    const count = isUnanswered(matches)
      ? matches
      : numberIn(matches[0], NumberOfSeriesRelatedInstances);
    if (typeof count !== 'number') return count;
    sum += count;
  }
  return sum;
}

function numberIn(match: Match | undefined, tag: number): number | Unanswered {
  const text = match?.get(tag)?.trim() ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : { unanswered: 'FIND_NO_COUNT' };
}
