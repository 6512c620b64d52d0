/**
 * `npm run package`: the Debian packages of edge and hub, and the bundle for a machine without internet, in dist/.
 *
 *   stage ─► cdip-edge_V_amd64.deb, cdip-hub_V_amd64.deb ─► offline bundle ─► SBOM, SHA256SUMS
 *
 *   npm run package -- [--version V] [--out FOLDER] [--only cdip-edge] [--sign KEY.pem]
 *
 * With a key each package carries the public half, and FILE.deb.sig stands beside it (installers/package/sign.ts).
 * The same input gives the same bytes: times are those of the last commit, or of SOURCE_DATE_EPOCH.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildBundle, writeSbom, writeSums } from './package/bundle.ts';
import { buildDeb, PRODUCTS } from './package/deb.ts';
import { openSigner } from './package/sign.ts';
import { ROOT } from './package/stage.ts';

const { values } = parseArgs({
  options: {
    version: { type: 'string' },
    out: { type: 'string', default: join(ROOT, 'dist') },
    only: { type: 'string' },
    sign: { type: 'string' },
  },
});

function ownVersion(): string {
  const own = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  return own.version;
}

function lastCommitSeconds(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  if (given !== undefined) return Number(given);
  return Number(
    execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, encoding: 'utf8' }),
  );
}

const version = values.version ?? ownVersion();
if (!/^[0-9][A-Za-z0-9.+~]*$/.test(version))
  throw new Error(`"${version}" is no version of Debian`);
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const signer = values.sign === undefined ? undefined : openSigner(values.sign);
const workDirectory = mkdtempSync(join(tmpdir(), 'cdip-package-'));
try {
  const options = {
    ...{ version, out, workDirectory, epochSeconds: lastCommitSeconds() },
    releaseKey: signer?.publicKey,
  };
  const products = PRODUCTS.filter(
    (one) => values.only === undefined || one.package === values.only,
  );
  const debs = products.map((product) => buildDeb(product, options));
  const signatures = signer === undefined ? [] : debs.map((deb) => signer.sign(deb));
  const files = [...debs, ...signatures, writeSbom(options)];
  const bundle = values.only === undefined ? [buildBundle(files, options)] : [];
  const sums = writeSums([...files, ...bundle], out);
  process.stdout.write(`${[...files, ...bundle, sums].join('\n')}\n`);
} finally {
  rmSync(workDirectory, { recursive: true, force: true });
}
