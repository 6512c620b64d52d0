/**
 * Destinations over DICOM: stores by C-STORE, asks by C-FIND at IMAGE level, by series, what is there.
 * A peer that answers no question at IMAGE level is asked for the study's number of instances.
 */
import { codeOf } from '../../shared/errors.ts';
import type { Peer } from '../config.ts';
import { decodeIdentifier, encodeIdentifier, type IdentifierElement } from '../dimse/identifier.ts';
import { openAssociation, type ScuAssociation } from '../dimse/scu.ts';
import type { Destinations, Holding, StoreAssociation, StoreContext } from './destination.ts';

const STUDY_ROOT_FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const QUERY_SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];

const QueryRetrieveLevel = 0x0008_0052;
const SOPInstanceUID = 0x0008_0018;
const StudyInstanceUID = 0x0020_000d;
const SeriesInstanceUID = 0x0020_000e;
const NumberOfStudyRelatedInstances = 0x0020_1208;

/** @param ownAETitle how we name ourselves to a peer that has no name of its own for us */
export function dimseDestinations(ownAETitle: string): Destinations {
  const associate = (
    peer: Peer,
    contexts: Parameters<typeof openAssociation>[0]['contexts'],
    signal: AbortSignal,
  ): Promise<ScuAssociation> => {
    const { host, port, aeTitle, callingAETitle = ownAETitle } = peer;
    return openAssociation({ peer: { host, port, aeTitle, callingAETitle }, contexts, signal });
  };
  return {
    async open(peer, contexts, signal) {
      const wanted = contexts.map(({ sopClassUID, transferSyntaxUID }) => ({
        abstractSyntaxUID: sopClassUID,
        transferSyntaxUIDs: [transferSyntaxUID],
      }));
      return storing(await associate(peer, wanted, signal));
    },
    async holding(peer, study, signal) {
      const find = { abstractSyntaxUID: STUDY_ROOT_FIND, transferSyntaxUIDs: QUERY_SYNTAXES };
      const association = await associate(peer, [find], signal);
      try {
        return await holdingOf(association, study);
      } finally {
        await association.release();
      }
    },
  };
}

function storing(association: ScuAssociation): StoreAssociation {
  return {
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

async function holdingOf(association: ScuAssociation, study: AskedStudy): Promise<Holding> {
  const context = association.contextFor(STUDY_ROOT_FIND);
  if (context === undefined) return { kind: 'unknown', code: 'FIND_NOT_ACCEPTED' };
  const ask = async (elements: IdentifierElement[]): Promise<Map<number, string>[] | string> => {
    const identifier = encodeIdentifier(context.transferSyntaxUID, elements);
    const { status, identifiers } = await association.find(STUDY_ROOT_FIND, identifier);
    if (status !== 0) return `FIND_${status.toString(16).toUpperCase().padStart(4, '0')}`;
    return identifiers.map((bytes) => decodeIdentifier(context.transferSyntaxUID, bytes));
  };
  const sopInstanceUIDs = new Set<string>();
  for (const series of study.seriesInstanceUIDs) {
    const matches = await ask([
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'IMAGE' },
      { tag: StudyInstanceUID, vr: 'UI', value: study.studyInstanceUID },
      { tag: SeriesInstanceUID, vr: 'UI', value: series },
      { tag: SOPInstanceUID, vr: 'UI', value: '' },
    ]);
    if (typeof matches === 'string') return countOf(ask, study, matches);
    for (const match of matches) sopInstanceUIDs.add(match.get(SOPInstanceUID) ?? '');
  }
  return { kind: 'instances', sopInstanceUIDs };
}

async function countOf(
  ask: (elements: IdentifierElement[]) => Promise<Map<number, string>[] | string>,
  { studyInstanceUID }: AskedStudy,
  code: string,
): Promise<Holding> {
  try {
    const matches = await ask([
      { tag: QueryRetrieveLevel, vr: 'CS', value: 'STUDY' },
      { tag: StudyInstanceUID, vr: 'UI', value: studyInstanceUID },
      { tag: NumberOfStudyRelatedInstances, vr: 'IS', value: '' },
    ]);
    if (typeof matches === 'string') return { kind: 'unknown', code: matches };
    const count = matches[0]?.get(NumberOfStudyRelatedInstances)?.trim() ?? '';
    return /^\d+$/.test(count)
      ? { kind: 'count', instances: Number(count) }
      : { kind: 'unknown', code };
  } catch (error) {
    return { kind: 'unknown', code: codeOf(error) };
  }
}
