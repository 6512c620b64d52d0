/** The ports that this edge listens on: free while it is stopped, answering while it runs. */
import { connect, createServer } from 'node:net';
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig } from '../config.ts';
import { type Finding, found, well } from './finding.ts';

const CONNECT_MS = 3_000;
/** Where a port that listens on all addresses is dialled; not by name: a small machine may not know one. */
const LOOPBACK: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

interface OwnPort {
  /** As edge.yaml names it. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
}

type Config = Pick<EdgeConfig, 'dicom' | 'http' | 'hl7'>;

export async function examinePorts(config: Config, isRunning: boolean): Promise<Finding[]> {
  const ports = portsOf(config);
  const findings = await Promise.all(ports.map(isRunning ? examineOpen : examineFree));
  if (isRunning) return findings;
  return [
    found('EDGE_NOT_RUNNING', {
      ...{ check: 'edge', about: 'edge', what: 'The edge is not running.' },
      mend: 'Start it: "systemctl start cdip-edge"; "journalctl -u cdip-edge" says why it ended.',
    }),
    ...findings,
  ];
}

function portsOf({ dicom, http, hl7 }: Config): OwnPort[] {
  const tls = (key: string, host: string, of: { port: number } | undefined): OwnPort[] =>
    of === undefined ? [] : [{ key: `${key}.tls.port`, host, port: of.port }];
  return [
    { key: 'dicom.port', host: dicom.host, port: dicom.port },
    ...tls('dicom', dicom.host, dicom.tls),
    { key: 'http.port', host: http.host, port: http.port },
    { key: 'hl7.port', host: hl7.host, port: hl7.port },
    ...tls('hl7', hl7.host, hl7.tls),
    // 0: any free one.
  ].filter(({ port }) => port !== 0);
}

function examineOpen({ key, host, port }: OwnPort): Promise<Finding> {
  const seen = { check: 'port', about: key } as const;
  const to = LOOPBACK[host] ?? host;
  return new Promise((resolve) => {
    const socket = connect({ host: to, port });
    const end = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const closed = (code: string): Finding =>
      found('PORT_CLOSED', {
        ...{ ...seen, what: `The edge runs, and ${to}:${port} does not answer (${code}).` },
        mend: `Restart the edge, and look at its log for the reason; check ${key} in edge.yaml.`,
      });
    socket.setTimeout(CONNECT_MS, () => end(closed('ETIMEDOUT')));
    socket.once('error', (error) => end(closed(codeOf(error))));
    socket.once('connect', () => end(well({ ...seen, what: `${host}:${port} is open.` })));
  });
}

function examineFree({ key, host, port }: OwnPort): Promise<Finding> {
  const seen = { check: 'port', about: key } as const;
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => resolve(notFree({ key, host, port }, codeOf(error))));
    server.listen({ host, port }, () => {
      server.close(() => resolve(well({ ...seen, what: `${host}:${port} is free.` })));
    });
  });
}

function notFree({ key, host, port }: OwnPort, code: string): Finding {
  const seen = { check: 'port', about: key } as const;
  const where = `${host}:${port}`;
  if (code === 'EACCES')
    return found('PORT_NOT_ALLOWED', {
      ...{ ...seen, what: `This user may not listen on ${where}: it is below 1024.` },
      mend: 'Run it as the packaged service, which has the capability, or name a port from 1024 on.',
    });
  if (code === 'EADDRINUSE')
    return found('PORT_TAKEN', {
      ...{ ...seen, what: `Another program listens on ${where}.` },
      mend: `Stop it ("ss -ltnp" names it), or name another ${key} in edge.yaml.`,
    });
  return found('PORT_ADDRESS', {
    ...{ ...seen, what: `This machine can not listen on ${where}: ${code}.` },
    mend: `Name an address of this machine in edge.yaml, or 0.0.0.0 for all, beside ${key}.`,
  });
}
