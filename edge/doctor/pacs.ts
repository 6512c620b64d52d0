/**
 * One PACS, asked as the edge will use it: is it there, does it know us, what does it take, how does it answer, what
 * does it bring.
 *
 *   association ─► echo, what it accepts ─► pacs-answers.ts (C-FIND) ─► pacs-retrieve.ts (C-GET, C-MOVE)
 */
import type { Clock } from '../../shared/clock.ts';
import { codeOf, GatewayError } from '../../shared/errors.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import { openAssociation, scuPeer, type WantedContext } from '../dimse/scu.ts';
import type { ScuAssociation } from '../dimse/scu-association.ts';
import { UlError } from '../ul/ul-error.ts';
import { type Finding, type FindingCode, found, well } from './finding.ts';
import { examineAnswers } from './pacs-answers.ts';
import { examineRetrieve } from './pacs-retrieve.ts';
import type { ProbeInlet } from './probe-inlet.ts';

const VERIFICATION = '1.2.840.10008.1.1';
const STORAGE_COMMITMENT = '1.2.840.10008.1.20.1';
const REQUEST_SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** PS3.4 table B.5-1. */
const IMAGES = [
  ['CT', '1.2.840.10008.5.1.4.1.1.2'],
  ['MR', '1.2.840.10008.5.1.4.1.1.4'],
  ['CR', '1.2.840.10008.5.1.4.1.1.1'],
  ['DX', '1.2.840.10008.5.1.4.1.1.1.1'],
  ['US', '1.2.840.10008.5.1.4.1.1.6.1'],
  ['SC', '1.2.840.10008.5.1.4.1.1.7'],
  ['SR', '1.2.840.10008.5.1.4.1.1.88.33'],
] as const;
/** PS3.6 table A-1. */
const SYNTAXES = [
  ['native', REQUEST_SYNTAXES],
  ['JPEG Lossless', ['1.2.840.10008.1.2.4.70']],
  ['JPEG-LS', ['1.2.840.10008.1.2.4.80']],
  ['JPEG 2000', ['1.2.840.10008.1.2.4.90']],
  ['JPEG', ['1.2.840.10008.1.2.4.50']],
  ['RLE', ['1.2.840.10008.1.2.5']],
] as const;
/** A PACS that takes longer over a question than this does not serve a workstation either. */
const RESPONSE_MS = 30_000;

export interface PacsExamination {
  readonly config: Pick<EdgeConfig, 'dicom'>;
  readonly clock: Clock;
  /** Where an object comes that the PACS is asked to send by C-MOVE. */
  readonly inlet: ProbeInlet;
  readonly signal: AbortSignal;
}

export async function examinePacs(peer: Peer, examination: PacsExamination): Promise<Finding[]> {
  const { config, signal } = examination;
  const ownAETitle = config.dicom.aeTitle;
  const findings: Finding[] = [];
  try {
    const association = await openAssociation({
      ...{ peer: scuPeer(peer, ownAETitle), contexts: everything(), signal },
      responseMs: RESPONSE_MS,
    });
    findings.push(...(await accepted(peer, association)));
    const answers = await examineAnswers(peer, { ...examination, ownAETitle });
    findings.push(...answers.findings);
    if (answers.smallest !== undefined)
      findings.push(
        ...(await examineRetrieve(peer, answers.smallest, { ...examination, ownAETitle })),
      );
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    findings.push(unreachable(peer, error, scuPeer(peer, ownAETitle).callingAETitle));
  }
  return findings;
}

function everything(): WantedContext[] {
  const services = [VERIFICATION, STORAGE_COMMITMENT].map((abstractSyntaxUID) => ({
    ...{ abstractSyntaxUID, transferSyntaxUIDs: REQUEST_SYNTAXES },
  }));
  const storage = IMAGES.flatMap(([, abstractSyntaxUID]) =>
    SYNTAXES.map(([, transferSyntaxUIDs]) => ({ abstractSyntaxUID, transferSyntaxUIDs })),
  );
  return [...services, ...storage];
}

