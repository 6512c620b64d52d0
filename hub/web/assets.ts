/**
 * Style sheet, script and icon of the pages, all served by the hub itself: a browser in a hospital
 * may reach nothing else. The NHS design system's font face is taken out of its style sheet: it
 * would be fetched from assets.nhs.uk, and only NHS bodies may use it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyInstance } from 'fastify';

export interface Asset {
  readonly type: string;
  readonly body: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

/** Where the NHS design system's package lies: its `dist/nhsuk` holds templates, style sheet and script. */
export const NHSUK_FRONTEND = join(
  dirname(createRequire(import.meta.url).resolve('nhsuk-frontend/package.json')),
  'dist',
);

/** Everything under `/assets/`, compressed once. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const own = (name: string): string =>
    readFileSync(join(import.meta.dirname, 'static', name), 'utf8');
  const nhsuk = (name: string): string => readFileSync(join(NHSUK_FRONTEND, 'nhsuk', name), 'utf8');
  return new Map([
    [
      'style.css',
      asset('text/css', withoutFontFace(nhsuk('nhsuk-frontend.min.css')) + own('cdip.css')),
    ],
    [
      'nhsuk-frontend.js',
      asset('text/javascript', withoutSourceMap(nhsuk('nhsuk-frontend.min.js'))),
    ],
    ['cdip.js', asset('text/javascript', own('cdip.js'))],
    ['icon.svg', asset('image/svg+xml', own('icon.svg'))],
  ]);
}

/** Without the font face the family would be serif in places: cdip.css names the fallback. */
export function withoutFontFace(css: string): string {
  return withoutSourceMap(
    css
      .replace(/@font-face\s*{[^}]*}/g, '')
      .replace(/font-family:\s*["']?Frutiger W01["']?,/g, 'font-family:'),
  );
}

const withoutSourceMap = (text: string): string =>
  text.replace(/\/[*/]# sourceMappingURL=[^\n]*?(\*\/|\n|$)/g, '');

function asset(type: string, text: string): Asset {
  const body = Buffer.from(text);
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return {
    type: `${type}; charset=utf-8`,
    body,
    gzip: gzipSync(body, { level: 9 }),
    etag: `"${digest}"`,
  };
}

export function serveAssets(app: FastifyInstance, assets: ReadonlyMap<string, Asset>): void {
  for (const [name, { type, body, gzip, etag }] of assets) {
    app.get(`/assets/${name}`, async (request, reply) => {
      reply.headers({ 'cache-control': 'no-cache', etag, vary: 'accept-encoding' });
      if (request.headers['if-none-match'] === etag) return reply.status(304).send();
      const takesGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
      if (takesGzip) reply.header('content-encoding', 'gzip');
      return reply.type(type).send(takesGzip ? gzip : body);
    });
  }
}
