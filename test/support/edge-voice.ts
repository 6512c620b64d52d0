/** What a hub hears of an edge, without the edge: enrols, tells of a study, reads its commands, asks. */
import { jetstream } from '@nats-io/jetstream';
import { createUser } from '@nats-io/nkeys';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import { type Command, CommandSchema } from '../../shared/contract/commands.ts';
import { type EnrolReply, EnrolReplySchema } from '../../shared/contract/enrol.ts';
import type { ReceiptEvent } from '../../shared/contract/events.ts';
import {
  commandConsumer,
  EDGE_JETSTREAM_PREFIX,
  type EdgeKind,
  edgeInboxPrefix,
  edgeSubject,
  type RpcName,
  rpcSubject,
  STREAM_COMMANDS,
} from '../../shared/contract/subjects.ts';

export interface EdgeVoice {
  readonly enrolled: EnrolReply;
  /** The next event of epoch 1. */
  tell(kind: EdgeKind, body: object): Promise<void>;
  health(): Promise<void>;
  receipt(fetchId: string, state: ReceiptEvent['state']): Promise<void>;
  nextCommand(): Promise<Command>;
  ask(name: RpcName, request?: object): Promise<Record<string, unknown>>;
  stop(): Promise<void>;
}

export interface Enrolment {
  readonly hubUrl: string;
  readonly trust: string;
  readonly token: string;
}

/** Enrols over HTTP, as `cdip edge enrol` does, and connects. */
export async function enrolVoice({ hubUrl, trust, token }: Enrolment): Promise<EdgeVoice> {
  const user = createUser();
  const httpUrl = `http://${trust.toLowerCase()}.example`;
  const natsPublicKey = user.getPublicKey();
  const answer = await fetch(`${hubUrl}/api/enrol`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, trust, natsPublicKey, httpUrl, version: 'test' }),
  });
  if (!answer.ok) throw new Error(`not enrolled: ${answer.status} ${await answer.text()}`);
  const enrolled = EnrolReplySchema.parse(await answer.json());
  const connection = await connect({
    servers: enrolled.natsUrl,
    authenticator: nkeyAuthenticator(user.getSeed()),
    inboxPrefix: edgeInboxPrefix(trust),
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
  return { enrolled, ...speak(connection, trust, httpUrl) };
}

function speak(
  connection: NatsConnection,
  trust: string,
  httpUrl: string,
): Omit<EdgeVoice, 'enrolled'> {
  const js = jetstream(connection, { apiPrefix: EDGE_JETSTREAM_PREFIX });
  const startedAt = new Date().toISOString();
  let seq = 0;
  const publish = async (kind: EdgeKind, body: object): Promise<void> => {
    const head = { v: 1, at: new Date().toISOString(), trust, kind, epoch: 1 };
    await js.publish(edgeSubject(trust, kind), JSON.stringify({ ...head, ...body }), {
      retries: 20,
      timeout: 2_000,
    });
  };
  const tell = (kind: EdgeKind, body: object): Promise<void> => {
    seq += 1;
    return publish(kind, { seq, ...body });
  };
  return {
    tell,
    health: () =>
      publish('health', {
        ...{ version: 'test', startedAt, httpUrl, lastSeq: seq, committedSeq: seq },
        outbox: { waiting: 0, oldestSeconds: 0 },
        index: { studies: 0, series: 0, instances: 0 },
        ...{ quarantined: 0, otherPatient: 0, conflicts: 0, associations: 0, fetches: 0 },
        disk: { freeBytes: 1, reserveBytes: 1 },
      }),
    receipt: (fetchId, state) =>
      tell('receipt', {
        ...{ fetchId, state, reason: null, etaSeconds: null, failures: [], localPatient: null },
        instances: { done: 0, expected: 1 },
        bytes: { done: 0, expected: null },
        steps: [{ state, at: new Date().toISOString() }],
      }),
    nextCommand: async () => {
      const consumer = await js.consumers.get(STREAM_COMMANDS, commandConsumer(trust));
      const message = await consumer.next({ expires: 15_000 });
      if (message === null) throw new Error('no command came');
      message.ack();
      return CommandSchema.parse(message.json());
    },
    ask: async (name, request = {}) => {
      const subject = rpcSubject(trust, name);
      const reply = await connection.request(subject, JSON.stringify(request), { timeout: 5_000 });
      return reply.json();
    },
    stop: () => connection.close(),
  };
}

/** The body of a study event: one CT series of one object. */
export function studyBody(trust: string, studyInstanceUID: string): object {
  const setHash = 'a'.repeat(64);
  const counts = { instances: 1, bytes: 1_000, setHash };
  return {
    ...{ rev: 1, studyInstanceUID, home: trust, deleted: false, quiet: true, conflicts: 0 },
    patient: {
      ...{ patientId: '1001', issuer: trust, nhsNumber: '9434765919' },
      ...{ name: 'SMITH^ANNA', birthDate: '19580131', sex: 'F' },
    },
    ...{ studyDate: '20260131', studyTime: '101500', studyId: '1', description: 'CT Thorax' },
    ...{ accessionNumber: 'A1', accessionIssuer: trust, referringPhysician: null },
    institution: null,
    ...counts,
    series: [
      {
        ...{ seriesInstanceUID: `${studyInstanceUID}.1`, modality: 'CT', seriesNumber: 1 },
        ...{ description: null, bodyPart: null, ...counts },
      },
    ],
  };
}
