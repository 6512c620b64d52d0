/** How a DICOMweb service of somebody else's is reached: certificates that are trusted, a token that is shown. */
import { readFileSync } from 'node:fs';
import { Agent } from 'undici';

export interface ServiceAccess {
  readonly tokenFile?: string | undefined;
  readonly caFile?: string | undefined;
}

const CONNECT_MS = 10_000;

/** @param silentMs an answer of which nothing comes for so long is given up @throws as node:fs */
export function agentFor({ caFile }: ServiceAccess, silentMs: number): Agent {
  const ca = caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') };
  return new Agent({
    ...{ headersTimeout: silentMs, bodyTimeout: silentMs },
    connect: { timeout: CONNECT_MS, ...ca },
  });
}

/** Read each time: tokens are renewed by somebody else. @throws as node:fs */
export function authorizationFor({ tokenFile }: ServiceAccess): Record<string, string> {
  if (tokenFile === undefined) return {};
  return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` };
}
