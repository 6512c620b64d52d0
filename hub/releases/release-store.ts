/**
 * Builds of the edge that this hub can send: `<dataDirectory>/releases/<SHA-256>.deb`, with what is said of each beside
 * it. Written by `cdip hub release add`, also while the hub runs; read again at each look.
 */
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, verify } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  globSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { rfc3339 } from '../../shared/clock.ts';
import { ReleaseVersion, Sha256 } from '../../shared/contract/releases.ts';
import { writeDurably } from '../../shared/write-durably.ts';
import { RolloutError } from './rollout-error.ts';

const PACKAGE = 'cdip-edge';
const SIGNATURE_BYTES = 64;
const FIELDS = ['Package', 'Version', 'Architecture'];

const ReleaseSchema = z.object({
  sha256: Sha256,
  version: ReleaseVersion,
  architecture: z.string(),
  bytes: z.int().positive(),
  /** Ed25519 over the file, base64. */
  signature: z.base64(),
  addedAt: z.iso.datetime(),
});
export type Release = z.output<typeof ReleaseSchema>;

export interface Added {
  readonly deb: string;
  readonly signature: string;
  /** PEM; undefined: this hub does not know it, and each edge verifies by its own. */
  readonly key: string | undefined;
  readonly now: number;
}

export class ReleaseStore {
  readonly #folder: string;

  constructor(dataDirectory: string) {
    this.#folder = join(dataDirectory, 'releases');
  }

  /** The newest first. */
  list(): Release[] {
    return globSync('*.json', { cwd: this.#folder })
      .flatMap((name) => this.#read(join(this.#folder, name)) ?? [])
      .sort((a, b) => b.addedAt.localeCompare(a.addedAt));
  }

  find(sha256: string): Release | undefined {
    return Sha256.safeParse(sha256).success
      ? this.#read(join(this.#folder, `${sha256}.json`))
      : undefined;
  }

  /** Where the file of one that was found is. */
  fileOf({ sha256 }: Release): string {
    return join(this.#folder, `${sha256}.deb`);
  }

  /** Durable when it returns; one that is there already stays. @throws RolloutError `RELEASE_REFUSED` */
  add({ deb, signature, key, now }: Added): Release {
    const [bytes, signed] = [readGiven(deb), readGiven(signature)];
    if (signed.length !== SIGNATURE_BYTES)
      throw refused(`${signature} is no signature of Ed25519: it has ${signed.length} bytes`);
    if (key !== undefined && !verify(null, bytes, createPublicKey(key), signed))
      throw refused(
        `${signature} is not of ${deb}, or by another key than this hub was built with`,
      );
    const { version, architecture } = fieldsOf(deb);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const known = this.find(sha256);
    if (known !== undefined) return known;
    const release: Release = {
      ...{ sha256, version, architecture, bytes: bytes.length },
      ...{ signature: signed.toString('base64'), addedAt: rfc3339(now) },
    };
    mkdirSync(this.#folder, { recursive: true, mode: 0o750 });
    const file = this.fileOf(release);
    copyFileSync(deb, `${file}.new`);
    const fd = openSync(`${file}.new`, 'r+');
    fsyncSync(fd);
    closeSync(fd);
    renameSync(`${file}.new`, file);
    writeDurably(join(this.#folder, `${sha256}.json`), `${JSON.stringify(release)}\n`);
    return release;
  }

  /** @returns false: there is none */
  drop(sha256: string): boolean {
    const release = this.find(sha256);
    if (release === undefined) return false;
    rmSync(join(this.#folder, `${sha256}.json`));
    rmSync(this.fileOf(release), { force: true });
    return true;
  }

  #read(file: string): Release | undefined {
    if (!existsSync(file)) return undefined;
    const release = ReleaseSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data;
    if (release === undefined) return undefined;
    const size = statSync(this.fileOf(release), { throwIfNoEntry: false })?.size;
    return size === release.bytes ? release : undefined;
  }
}

const refused = (why: string, cause?: unknown): RolloutError =>
  new RolloutError('RELEASE_REFUSED', why, { cause });

function readGiven(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw refused(`${file} can not be read: ${(cause as NodeJS.ErrnoException).code}`, cause);
  }
}

function fieldsOf(deb: string): { version: string; architecture: string } {
  let text: string;
  try {
    text = execFileSync('dpkg-deb', ['-f', deb, ...FIELDS], { encoding: 'utf8', stdio: 'pipe' });
  } catch (cause) {
    throw refused(`${deb} is no package that dpkg-deb can read`, cause);
  }
  const fields = new Map(
    text.split('\n').map((line): [string, string] => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  if (fields.get('Package') !== PACKAGE) throw refused(`${deb} is not ${PACKAGE}`);
  const version = ReleaseVersion.safeParse(fields.get('Version')).data;
  if (version === undefined) throw refused(`${deb} has a version that is none`);
  return { version, architecture: fields.get('Architecture') ?? '' };
}
