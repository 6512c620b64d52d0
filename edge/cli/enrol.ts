/**
 * `cdip edge enrol`: makes the edge's own key and joins it to a hub.
 *
 *   new nkey ─► POST /api/enrol {token, public key} ─► seed file, directory, `hub:` in edge.yaml
 *
 * The seed never leaves this machine. Nothing here is changed before the hub has said yes.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createUser } from '@nats-io/nkeys';
import { parseDocument, stringify } from 'yaml';
import { keepPair, pairOf } from '../../shared/client-pair.ts';
import {
  type EnrolReply,
  EnrolReplySchema,
  type EnrolRequest,
} from '../../shared/contract/enrol.ts';
import { keyOfSeed, nkeyOf } from '../../shared/ed25519.ts';
import { codeOf, GatewayError, type Retry } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import { type EdgeConfig, firstConfig, httpUrlOf, natsSeedFile } from '../config.ts';
import { DirectoryCache } from '../transfer/directory.ts';

const TIMEOUT_MS = 30_000;

export type EnrolErrorCode = 'HUB_UNREACHABLE' | 'ENROL_REFUSED' | 'ENROL_ANSWER';

export class EnrolError extends GatewayError {
  override readonly name = 'EnrolError';
  readonly code: EnrolErrorCode;
  readonly retry: Retry;

  constructor(code: EnrolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retry = code === 'HUB_UNREACHABLE' ? 'safe' : 'never';
  }
}

export interface EnrolOptions {
  readonly configFile: string;
  readonly hubUrl: string;
  readonly token: string;
}

/** @returns the exit code @throws EnrolError */
export async function enrol(config: EdgeConfig, options: EnrolOptions): Promise<number> {
  await joinNetwork(config, options);
  process.stderr.write(
    `${config.trust} is joined to ${options.hubUrl}. Written: the key in ${config.dataDirectory}, and "hub:" in ${options.configFile}.\nStart (or restart) the edge now.\n`,
  );
  return 0;
}

/** @throws EnrolError */
export async function joinNetwork(config: EdgeConfig, options: EnrolOptions): Promise<void> {
  const { trust, dataDirectory } = config;
  const user = createUser();
  const request: EnrolRequest = {
    token: options.token,
    trust,
    natsPublicKey: nkeyOf(keyOfSeed(user.getSeed())),
    httpUrl: httpUrlOf(config, config.http.port),
    version: VERSION,
  };
  const reply = await ask(options.hubUrl, request);
  mkdirSync(dataDirectory, { recursive: true });
  writeWhole(natsSeedFile(dataDirectory), new TextDecoder().decode(user.getSeed()), 0o600);
  if (reply.certificate !== undefined && reply.authority !== undefined)
    keepPair(dataDirectory, pairOf(user.getSeed(), reply.certificate), reply.authority);
  new DirectoryCache(dataDirectory).store(reply.directory);
  writeHub(options.configFile, { trust, url: options.hubUrl, nats: reply.natsUrl });
}

async function ask(hubUrl: string, request: EnrolRequest): Promise<EnrolReply> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL('/api/enrol', hubUrl), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    text = await response.text();
  } catch (cause) {
    const why = codeOf((cause as Error).cause ?? cause);
    throw new EnrolError('HUB_UNREACHABLE', `${hubUrl} does not answer (${why})`, { cause });
  }
  if (!response.ok) throw new EnrolError('ENROL_REFUSED', refusal(response.status, text));
  return replyOf(text, hubUrl);
}

function replyOf(text: string, hubUrl: string): EnrolReply {
  try {
    return EnrolReplySchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new EnrolError('ENROL_ANSWER', `${hubUrl} answers, but is no hub of this version`, {
      cause,
    });
  }
}

function refusal(status: number, text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
    return `the hub refused: ${code ?? status} ${detail ?? ''}`.trim();
  } catch {
    return `the hub refused: ${status}`;
  }
}

/** Puts `hub` into the file and leaves everything else, comments too, as it stands. */
function writeHub(
  file: string,
  { trust, ...hub }: { trust: string; url: string; nats: string },
): void {
  const text = existsSync(file)
    ? readFileSync(file, 'utf8')
    : `# Written by "cdip edge enrol". Peers and all other keys: examples/edge.yaml of the documentation.\n${stringify(firstConfig(trust))}`;
  const document = parseDocument(text);
  document.set('hub', document.createNode(hub));
  writeWhole(file, document.toString(), 0o640);
}

function writeWhole(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode });
  renameSync(`${file}.new`, file);
}
