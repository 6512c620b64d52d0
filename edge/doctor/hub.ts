/** The hub, as this edge reaches it: by HTTP, and by NATS with the edge's own key. */
import { existsSync, readFileSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { readPair } from '../../shared/client-pair.ts';
import type { Clock } from '../../shared/clock.ts';
import { CursorReplySchema } from '../../shared/contract/rpc.ts';
import { edgeInboxPrefix, rpcSubject } from '../../shared/contract/subjects.ts';
import { nkeyAuthenticator } from '../../shared/ed25519.ts';
import { codeOf } from '../../shared/errors.ts';
import { type EdgeConfig, natsSeedFile } from '../config.ts';
import { type Finding, type FindingCode, found, well } from './finding.ts';

const ANSWER_MS = 5_000;

/** What the hub's clock said. Milliseconds since the epoch; `askedAt` and `answeredAt` by ours. */
export interface HubDate {
  readonly url: string;
  readonly at: number;
  readonly askedAt: number;
  readonly answeredAt: number;
}

export interface HubExamination {
  readonly findings: Finding[];
  /** Undefined: it did not tell. */
  readonly date: HubDate | undefined;
}

type Config = Pick<EdgeConfig, 'trust' | 'dataDirectory' | 'hub'>;

export async function examineHub(config: Config, clock: Clock): Promise<HubExamination> {
  const { hub } = config;
  if (hub === undefined) {
    const finding = found('NOT_ENROLLED', {
      ...{ check: 'hub', about: 'hub', what: 'This edge is not joined to a hub.' },
      mend: 'Ask the hub for a token and run "cdip edge enrol --hub URL --token T".',
    });
    return { findings: [finding], date: undefined };
  }
  const [http, nats] = await Promise.all([askHttp(hub.url, clock), askNats(config, hub.nats)]);
  return { findings: [http.finding, nats], date: http.date };
}

async function askHttp(
  url: string,
  clock: Clock,
): Promise<{ finding: Finding; date: HubDate | undefined }> {
  const check = { check: 'hub', about: url } as const;
  const askedAt = clock.now();
  let response: Response;
  let body: string;
  try {
    response = await fetch(new URL('/health/ready', url), {
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    body = await response.text();
  } catch (error) {
    return { finding: notReached('HUB', check, causeOf(error)), date: undefined };
  }
  const at = Date.parse(response.headers.get('date') ?? '');
  const date = Number.isNaN(at) ? undefined : { url, at, askedAt, answeredAt: clock.now() };
  if (response.ok && isStatus(body))
    return { finding: well({ ...check, what: 'The hub answers.' }), date };
  if (response.ok) {
    const finding = found('HUB_OTHER', {
      ...{ ...check, what: 'Something answers there, and it is no hub: perhaps a proxy.' },
      mend: 'Correct hub.url in edge.yaml; have the proxy let this machine through to the hub.',
    });
    // Whose clock it tells is not known.
    return { finding, date: undefined };
  }
  const finding = found('HUB_NOT_READY', {
    ...check,
    what: `The hub answers ${response.status}: it is not ready, or this is no hub.`,
    mend: 'Ask who runs the hub; correct hub.url in edge.yaml if it is another address.',
  });
  return { finding, date };
}

/** What a hub says of itself: `{"status": …}`. */
function isStatus(body: string): boolean {
  try {
    const { status } = JSON.parse(body) as { status?: unknown };
    return typeof status === 'string';
  } catch {
    return false;
  }
}

async function askNats(
  { trust, dataDirectory }: Pick<Config, 'trust' | 'dataDirectory'>,
  servers: string,
): Promise<Finding> {
  const check = { check: 'nats', about: servers } as const;
  const seedFile = natsSeedFile(dataDirectory);
  const again = 'Ask the hub for a token and run "cdip edge enrol" again.';
  if (!existsSync(seedFile))
    return found('NATS_KEY_MISSING', { ...check, what: `${seedFile} is missing.`, mend: again });
  try {
    const connection = await connect({
      servers: servers.split(',').map((server) => server.trim()),
      ...(servers.includes('tls://') ? { tls: { ...readPair(dataDirectory) } } : {}),
      authenticator: nkeyAuthenticator(readFileSync(seedFile)),
      inboxPrefix: edgeInboxPrefix(trust),
      name: `cdip-doctor-${trust}`,
      ...{ timeout: ANSWER_MS, reconnect: false, noAsyncTraces: true },
    });
    try {
      const subject = rpcSubject(trust, 'cursor');
      const reply = await connection.request(subject, '{}', { timeout: ANSWER_MS });
      CursorReplySchema.parse(reply.json());
    } catch {
      return found('NATS_HUB_SILENT', {
        ...{ ...check, what: 'The broker lets this edge in, but no hub answers there.' },
        mend: 'Ask who runs the hub whether it is up, and whether hub.nats in edge.yaml is its broker.',
      });
    } finally {
      await connection.close();
    }
  } catch (error) {
    const name = (error as Error).name;
    if (/Authorization|Authentication/.test(name))
      return found('NATS_KEY_REFUSED', {
        ...{ ...check, what: "The broker refuses this edge's key.", mend: again },
      });
    return notReached('NATS', check, causeOf(error));
  }
  return well({ ...check, what: 'The broker lets this edge in, and a hub answers.' });
}

/** The innermost error that has a code. */
function causeOf(error: unknown): unknown {
  const { cause } = error as { cause?: unknown };
  return cause instanceof Error && codeOf(error) === 'BUG' ? causeOf(cause) : error;
}

function notReached(
  prefix: 'HUB' | 'NATS',
  seen: { check: 'hub' | 'nats'; about: string },
  error: unknown,
): Finding {
  const code = codeOf(error);
  const key = prefix === 'HUB' ? 'hub.url' : 'hub.nats';
  const { about } = seen;
  const say = (which: FindingCode, what: string, mend: string): Finding =>
    found(which, { ...seen, what, mend });
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return say(
      `${prefix}_NAME_UNKNOWN`,
      `Its name is not known to the name server (${code}).`,
      `Correct ${key} in edge.yaml, or have the name put into DNS.`,
    );
  if (code === 'ECONNREFUSED')
    return say(
      `${prefix}_PORT_CLOSED`,
      `The machine is there, and the port of ${about} is closed.`,
      `Start the hub, or correct the port in ${key} of edge.yaml, or open it in the firewall.`,
    );
  if (prefix === 'HUB' && code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return say(
      'HUB_TLS',
      'What answers there speaks no TLS.',
      'Write http:// in hub.url of edge.yaml, or the port at which the hub, or the proxy before it, speaks TLS.',
    );
  if (prefix === 'HUB' && /CERT|SSL|TLS|SELF_SIGNED|ISSUER/.test(code))
    return say(
      'HUB_TLS',
      `Its certificate is not accepted: ${code}.`,
      code === 'CERT_HAS_EXPIRED'
        ? 'The certificate has expired: whoever runs the hub has to renew it.'
        : "Put the authority that signed it into this machine's trust (update-ca-certificates).",
    );
  return say(
    `${prefix}_NO_ANSWER`,
    `Nothing answers at ${about} (${code === 'BUG' ? 'not in time' : code}).`,
    `Let this machine dial ${about} in every firewall between; check ${key} in edge.yaml.`,
  );
}
