/** What only the running edge does, since it owns the index: asked over its HTTP on this machine. */
import { codeOf } from '../../shared/errors.ts';
import type { EdgeConfig } from '../config.ts';

/** The edge's own HTTP, as this machine reaches it. */
export function localUrl({ http: { host, port, tls } }: Pick<EdgeConfig, 'http'>): string {
  const isAny = host === '0.0.0.0' || host === '::';
  return `${tls === undefined ? 'http' : 'https'}://${isAny ? '127.0.0.1' : host}:${port}`;
}

/** @returns the answer; undefined when it was refused, why is on stderr */
export async function askEdge<T>(
  config: EdgeConfig,
  path: string,
  question?: object,
): Promise<T | undefined> {
  const url = localUrl(config);
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, {
      method: 'POST',
      ...(question && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(question),
      }),
    });
  } catch (cause) {
    const why = codeOf((cause as Error).cause ?? cause);
    process.stderr.write(`the edge does not answer at ${url} (${why}): start it first\n`);
    return undefined;
  }
  const body = (await response.json()) as T & { code?: string; detail?: string };
  if (response.ok) return body;
  process.stderr.write(`${body.code}: ${body.detail}\n`);
  return undefined;
}
