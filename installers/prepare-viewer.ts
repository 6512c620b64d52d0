/**
 * Prepares OHIF, the viewer at /viewer/, from its npm package: only what a browser here needs, for our
 * base path, compressed once. `node installers/prepare-viewer.ts` (bootstrap.sh runs it).
 *
 *   npm pack @ohif/app ─► integrity ─► dist/ ─► without parts that nobody opens ─► node_modules/.cdip-viewer
 *
 * Its own configuration names an outside server and is left out; ours is hub/web/viewer/app-config.js.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { gzipSync } from 'node:zlib';

const NAME = '@ohif/app@3.13.2';
const INTEGRITY =
  'sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA==';
const BASE = '/viewer/';
const MODULES = join(import.meta.dirname, '..', 'node_modules');
const VIEWER = join(MODULES, '.cdip-viewer');

/** AI segmentation, microscopy, source maps, pieces that name outside hosts, icons of telephones. */
const LEFT_OUT =
  /^(ort|dicom-microscopy-viewer)\/|\.map$|^(sw|init-service-worker)\.js$|^(es6-shim|oidc-client|polyfill)\.min\.js$|^silent-refresh\.html$|^assets\/(apple-touch|images)|^_|^app-config\.js$|^manifest\.json$/;
const COMPRESSED = /\.(js|html|json|css|wasm|svg)$/;

if (!existsSync(join(VIEWER, 'index.html'))) prepare();

function prepare(): void {
  const folder = mkdtempSync(join(MODULES, '.cdip-viewer-new-'));
  try {
    unpack(folder);
    const dist = join(folder, 'package', 'dist');
    const made = join(folder, 'viewer');
    for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      const name = relative(dist, file);
      if (entry.isFile() && !LEFT_OUT.test(name)) put(made, name, ours(name, readFileSync(file)));
    }
    writeFileSync(join(made, 'LICENSE'), readFileSync(join(folder, 'package', 'LICENSE')));
    rmSync(VIEWER, { recursive: true, force: true });
    renameSync(made, VIEWER);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws Error when npm can't get it, or gets another */
function unpack(folder: string): void {
  const said = execFileSync('npm', ['pack', NAME, '--json', '--pack-destination', folder], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [packed] = JSON.parse(said) as { filename: string; integrity: string }[];
  if (packed?.integrity !== INTEGRITY)
    throw new Error(`${NAME} is not the package that is expected`);
  const [archive = ''] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['xzf', join(folder, archive), '-C', folder]);
}

function put(folder: string, name: string, bytes: Buffer): void {
  const file = join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  if (COMPRESSED.test(name)) writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
}

/** The base path is baked into scripts, styles and page. @throws Error when a file is not as it was */
function ours(name: string, bytes: Buffer): Buffer {
  if (name === 'index.html') return Buffer.from(page(bytes.toString()));
  if (name.endsWith('.css'))
    return Buffer.from(bytes.toString().replaceAll('url(/', `url(${BASE}`));
  if (!name.endsWith('.js')) return bytes;
  const text = bytes.toString();
  return Buffer.from(
    text.replaceAll('__webpack_require__.p = "/"', `__webpack_require__.p = "${BASE}"`),
  );
}

/** No inline script, which the policy of /viewer/ forbids; app-config.js does what they did. */
function page(html: string): string {
  const stripped = html
    .replace(/<script(?![^>]*src=)[^>]*>.*?<\/script>/gs, '')
    .replace(/<script[^>]*init-service-worker[^>]*><\/script>/, '')
    .replace(/<link rel="(?:apple-touch|manifest)[^>]*>/g, '')
    .replace(/<title>.*?<\/title>/s, '<title>Images – Imaging network</title>')
    .replace(/<html[^>]*>/, '<html lang="en">')
    .replaceAll('="/', `="${BASE}`);
  if (!stripped.includes(`src="${BASE}app-config.js"`))
    throw new Error('index.html is another one');
  return stripped;
}
