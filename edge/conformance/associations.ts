/** How associations are made, taken and refused, and how they are protected. PS3.2 §N.4.2, §N.4.4, §N.8. */
import { IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME } from '../../shared/version.ts';
import type { EdgeConfig } from '../config.ts';
import { MAX_PDU_BYTES } from '../dimse/scu.ts';
import { MAX_UNASKED, MAX_WINDOW } from '../ul/acceptor.ts';
import { APPLICATION_CONTEXT } from '../ul/associate.ts';
import { REJECTIONS } from '../ul/pdu.ts';
import { CIPHERS, MIN_VERSION } from '../ul/tls.ts';
import { heading, list, table } from './markdown.ts';

export const associations = ({ dicom }: EdgeConfig): string[] => [
  heading(3, 'Association policies'),
  table(
    ['Policy', 'Value'],
    [
      ['Application context name', APPLICATION_CONTEXT],
      ['Implementation class UID', IMPLEMENTATION_CLASS_UID],
      ['Implementation version name', IMPLEMENTATION_VERSION_NAME],
      ['Maximum length received, as acceptor', `${dicom.maxPduBytes} bytes`],
      ['Maximum length received, as requestor', `${MAX_PDU_BYTES} bytes`],
      ['Associations at once, as acceptor', `${dicom.maxAssociations}`],
      ['of one caller (AE title and address)', `${dicom.maxAssociationsPerCaller}`],
      ['Connections that have not asked yet', `${MAX_UNASKED}`],
      ['Asynchronous operations window granted', `${MAX_WINDOW} invoked, 1 performed`],
      ['ARTIM timer', `${dicom.artimSeconds} s`],
      ['Idle associations are aborted after', `${dicom.idleSeconds} s`],
      ['User identity', 'accepted and not checked, of any type'],
      ['SOP class extended negotiation', 'answered: nothing extended is supported'],
    ],
  ),
  'At a limit the association that was idle for longest makes way.',
  heading(3, 'Association acceptance'),
  list([
    dicom.acceptAnyCalledAETitle
      ? 'Any called AE title is accepted.'
      : `Only the called AE title ${dicom.aeTitle} is accepted.`,
    dicom.acceptUnknownCallers
      ? 'Any calling AE title is accepted.'
      : 'Only the calling AE titles of the peers below are accepted.',
    'Padding of AE titles and UIDs is removed before they are compared.',
  ]),
  table(
    ['Refused with', 'Result', 'Source', 'Reason'],
    Object.entries(REJECTIONS).map(([name, { result, source, reason }]) => [
      ...[name, `${result}`, `${source}`, `${reason}`],
    ]),
  ),
];

export const configuration = ({ dicom, peers }: EdgeConfig): string[] => [
  heading(3, 'Configuration'),
  table(
    ['Parameter', 'Value'],
    [
      ['AE title', dicom.aeTitle],
      ['TCP port', `${dicom.port}`],
      ['TCP port with TLS', dicom.tls === undefined ? 'not configured' : `${dicom.tls.port}`],
    ],
  ),
  ...(peers.length === 0
    ? ['No peers are configured.']
    : [
        table(
          ['Peer', 'AE title', 'Address', 'Role', 'TLS', 'Called as'],
          peers.map(({ name, aeTitle, host, port, role, tls, callingAETitle }) => [
            ...[name, aeTitle, `${host}:${port}`, role],
            ...[tls === undefined ? 'no' : 'yes', callingAETitle ?? dicom.aeTitle],
          ]),
        ),
      ]),
];

export const security = ({ dicom: { tls } }: EdgeConfig): string[] => [
  heading(2, '8 Security'),
  `BCP 195 TLS profile (PS3.15 §B.12): at least ${MIN_VERSION}, with these cipher suites and no others:`,
  list(CIPHERS),
  tls === undefined
    ? 'No port with TLS is configured.'
    : `Callers ${tls.requireClientCertificate ? 'have to' : 'need not'} show a certificate.`,
  'Peers are called over TLS where it is configured for them; their certificate has to name them.',
];