/** Of an open association, which is released. @throws DimseError */
async function accepted(peer: Peer, association: ScuAssociation): Promise<Finding[]> {
  const seen = { check: 'pacs', about: peer.name } as const;
  const echo = association.contextFor(VERIFICATION) && (await association.echo());
  const isCommitting = association.contextFor(STORAGE_COMMITMENT) !== undefined;
  const images = IMAGES.map(([name, sopClass]) => {
    const syntaxes = SYNTAXES.filter(([, uids]) =>
      uids.some((uid) => association.contextFor(sopClass, uid) !== undefined),
    );
    return { name, syntaxes: syntaxes.map(([words]) => words) };
  }).filter(({ syntaxes }) => syntaxes.length > 0);
  await association.release().catch(() => {});
  const taken = images.map(({ name, syntaxes }) => `${name} (${syntaxes.join(', ')})`).join('; ');
  const commitment = `Storage commitment: ${isCommitting ? 'yes' : 'no, deliveries are verified by C-FIND'}.`;
  return [
    echo === 0
      ? well({ ...seen, what: 'It answers C-ECHO.' })
      : found('PACS_ECHO_REFUSED', {
          ...{
            ...seen,
            what: `It does not answer C-ECHO with success (${echo ?? 'not accepted'}).`,
          },
          mend: 'Allow verification (C-ECHO) from our AE title in the PACS.',
        }),
    images.length > 0 || !peer.importsTo
      ? well({ ...seen, what: `It takes ${taken || 'no images from us'}. ${commitment}` })
      : found('PACS_TAKES_NO_IMAGES', {
          ...{ ...seen, what: 'It accepts no storage of images from us.' },
          mend: 'Allow C-STORE from our AE title in the PACS, or set importsTo: false in edge.yaml.',
        }),
  ];
}

const NETWORK: Readonly<Record<string, FindingCode>> = {
  ECONNREFUSED: 'PACS_OFF',
  ENOTFOUND: 'PACS_NAME_UNKNOWN',
  EAI_AGAIN: 'PACS_NAME_UNKNOWN',
};
const REJECTED: Readonly<Record<string, FindingCode>> = {
  'called-ae-title-not-recognized': 'PACS_AE_TITLE_WRONG',
  'calling-ae-title-not-recognized': 'PACS_DOES_NOT_KNOW_US',
};

function codeFor(error: GatewayError): FindingCode {
  if (!(error instanceof UlError)) return 'PACS_REFUSES';
  switch (error.code) {
    case 'CONNECT_FAILED':
      return NETWORK[codeOf(error.cause)] ?? 'PACS_NO_ANSWER';
    case 'CONNECT_TIMEOUT':
    case 'ASSOCIATION_TIMEOUT':
    case 'CANCELLED':
      return 'PACS_NO_ANSWER';
    case 'TLS_FAILED':
      return 'PACS_TLS';
    case 'PROTOCOL_ERROR':
      return 'PACS_NOT_DICOM';
    default:
      return REJECTED[error.rejection ?? ''] ?? 'PACS_REFUSES';
  }
}

function unreachable(
  { name, host, port, aeTitle }: Peer,
  error: GatewayError,
  ownAETitle: string,
): Finding {
  const code = codeFor(error);
  const where = `${host}:${port}`;
  const MENDS: Partial<Record<FindingCode, string>> = {
    PACS_OFF: `Start the PACS, or correct host and port of ${name} in edge.yaml: nothing listens at ${where}.`,
    PACS_NAME_UNKNOWN: `Correct host of ${name} in edge.yaml, or have ${host} put into DNS.`,
    PACS_NO_ANSWER: `Let this machine dial ${where} in every firewall between; check host and port of ${name} in edge.yaml.`,
    PACS_TLS: `Check the certificates, and tls of ${name} in edge.yaml: caFile has to hold who signed the certificate of the PACS.`,
    PACS_AE_TITLE_WRONG: `The PACS is not called ${aeTitle}: write its own AE title as aeTitle of ${name} in edge.yaml. If it is, enter ${ownAETitle} there: some PACS answer so whom they do not know.`,
    PACS_NOT_DICOM: `What answers at ${where} does not speak DICOM: correct the port of ${name} in edge.yaml.`,
    PACS_DOES_NOT_KNOW_US: `Enter ${ownAETitle} with the address of this machine as a known AE title in the PACS, or name us as it knows us by callingAETitle of ${name}.`,
  };
  return found(code, {
    ...{ check: 'pacs', about: name, what: `${error.code}: ${error.message}.` },
    mend:
      MENDS[code] ??
      `Look at the log of the PACS for why it refused ${ownAETitle}; is ${where} its DICOM port, and does it let the address of this machine in?`,
  });
}
