/** Certificates: those of our own ports, and those that peers show. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:tls';
import type { Clock } from '../../shared/clock.ts';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig, Peer } from '../config.ts';
import { type Finding, found, well } from './finding.ts';

const SOON_MS = 21 * 86_400_000;
const DAY_MS = 86_400_000;
const CONNECT_MS = 5_000;

type Config = Pick<EdgeConfig, 'dicom' | 'http' | 'hl7' | 'peers' | 'hub'>;

interface Owned {
  readonly key: string;
  readonly keyFile: string;
  readonly certificateFile: string;
}

interface OwnTls {
  readonly keyFile?: string | undefined;
  readonly certificateFile?: string | undefined;
}

export async function examineCertificates(config: Config, clock: Clock): Promise<Finding[]> {
  const shown = await Promise.all([
    ...config.peers.filter(({ tls }) => tls !== undefined).map((peer) => ofPeer(peer, clock)),
    ofHub(config.hub?.url, clock),
  ]);
  return [...ownedOf(config).flatMap((one) => ofFile(one, clock)), ...shown.flat()];
}

function ownedOf({ dicom, http, hl7, peers }: Config): Owned[] {
  const of = (key: string, tls: OwnTls | undefined): Owned[] =>
    tls?.keyFile === undefined || tls.certificateFile === undefined
      ? []
      : [{ key, keyFile: tls.keyFile, certificateFile: tls.certificateFile }];
  return [
    ...of('dicom.tls', dicom.tls),
    ...of('http.tls', http.tls),
    ...of('hl7.tls', hl7.tls),
    ...peers.flatMap(({ name, tls }) => of(`tls of peer ${name}`, tls)),
  ];
}

function ofFile({ key, keyFile, certificateFile }: Owned, clock: Clock): Finding[] {
  const seen = { check: 'certificate', about: certificateFile } as const;
  let certificate: X509Certificate;
  let isPair: boolean;
  try {
    certificate = new X509Certificate(readFileSync(certificateFile));
    isPair = certificate.checkPrivateKey(createPrivateKey(readFileSync(keyFile)));
  } catch (error) {
    return [
      found('CERTIFICATE_UNREADABLE', {
        ...{ ...seen, what: `Certificate or key of ${key} can not be read: ${codeOf(error)}.` },
        mend: `Put PEM files where ${key} in edge.yaml says, readable by the user that the edge runs as.`,
      }),
    ];
  }
  const renew = `Renew ${certificateFile}, then restart the edge.`;
  const validity = validityOf(seen, certificate, { clock, mend: renew });
  if (isPair) return [validity];
  const differs = found('CERTIFICATE_KEY_DIFFERS', {
    ...{ ...seen, what: `The key in ${keyFile} is not that of the certificate.` },
    mend: `Name the key that the certificate was asked for with in ${key} of edge.yaml.`,
  });
  return [differs, validity];
}

async function ofPeer({ name, host, port, tls }: Peer, clock: Clock): Promise<Finding[]> {
  const certificate = await shownBy(host, port, tls?.serverName);
  // That it can't be reached at all is told with the peer.
  if (certificate === undefined) return [];
  const mend = `Ask who runs ${name} to renew its certificate.`;
  return [validityOf({ check: 'certificate', about: name }, certificate, { clock, mend })];
}

async function ofHub(url: string | undefined, clock: Clock): Promise<Finding[]> {
  if (url === undefined || !url.startsWith('https:')) return [];
  const { hostname, port } = new URL(url);
  const certificate = await shownBy(hostname, Number(port || 443), undefined);
  if (certificate === undefined) return [];
  const mend = 'Ask who runs the hub to renew its certificate.';
  return [validityOf({ check: 'certificate', about: url }, certificate, { clock, mend })];
}

function validityOf(
  seen: { check: 'certificate'; about: string },
  certificate: X509Certificate,
  { clock, mend }: { clock: Clock; mend: string },
): Finding {
  const now = clock.now();
  const { validFromDate, validToDate } = certificate;
  const [from, to] = [validFromDate.getTime(), validToDate.getTime()];
  const day = validToDate.toISOString().slice(0, 10);
  if (now > to) return found('CERTIFICATE_EXPIRED', { ...seen, what: `It ended on ${day}.`, mend });
  if (now < from)
    return found('CERTIFICATE_NOT_YET_VALID', {
      ...{ ...seen, what: `It begins on ${validFromDate.toISOString().slice(0, 10)}.` },
      mend: `Set this machine's clock right; if it is: ${mend}`,
    });
  const days = Math.floor((to - now) / DAY_MS);
  const what = `It ends on ${day}, in ${days} days.`;
  if (to - now < SOON_MS) return found('CERTIFICATE_ENDS_SOON', { ...seen, what, mend });
  return well({ ...seen, what });
}

/** Whatever it is: whether we trust it is told where it is used. Undefined: none was shown. */
function shownBy(
  host: string,
  port: number,
  serverName: string | undefined,
): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const socket = connect({
      ...{ host, port, rejectUnauthorized: false },
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    const end = (certificate: X509Certificate | undefined): void => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(CONNECT_MS, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('secureConnect', () => end(socket.getPeerX509Certificate()));
  });
}
