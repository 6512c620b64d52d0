/** The names of NATS subjects, streams and consumers that edge and hub share. */
import * as z from 'zod';

/** An ODS organisation code as this network uses it: capitals and digits, so it is one token of a subject. */
export const ODSCode = z
  .string()
  .regex(/^[A-Z0-9]{3,8}$/, 'an ODS code: 3 to 8 capitals and digits');

/** What an edge publishes, each on its own subject. `health` goes to the stream HEALTH, the rest to `EDGE_<ods>`. */
export const EDGE_KINDS = [
  'study',
  'patient',
  'order',
  'report',
  'appointment',
  'encounter',
  'dose',
  'receipt',
  'booking',
  'teaching',
  'digest',
  'health',
] as const;
export type EdgeKind = (typeof EDGE_KINDS)[number];

/** What an edge may ask of the hub, request and reply. */
export type RpcName =
  | 'cursor'
  | 'ticket'
  | 'directory'
  | 'query'
  | 'contents'
  | 'fetch'
  | 'relay'
  | 'keys'
  | 'unaided'
  | 'anchors';

export const STREAM_HUB = 'HUB';
export const STREAM_COMMANDS = 'COMMANDS';
export const STREAM_HEALTH = 'HEALTH';

export const edgeStream = (ods: string): string => `EDGE_${ods}`;
export const edgeSubject = (ods: string, kind: EdgeKind): string => `cdip.edge.${ods}.${kind}`;
/** The subjects that the stream `EDGE_<ods>` takes: all kinds but health. */
export const edgeStreamSubjects = (ods: string): string[] =>
  EDGE_KINDS.filter((kind) => kind !== 'health').map((kind) => edgeSubject(ods, kind));
export const commandSubject = (ods: string): string => `cdip.command.${ods}`;
/** The durable pull consumer of one edge on the stream COMMANDS. */
export const commandConsumer = (ods: string): string => `edge_${ods}`;
export const hubSubject = (aggregate: string, id: string): string => `cdip.hub.${aggregate}.${id}`;
export const rpcSubject = (ods: string, name: RpcName): string => `cdip.rpc.${ods}.${name}`;
/** The inbox prefix of one edge: replies and deliveries reach nobody else. */
export const edgeInboxPrefix = (ods: string): string => `_INBOX_${ods}`;
/** The prefix under which an edge's account sees the JetStream API of the hub's account. */
export const EDGE_JETSTREAM_PREFIX = 'HUBJS.API';
