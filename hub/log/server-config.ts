/**
 * The configuration of the embedded nats-server: an account for the hub and one for each trust.
 *
 * An edge sees only what its account imports: its own subjects (also as replies can't be forged across
 * accounts), the JetStream calls of its own command consumer under HUBJS.API, its own questions.
 */
import { join } from 'node:path';
import {
  commandConsumer,
  EDGE_JETSTREAM_PREFIX,
  edgeInboxPrefix,
  STREAM_COMMANDS,
} from '../../shared/contract/subjects.ts';

/** A digest of a whole index of many years stays below this. */
export const MAX_PAYLOAD_BYTES = 8 * 1024 * 1024;

export interface ServerSettings {
  /** Of configuration, store and pid file. */
  readonly directory: string;
  readonly host: string;
  readonly port: number;
  readonly tls?:
    | {
        readonly keyFile: string;
        readonly certificateFile: string;
        /** PEM of who issued the certificates that clients have to show; absent: none are asked for. */
        readonly clientAuthority?: string | undefined;
      }
    | undefined;
  readonly hubPublicKey: string;
  readonly systemPublicKey: string;
  /** The key of a trust's account while it has no edge. */
  readonly placeholder: (ods: string) => string;
  /** Public keys of each trust's account: two while its edge goes from one to the next. */
  readonly trusts: ReadonlyMap<string, readonly string[]>;
}

export const storeDirectory = (directory: string): string => join(directory, 'store');
export const pidFile = (directory: string): string => join(directory, 'nats-server.pid');
export const clientAuthorityFile = (directory: string): string => join(directory, 'clients-ca.pem');
export const configFile = (directory: string): string => join(directory, 'nats.conf');

export function serverConfig(settings: ServerSettings): string {
  const { directory, host, port, tls, hubPublicKey, systemPublicKey } = settings;
  const trusts = [...settings.trusts];
  return `# Written by the hub at every start and enrolment.
host: ${quoted(host)}
port: ${port}
max_payload: ${MAX_PAYLOAD_BYTES}
max_pending: ${64 * 1024 * 1024}
pid_file: ${quoted(pidFile(directory))}
jetstream { store_dir: ${quoted(storeDirectory(directory))} }
${tls === undefined ? '' : tlsBlock(tls, directory)}
accounts {
  HUB {
    jetstream: enabled
    users: [ { nkey: ${hubPublicKey} } ]
    exports: [
${trusts.map(([ods]) => exportsFor(ods)).join('\n')}
    ]
  }
${trusts.map(([ods, keys]) => accountOf(ods, keys)).join('\n')}
  SYS { users: [ { nkey: ${systemPublicKey} } ] }
}
system_account: SYS
`;
}

const quoted = (text: string): string => JSON.stringify(text);
const accountName = (ods: string): string => `EDGE_${ods}`;

/** Edges prove themselves by their nkeys; a certificate of the hub's authority is asked for where configured. */
function tlsBlock(
  { keyFile, certificateFile, clientAuthority }: NonNullable<ServerSettings['tls']>,
  directory: string,
): string {
  const verify =
    clientAuthority === undefined
      ? ''
      : `, verify: true, ca_file: ${quoted(clientAuthorityFile(directory))}`;
  return `tls { key_file: ${quoted(keyFile)}, cert_file: ${quoted(certificateFile)}${verify} }`;
}

/** The JetStream calls that an edge needs for its command consumer, as the hub's account knows them. */
const jetStreamCalls = (ods: string): string[] =>
  ['INFO', 'MSG.NEXT'].map((call) => `CONSUMER.${call}.${STREAM_COMMANDS}.${commandConsumer(ods)}`);
const acknowledgements = (ods: string): string =>
  `$JS.ACK.${STREAM_COMMANDS}.${commandConsumer(ods)}.>`;
const ownSubjects = (ods: string): string[] => [`cdip.edge.${ods}.>`, `cdip.rpc.${ods}.>`];

function exportsFor(ods: string): string {
  const to = `accounts: [${accountName(ods)}]`;
  const [info = '', next = ''] = jetStreamCalls(ods);
  return [
    ...ownSubjects(ods).map((subject) => `{ service: ${quoted(subject)}, ${to} }`),
    `{ service: ${quoted(`$JS.API.${info}`)}, ${to} }`,
    `{ service: ${quoted(`$JS.API.${next}`)}, ${to}, response_type: stream }`,
    `{ service: ${quoted(acknowledgements(ods))}, ${to} }`,
  ]
    .map((line) => `      ${line}`)
    .join('\n');
}

function accountOf(ods: string, keys: readonly string[]): string {
  const calls = jetStreamCalls(ods);
  const publish = [
    ...ownSubjects(ods),
    ...calls.map((call) => `${EDGE_JETSTREAM_PREFIX}.${call}`),
    acknowledgements(ods),
  ];
  const imports = [
    ...ownSubjects(ods).map((subject) => imported(subject)),
    ...calls.map((call) => imported(`$JS.API.${call}`, `${EDGE_JETSTREAM_PREFIX}.${call}`)),
    imported(acknowledgements(ods)),
  ];
  const permissions = `{
      publish: { allow: ${JSON.stringify(publish)} }
      subscribe: { allow: [ ${quoted(`${edgeInboxPrefix(ods)}.>`)} ] }
    }`;
  return `  ${accountName(ods)} {
    users: [ ${keys.map((key) => `{ nkey: ${key}, permissions: ${permissions} }`).join(', ')} ]
    imports: [
${imports.map((line) => `      ${line}`).join('\n')}
    ]
  }`;
}

function imported(subject: string, as?: string): string {
  const to = as === undefined ? '' : `, to: ${quoted(as)}`;
  return `{ service: { account: HUB, subject: ${quoted(subject)} }${to} }`;
}
