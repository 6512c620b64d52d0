/**
 * Under which patient a fetched study is filed: settled once for the whole study, before its first object.
 *
 *   brought ─► copies here already? their patient ─► named │ matched ─► coercing
 *                                                └─► nobody ─► held, until a person names one
 */
import type { Patient } from '../../shared/contract/events.ts';
import { GatewayError } from '../../shared/errors.ts';
import type { InstanceAttributes } from '../index/attributes.ts';
import { SpoolError } from '../spool/spool-error.ts';
import type { ManifestInstance } from '../transfer/protocol.ts';
import { StagingFolder } from '../transfer/staging.ts';
import { choosePatient } from './choose-patient.ts';
import { type CopyMapping, fitsRequest, mappingFor } from './copy-mapping.ts';
import type { FetchParts } from './fetch-parts.ts';
import type { FetchReason, FetchRow } from './fetch-row.ts';
import { asAtHome, readObject } from './write-copy.ts';

/** How long a fetch waits for a person to name the patient. */
export const HOLD_MS = 7 * 86_400_000;

/** Goes on to coercing, waits for a person, or ends. @throws SpoolError; what reading an object throws */
export async function settlePatient(parts: FetchParts, row: FetchRow): Promise<void> {
  const { store, trust } = parts;
  const { fetchId, home } = row;
  if (store.counts(fetchId, 'wanted').instances + store.counts(fetchId, 'filed').instances === 0) {
    store.end(fetchId, 'failed', { reason: nothingCame(store.failures(fetchId)[0]) });
  } else if (home === trust) await settleOwn(parts, row);
  else await settleCopy(parts, row);
}

/** An object of this trust comes back as it was. */
async function settleOwn(parts: FetchParts, row: FetchRow): Promise<void> {
  const { store, patientIds } = parts;
  const { namedPatient, fetchId } = row;
  const { patientId, issuer } = await patientAtHome(parts, row);
  const isOther =
    namedPatient !== null &&
    (namedPatient.patientId !== patientId ||
      (namedPatient.issuer ?? patientIds.namespace) !== issuer);
  if (isOther) store.end(fetchId, 'failed', { reason: OWN_STUDY_OF_ANOTHER });
  else store.begin(fetchId, 'coercing');
}

async function settleCopy(parts: FetchParts, row: FetchRow): Promise<void> {
  const { store, index, patientIds, now } = parts;
  const { fetchId, studyInstanceUID, home, namedPatient } = row;
  const fixed = mappingInForce(parts, row);
  if (fixed !== undefined && fitsRequest(fixed, namedPatient, patientIds.namespace)) {
    store.beginUnder(row, fixed);
    return;
  }
  if (fixed !== undefined && isFiledUnder(parts, row)) {
    store.end(fetchId, 'failed', { reason: FILED_UNDER_ANOTHER });
    return;
  }
  const choice = choosePatient(
    {
      named: namedPatient ?? undefined,
      source: await patientAtHome(parts, row),
      home,
      studyInstanceUID,
      policy: patientIds,
    },
    index,
  );
  if (choice.kind === 'held') store.hold(fetchId, now() + HOLD_MS, choice.reason);
  else store.beginUnder(row, mappingFor(row, choice.patient, now()));
}

/** Copies that lost their mapping (their database was lost) keep the patient that they name. */
function mappingInForce({ store, index, now }: FetchParts, row: FetchRow): CopyMapping | undefined {
  const fixed = store.mappingOf(row);
  if (fixed !== undefined) return fixed;
  const state = index.studyState(row.studyInstanceUID, row.home);
  if (state === undefined) return undefined;
  const { patientId, issuer, name, birthDate, sex } = state.patient;
  const patient = { by: 'request', patientId, issuer, patientName: name, birthDate, sex } as const;
  return mappingFor(row, patient, now());
}

/** True when objects are, or may be about to be, filed under the mapping that is in force. */
function isFiledUnder({ store, index }: FetchParts, row: FetchRow): boolean {
  return (
    index.studyState(row.studyInstanceUID, row.home) !== undefined ||
    store.filing(row).some(({ fetchId }) => fetchId !== row.fetchId)
  );
}

/** The manifest of another trust's copy names that trust's patient: then a restored object is asked. */
async function patientAtHome(parts: FetchParts, row: FetchRow): Promise<Patient> {
  const { store, spool } = parts;
  const { fetchId, home, sourcePatient } = row;
  const copies = store
    .instances(fetchId, 'wanted')
    .filter(({ digest, homeDigest }) => digest !== homeDigest);
  if (copies.length === 0 && sourcePatient !== null) return sourcePatient;
  const staging = new StagingFolder(spool, fetchId);
  for (const instance of copies) {
    const found = await readAtHome(parts, { row, instance, staging });
    if (found === undefined) continue;
    const { patientId, issuer, nhsNumber, patientName, birthDate, sex } = found;
    return { patientId, issuer: issuer ?? home, nhsNumber, name: patientName, birthDate, sex };
  }
  // Nothing is known of it, so nothing matches.
  return { ...NOBODY, issuer: home };
}

const NOBODY = { patientId: '', nhsNumber: null, name: null, birthDate: null, sex: null };

/** @returns undefined for an object that can't be had: filing it will say why */
async function readAtHome(
  parts: FetchParts,
  one: { row: FetchRow; instance: ManifestInstance; staging: StagingFolder },
): Promise<InstanceAttributes | undefined> {
  try {
    const file = await asAtHome(parts, one);
    return file && (await readObject(parts, one.instance, file));
  } catch (error) {
    if (error instanceof GatewayError && !(error instanceof SpoolError)) return undefined;
    throw error;
  }
}

const FILED_UNDER_ANOTHER: FetchReason = {
  code: 'FILED_UNDER_ANOTHER_PATIENT',
  detail:
    'copies of this study are filed here under another patient than the one that was named: a person has to decide which is right',
};
const OWN_STUDY_OF_ANOTHER: FetchReason = {
  code: 'OWN_STUDY_OF_ANOTHER_PATIENT',
  detail: "this trust's own study belongs to another patient than the one that was named",
};

function nothingCame(first: { code: string; detail: string } | undefined): FetchReason {
  const why = first === undefined ? '' : `; the first: ${first.code}, ${first.detail}`;
  return { code: 'NOTHING_CAME', detail: `no object of the study could be had${why}` };
}
