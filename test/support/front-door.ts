/**
 * An edge with a plain port and one with TLS (mutual), as the programs of a trust meet it: how each is called,
 * and how findscu's output is read.
 */
import { join } from 'node:path';
import type { Test } from 'tap';
import {
  type Certificate,
  type CertificateAuthority,
  certificateAuthority,
} from './certificates.ts';
import { runTool, type ToolResult } from './dcmtk.ts';
import { type Edge, startEdge } from './edge.ts';
import { freePort } from './free-port.ts';
import { startTlsTunnel } from './tls-tunnel.ts';

export type Transport = 'plain' | 'TLS';
export const TRANSPORTS: readonly Transport[] = ['plain', 'TLS'];

export interface FrontDoor {
  readonly edge: Edge;
  readonly directory: string;
  /** What a peer proves itself with, and whom it trusts. */
  readonly tls: Certificate & { readonly caFile: string };
  readonly tlsPort: number;
  /** Whose certificates the edge trusts. */
  readonly authority: CertificateAuthority;
  /** Runs a tool of DCMTK against the edge, as `WORKSTATION`. */
  run(tool: string, transport: Transport, args?: readonly string[]): Promise<ToolResult>;
}

/** Options of DCMTK's tools that speak TLS. */
export const dcmtkTls = ({ keyFile, certificateFile, caFile }: FrontDoor['tls']): string[] => [
  ...['+tls', keyFile, certificateFile, '+cf', caFile],
];

/** In this build of DCMTK. */
const SPEAKS_TLS = new Set(['echoscu', 'findscu', 'storescu']);
/** These take the files to send after the peer. */
const TAKES_FILES = new Set(['storescu']);

/**
 * @param dicom keys of the section of edge.yaml
 * @param peers of edge.yaml; they may need what they are to be called over TLS with
 */
export async function openFrontDoor(
  t: Test,
  dicom: object = {},
  peers: (tls: FrontDoor['tls']) => readonly object[] = () => [],
): Promise<FrontDoor> {
  const directory = t.testdir();
  const authority = certificateAuthority(directory);
  const tls = { ...authority.issue('peer'), caFile: authority.caFile };
  const tlsPort = await freePort();
  const portTls = { port: tlsPort, caFile: authority.caFile, ...authority.issue('edge') };
  const edge = await startEdge({
    directory: join(directory, 'edge'),
    trust: 'RRK',
    config: {
      dicom: { ...dicom, tls: { ...portTls, requireClientCertificate: true } },
      peers: peers(tls),
    },
  });
  t.teardown(() => edge.stop());
  const tunnel = await startTlsTunnel(tlsPort, tls);
  t.teardown(() => tunnel.stop());
  return {
    ...{ edge, directory, tls, tlsPort, authority },
    run(tool, transport, args = []) {
      const isSecure = transport === 'TLS' && SPEAKS_TLS.has(tool);
      const port = isSecure ? tlsPort : transport === 'TLS' ? tunnel.port : edge.dicomPort;
      const [options, files] = TAKES_FILES.has(tool)
        ? [args.filter((arg) => arg.startsWith('-')), args.filter((arg) => !arg.startsWith('-'))]
        : [args, []];
      return runTool(tool, [
        ...['-v', ...(isSecure ? dcmtkTls(tls) : []), '-aet', 'WORKSTATION', '-aec', edge.aeTitle],
        ...[...options, '127.0.0.1', `${port}`, ...files],
      ]);
    },
  };
}

/** Keys as DCMTK's tools take them. */
export const dcmtkKeys = (keys: Readonly<Record<string, string>>): string[] =>
  Object.entries(keys).flatMap(([keyword, value]) => ['-k', `${keyword}=${value}`]);

/** What findscu wrote for each response, by keyword. */
export function foundBy({ output }: ToolResult): Record<string, string>[] {
  const blocks = output.split(/^I: Find Response: \d+.*$|^I: -+$/m).slice(1);
  return blocks
    .map((block) =>
      Object.fromEntries(
        [
          ...block.matchAll(
            /^I: \(.{9}\) \w\w (?:\[(.*?)\s*\]|\(no value available\)|=(\w+)).*# .* (\w+)$/gm,
          ),
        ].map(([, value = '', name = '', keyword = '']) => [
          keyword,
          (value || name).replace(/\0/g, ''),
        ]),
      ),
    )
    .filter((one) => Object.keys(one).length > 0);
}
